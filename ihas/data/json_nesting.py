"""Whether a file of JSON lines is nested so deeply that a parser which calls itself for each bracket could end the process."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ihas.data.sources import CHUNK, opened

MAX_OPEN = 256
"""Brackets that a line may open before it is looked at with care; pyarrow's parser takes some 10,000 inside one another."""
_MARKS = b"[]{}\n"
_OTHERS = bytes(set(range(256)) - set(_MARKS))
_STEP = np.array([sum(((byte in b"[{"), -(byte in b"]}"))) for byte in range(256)], np.int32)


def nests_deeply(path: Path) -> bool:
    """Whether some line holds more than `MAX_OPEN` opening brackets that no closing one comes between, in its texts or outside of them.

    Raises:
        DataError: the file cannot be read.
    """
    depth = 0
    with opened(path) as stream:
        while block := stream.read(CHUNK):
            deepest, depth = _depths(np.frombuffer(block.translate(None, _OTHERS), np.uint8), depth)
            if deepest > MAX_OPEN:
                return True
    return False


def _depths(marks: np.ndarray, before: int) -> tuple[int, int]:
    """Greatest number of open brackets at any of the marks, and that at the last one; each line begins with none."""
    running = before + np.cumsum(_STEP[marks])
    begins = np.maximum.accumulate(np.where(marks == ord("\n"), np.arange(1, len(marks) + 1), 0))
    depths = running - np.concatenate([[0], running])[begins]
    return int(depths.max(initial=before)), int(depths[-1]) if len(depths) else before
