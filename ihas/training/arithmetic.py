"""What decides the last bit of a training: machines that agree in it give equal results.

    threads         order of the sums of TensorFlow
    instructions    of the processor: which loops TensorFlow and Numba take
    caches          of the processor: the blocks in which matrices are multiplied
    gpus            that TensorFlow sees
    versions        of Python and of what computes

Source: our choice (decision 99).
"""

from __future__ import annotations

import platform
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ihas.extras import installed_version
from ihas.legacy_keras import tf
from ihas.optim.update_rules import num_threads

PACKAGES = ("ihas", "tensorflow", "tf-keras", "numpy", "numba")
SHOWN = 4
CPU, CACHES = Path("/proc/cpuinfo"), Path("/sys/devices/system/cpu/cpu0/cache")


@dataclass(frozen=True)
class Arithmetic:
    """What a machine computes with, as the module says."""

    threads: int
    gpus: int
    instructions: tuple[str, ...]
    caches: tuple[str, ...]
    versions: Mapping[str, str]

    def differences(self, other: Mapping[str, Any]) -> list[str]:
        """What another's, as `asdict` writes it, has otherwise: `tensorflow 2.20.0, not 2.21.0`."""
        theirs, mine = Arithmetic(**other), asdict(self)
        found = [
            f"{name} {theirs.versions.get(name)}, not {kept}" for name, kept in self.versions.items() if theirs.versions.get(name) != kept
        ]
        found += [f"{name} {other[name]}, not {mine[name]}" for name in ("threads", "gpus") if other[name] != mine[name]]
        lacking, more = set(self.instructions) - set(theirs.instructions), set(theirs.instructions) - set(self.instructions)
        found += [f"a processor without {_few(lacking)}"] if lacking else []
        found += [f"a processor with {_few(more)}"] if more else []
        return found + ([f"caches {' '.join(theirs.caches)}, not {' '.join(self.caches)}"] if theirs.caches != self.caches else [])


def own_arithmetic(threads: int | None = None) -> Arithmetic:
    """This process's.

    Args:
        threads: what TensorFlow is to be held to, where it has not computed anything yet; None leaves it as it is.
    """
    if threads is not None:
        with suppress(RuntimeError):  # it has computed: the number stays, and is told
            tf.config.threading.set_intra_op_parallelism_threads(threads)
    gpus = len(tf.config.list_physical_devices("GPU"))
    return Arithmetic(num_threads(), gpus, _instructions(), _caches(), versions())


def versions() -> dict[str, str]:
    """Versions of Python and of what computes; no package is imported for it."""
    return {"python": platform.python_version(), **{name: installed_version(name) or "missing" for name in PACKAGES}}


def _instructions() -> tuple[str, ...]:
    """Of the first processor; on a system that has no such list, its name."""
    with suppress(OSError):
        for line in CPU.read_text(encoding="utf-8").splitlines():
            name, _, value = line.partition(":")
            if name.strip() in ("flags", "Features"):
                return tuple(sorted(value.split()))
    return (platform.machine(), platform.processor())


def _caches() -> tuple[str, ...]:
    """Sizes, as the system says them; nothing where it does not."""
    with suppress(OSError):
        return tuple(path.read_text(encoding="utf-8").strip() for path in sorted(CACHES.glob("index*/size")))
    return ()


def _few(names: set[str]) -> str:
    shown = sorted(names)
    return ", ".join(shown[:SHOWN]) + (f" and {len(shown) - SHOWN} more" if len(shown) > SHOWN else "")
