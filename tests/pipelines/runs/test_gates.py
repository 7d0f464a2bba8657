"""Gates let through what serves as well as the champion, and say in numbers why they stop what does not."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from ihas.bundle.archive import write_bundle
from ihas.data.newest import NewestRows
from ihas.results.gates import GateBounds, GatesVerdict
from ihas.serving.loading import load_recommender
from ihas.serving.protocol import Recommender
from ihas_pipelines.runs.gates import gates_of, newest_rows_of, not_loaded
from tests.ihas.bundle_factory import LOGITS, rows, small_bundle
from tests.ihas.serving.fallback_bundle import torn

pytestmark = pytest.mark.full

SLOW_MACHINE = GateBounds(latency_ratio=1_000.0)
"""Bounds whose latency no busy machine breaks."""


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Recommender:
    """The bundle whose scores are known by hand."""
    folder = tmp_path_factory.mktemp("films") / "bundle"
    write_bundle(small_bundle(), folder)
    return load_recommender(folder)


@pytest.fixture(scope="module")
def reversed_films(tmp_path_factory: pytest.TempPathFactory) -> Recommender:
    """The same, but its first group ranks the other way round."""
    bundle = small_bundle()
    first, second = bundle.models
    turned = dataclasses.replace(first, table=-first.table)
    logits = np.array([0.5 - (logit - 0.5) if user == "ada" else logit for user in LOGITS for logit in LOGITS[user].values()], np.float32)
    folder = tmp_path_factory.mktemp("reversed") / "bundle"
    write_bundle(dataclasses.replace(bundle, models=(turned, second), golden=dataclasses.replace(bundle.golden, logits=logits)), folder)
    return load_recommender(folder)


def drawn(copies: int = 300) -> NewestRows:
    """Rows whose clicks are drawn by the scores of the bundle."""
    many = tuple({name: cell for name, cell in row.items() if cell is not None} for row in rows()) * copies
    logits = np.array([logit for user in LOGITS for logit in LOGITS[user].values()] * copies)
    labels = np.random.default_rng(0).random(len(logits)) < 1.0 / (1.0 + np.exp(-logits))
    return NewestRows(many, labels.astype(np.float32))


def failed(verdict: GatesVerdict) -> list[str]:
    """Names of the gates that were not met."""
    return [gate.name for gate in verdict.gates if not gate.passed]


def test_the_same_model_meets_every_gate(films: Recommender) -> None:
    """Its AUC differs by 0, from 0 to 0, and its scores are the rates that the clicks were drawn by."""
    verdict = gates_of(films, films, drawn(), SLOW_MACHINE)

    assert (verdict.passed, failed(verdict), verdict.rows) == (True, [], 1_800)
    assert [gate.name for gate in verdict.gates] == ["golden", "auc", "calibration", "latency"]
    assert "is +0.0000, between +0.0000 and +0.0000 (95 %); the lower end is at least -0.0050" in verdict.gates[1].detail


def test_a_worse_model_fails_by_its_auc_and_its_calibration(films: Recommender, reversed_films: Recommender) -> None:
    """And the champion's rows tell by how much; the other way round it passes."""
    worse = gates_of(films, reversed_films, drawn(), SLOW_MACHINE)

    assert (worse.passed, failed(worse)) == (False, ["auc", "calibration"])
    assert "the lower end is not, as it must be, at least -0.0050" in worse.gates[1].detail
    assert gates_of(reversed_films, films, drawn(), SLOW_MACHINE).passed


def test_a_model_that_is_far_slower_fails(films: Recommender) -> None:
    """No model is a thousand times as fast as itself."""
    verdict = gates_of(films, films, drawn(), SLOW_MACHINE.model_copy(update={"latency_ratio": 1e-3}))

    assert failed(verdict) == ["latency"]
    assert "a ratio of" in verdict.gates[3].detail


def test_without_a_champion_there_is_nothing_to_compare_with(films: Recommender) -> None:
    """The first version is judged by its golden rows and its calibration."""
    verdict = gates_of(None, films, drawn(), SLOW_MACHINE)

    assert (verdict.passed, verdict.gates[1].detail) == (True, "Nothing to compare with: no version serves.")


def test_what_was_not_measured_is_not_met(films: Recommender) -> None:
    """Without rows a person decides; without a click nothing is known of the calibration."""
    none = gates_of(films, films, None, SLOW_MACHINE)
    dull = gates_of(films, films, NewestRows(drawn(1).rows, np.zeros(6, np.float32)), SLOW_MACHINE)

    assert (none.passed, failed(none)) == (False, ["auc", "calibration", "latency"])
    assert failed(dull) == ["auc", "calibration"]  # one label: the difference lies between -1 and 1


def test_a_champion_of_other_fields_is_asked_for_its_own(films: Recommender) -> None:
    """A field that only the new table has is left out of the champion's rows, instead of ending the comparison."""
    known = drawn()
    more = NewestRows(tuple({**row, "weather": "sunny"} for row in known.rows), known.labels)

    assert gates_of(films, films, more, SLOW_MACHINE).passed


def test_a_group_whose_own_model_fails_is_no_golden_version(tmp_path: Path, films: Recommender) -> None:
    """The shared model serves it, which nobody promotes unasked."""
    torn(tmp_path)

    assert failed(gates_of(films, load_recommender(tmp_path), drawn(), SLOW_MACHINE))[:1] == ["golden"]
    assert not not_loaded("Golden row 2 scores differently.").passed


def test_a_run_folder_without_rows_has_none(tmp_path: Path) -> None:
    """As those of other kinds and of earlier versions."""
    (tmp_path / "stages" / "data-1" / "encoded").mkdir(parents=True)

    assert newest_rows_of(tmp_path) is None
    assert newest_rows_of(tmp_path / "nowhere") is None
