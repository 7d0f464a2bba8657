"""The command of entropies, on files whose metrics are known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ihas_pipelines.commands.app import run


def _recipe(folder: Path, lines: list[str]) -> str:
    (folder / "taken.txt").write_text("\n".join(lines) + "\n")
    (folder / "walks.toml").write_text('kind = "ladder"\n[data]\npath = "taken.txt"\nformat = "sequences"\n')
    return str(folder / "walks.toml")


def test_sequences_without_repeats_measure_length(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of each sequence's last three of four different items ApEn is ln 2 and LZ ln 3; the row says that only length was measured."""
    assert run(["study", "entropy", _recipe(tmp_path, ["u1 a b c d", "u2 d c b a"]), "--last", "3"]) == 0
    cells = capsys.readouterr().out.splitlines()[-1].split(" | ")
    assert cells[:5] == ["| taken.txt", "2", "6", "0%", "0%"]
    assert cells[5:8] == [f"{np.log(2):.4f}", f"{np.log(3):.3f}", "none"]
    assert "lengths alone" in cells[8]


def test_sequences_with_repeats_scale_interactions(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where every sequence goes round, all repeat a block, and nothing is to be said."""
    assert run(["study", "entropy", _recipe(tmp_path, ["u1 a b c a b c a b", "u2 b c a b c a"])]) == 0
    cells = capsys.readouterr().out.splitlines()[-1].split(" | ")
    assert cells[3:5] == ["100%", "100%"]
    assert float(cells[7]) == pytest.approx(14 / float(cells[5]), rel=0.01)
    assert cells[8] == "none |"


def test_bad_input_is_a_message_and_a_status(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Sequences that are too short for a block end with 2 and the reason."""
    assert run(["study", "entropy", _recipe(tmp_path, ["u1 a b"])]) == 2
    assert "longer than `block`" in capsys.readouterr().err
