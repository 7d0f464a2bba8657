"""A group whose own model fails its check is served by the shared one."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from ihas.bundle.archive import read_bundle, write_bundle
from ihas.bundle.manifest import read_manifest
from ihas.bundle.values import Bundle
from ihas.errors import BundleCorruptError
from ihas.serving.answers import RecommendRequest
from ihas.serving.grouped.recommender import GroupedRecommender
from ihas.serving.loading import load_grouped
from tests.ihas.bundle_factory import LOGITS, linear_graph, rows, small_bundle
from tests.ihas.serving.fallback_bundle import SHARED, fallback_bundle

OWN = [logit for movies in LOGITS.values() for logit in movies.values()]
BOB_SHARED = [*LOGITS["ada"].values(), *[SHARED["bob"]] * 3]


def _loaded(bundle: Bundle, folder: Path, *spoilt: str) -> GroupedRecommender:
    write_bundle(bundle, folder / "bundle")
    for name in spoilt:
        path = folder / "bundle" / name
        content = bytearray(path.read_bytes())
        content[-1] ^= 1
        path.write_bytes(content)
    return load_grouped(folder / "bundle")


def _table_of(folder: Path, position: int) -> str:
    return read_manifest(folder / "bundle").paths[position].table


def _wrong(bundle: Bundle, position: int) -> dict[str, object]:
    """A path that is whole but answers otherwise: its graph has another bias."""
    path = bundle.paths[position]
    other = dataclasses.replace(path, graph=linear_graph(np.ones(int(path.mask.sum())), 7.0))
    return {path.name.replace("-", "_"): other}


def test_a_whole_bundle_answers_by_its_own_models(tmp_path: Path) -> None:
    """The shared model travels and is not asked."""
    found = _loaded(fallback_bundle(), tmp_path)
    assert [row.logit for row in found.score(rows())] == OWN
    assert found.degraded == {}
    assert found.recommend(RecommendRequest({"user": "bob"})).degraded_groups == ()


@pytest.mark.parametrize("spoilt", ["paths/group-1.onnx", "table", "missing"])
def test_a_broken_file_of_one_group_costs_that_group_alone(tmp_path: Path, spoilt: str) -> None:
    """A flipped bit in bob's graph or table, or no table at all: ada is answered as ever, bob by the shared model."""
    write_bundle(fallback_bundle(), tmp_path / "bundle")
    name = spoilt if spoilt.startswith("paths") else _table_of(tmp_path, 1)
    path = tmp_path / "bundle" / name
    path.unlink() if spoilt == "missing" else path.write_bytes(path.read_bytes()[:-1] + b"\1")
    with pytest.raises(BundleCorruptError, match=name):
        read_bundle(tmp_path / "bundle")

    found = load_grouped(tmp_path / "bundle")
    assert [row.logit for row in found.score(rows())] == pytest.approx(BOB_SHARED)
    assert name in found.degraded[1]


def test_golden_rows_that_differ_cost_their_group_alone(tmp_path: Path) -> None:
    """A model of bob's group that is whole but scores otherwise than recorded gives way; one that is no graph does too."""
    whole = fallback_bundle()
    for number, other in enumerate((_wrong(whole, 1), {"group_1": dataclasses.replace(whole.paths[1], graph=b"no graph")})):
        found = _loaded(fallback_bundle(**other), tmp_path / str(number))  # type: ignore[arg-type]
        assert [row.logit for row in found.score(rows())] == pytest.approx(BOB_SHARED)
        assert list(found.degraded) == [1]


def test_every_group_may_fall_back(tmp_path: Path) -> None:
    """With both graphs broken the shared model answers everybody."""
    found = _loaded(fallback_bundle(), tmp_path, "paths/group-0.onnx", "paths/group-1.onnx")
    assert [row.logit for row in found.score(rows())] == pytest.approx([SHARED["ada"]] * 3 + [SHARED["bob"]] * 3)


def test_a_broken_file_and_a_wrong_model_at_once(tmp_path: Path) -> None:
    """Ada's graph is torn and bob's answers otherwise: both fall back, each with its own reason."""
    found = _loaded(fallback_bundle(**_wrong(fallback_bundle(), 1)), tmp_path, "paths/group-0.onnx")  # type: ignore[arg-type]
    assert set(found.degraded) == {0, 1}
    assert "SHA-256" in found.degraded[0]
    assert "difference" in found.degraded[1]


def test_answers_and_reasons_say_so(tmp_path: Path) -> None:
    """An answer names the groups, an explanation of such a row the shared model and why; ada's says nothing of it."""
    found = _loaded(fallback_bundle(), tmp_path, "paths/group-1.onnx")
    answer = found.recommend(RecommendRequest({"user": "bob"}, k=1, explain=True))
    ada, bob = found.score([rows()[0], rows()[3]], explain=True)
    assert answer.degraded_groups == (1,)
    for why in (answer.items[0].explanation, bob.explanation):
        assert why is not None
        assert why.path == "fallback"
        assert why.sentence.endswith("The own model of group 1 failed its check.")
    assert ada.explanation is not None
    assert "failed" not in ada.explanation.sentence


@pytest.mark.parametrize("spoilt", ["paths/fallback.onnx", "fallback.safetensors", "router.safetensors", "golden.safetensors"])
def test_what_no_group_owns_must_be_whole(tmp_path: Path, spoilt: str) -> None:
    """The shared model, its golden logits, the router and golden rows are nobody's to spare, also beside a broken group."""
    for number, broken in enumerate(((spoilt,), (spoilt, "paths/group-1.onnx"))):
        with pytest.raises(BundleCorruptError):
            _loaded(fallback_bundle(), tmp_path / str(number), *broken)


def test_a_shared_model_that_differs_serves_nobody(tmp_path: Path) -> None:
    """Where a group needs it, the shared model must give its own golden logits."""
    bundle = fallback_bundle()
    assert bundle.fallback is not None
    other = dataclasses.replace(bundle, fallback=dataclasses.replace(bundle.fallback, logits=bundle.fallback.logits + np.float32(1.0)))
    with pytest.raises(BundleCorruptError, match="difference"):
        _loaded(other, tmp_path, "paths/group-1.onnx")


def test_without_a_shared_model_nothing_is_spared(tmp_path: Path) -> None:
    """A bundle without a fallback does not load with a broken group, as ever."""
    with pytest.raises(BundleCorruptError, match=r"group-1\.onnx"):
        _loaded(small_bundle(), tmp_path, "paths/group-1.onnx")
