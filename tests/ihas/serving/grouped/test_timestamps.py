"""A bundle whose context is a time, and what older readers make of it."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import Any

import pytest

from ihas.bundle.archive import read_bundle, write_bundle
from ihas.bundle.manifest import WITHOUT_HASHES, WITHOUT_SUMS, read_manifest
from ihas.bundle.values import Bundle
from ihas.data.encoder import Encoder
from ihas.data.field_encoders import CategoricalEncoder
from ihas.data.schema import Field, Timestamp
from ihas.errors import BundleCorruptError, RequestError
from ihas.serving.answers import RecommendRequest
from ihas.serving.grouped.recommender import GroupedRecommender
from tests.ihas.bundle_factory import LOGITS, small_bundle

pytestmark = pytest.mark.tf

STAMP = Timestamp(name="seen", parts=("weekday",), zone="Europe/Berlin")
ADA, BOB = "2023-01-01T23:30:00Z", "2023-01-03"
"""In Berlin a Monday and a Tuesday, which have the weights of the users ada and bob."""


def timed_bundle() -> Bundle:
    """The small bundle with the weekday of a time in the place of the user."""
    bundle = small_bundle()
    encoder, schema = bundle.encoder, bundle.schema
    weekday = CategoricalEncoder(name="seen.weekday", role="context", values=("Monday", "Tuesday"))
    encoder = Encoder(fields=(weekday, *encoder.fields[1:]), timestamps=(STAMP,))
    fields = (Field(name="seen.weekday", kind="categorical"), *schema.fields[1:])
    router: Any = bundle.router
    return dataclasses.replace(
        bundle,
        encoder=encoder,
        schema=schema.model_copy(update={"fields": fields, "timestamps": (STAMP,)}),
        router=dataclasses.replace(router, layout=encoder.layout),
    )


def test_a_row_states_the_time(tmp_path: Path) -> None:
    """Written and read again, the bundle scores the moment as its weekday, told by its part in the explanation."""
    write_bundle(timed_bundle(), tmp_path / "bundle")
    films = GroupedRecommender(read_bundle(tmp_path / "bundle"))
    for seen, user in ((ADA, "ada"), (BOB, "bob")):
        found = films.recommend(RecommendRequest({"seen": seen}, explain=True))
        wanted = {name: 1.0 / (1.0 + math.exp(-logit)) for name, logit in LOGITS[user].items()}
        assert {item.id: item.score for item in found.items} == pytest.approx(wanted, abs=1e-6)
    (scored,) = films.score([{"seen": 1672615800, "movie": "m1", "genres": "drama|comedy"}], explain=True)
    assert scored.explanation is not None
    assert (scored.explanation.contributions[0].field, scored.explanation.contributions[0].values) == ("seen.weekday", ("Monday",))


def test_a_part_may_be_stated_instead() -> None:
    """What another day would do is asked by the part; an unknown day is told."""
    films = GroupedRecommender(timed_bundle())
    stated = films.score([{"seen": ADA, "seen.weekday": "Tuesday", "movie": "m1"}, {"seen": BOB, "movie": "m1"}])
    assert stated[0].logit == stated[1].logit
    (other,) = films.score([{"seen": "2023-01-04", "movie": "m1"}])
    assert [(unknown.field, unknown.value) for unknown in other.unknown_values] == [("seen.weekday", "Wednesday")]


@pytest.mark.parametrize("seen", ["soon", 7, [ADA], True])
def test_what_is_no_time_is_refused_at_its_place(seen: Any) -> None:
    """In a context and in a row."""
    films = GroupedRecommender(timed_bundle())
    with pytest.raises(RequestError, match="`seen` must be an ISO 8601") as caught:
        films.recommend(RecommendRequest({"seen": seen}))
    assert caught.value.pointer == "/context/seen"
    with pytest.raises(RequestError, match="`seen` must be an ISO 8601") as caught:
        films.score([{"movie": "m1"}, {"seen": seen}])
    assert caught.value.pointer == "/rows/1/seen"


def test_an_unknown_field_is_refused_with_the_times_name() -> None:
    """The fields that are listed include the column of the time."""
    with pytest.raises(RequestError, match="sen` is none of the fields here: .*seen"):
        GroupedRecommender(timed_bundle()).recommend(RecommendRequest({"sen": ADA}))


def test_the_version_says_that_there_are_times(tmp_path: Path) -> None:
    """Older readers refuse the bundle by its version; a bundle without times, or a rule for labels, is written as it was."""
    bundle = small_bundle()
    ruled = dataclasses.replace(bundle, schema=bundle.schema.model_copy(update={"positive": ">= 4"}))
    for name, one, version in (
        ("timed", timed_bundle(), WITHOUT_HASHES),
        ("ruled", ruled, WITHOUT_HASHES),
        ("plain", bundle, WITHOUT_SUMS),
    ):
        write_bundle(one, tmp_path / name)
        assert read_manifest(tmp_path / name).version == version
        assert read_bundle(tmp_path / name).schema == one.schema
    assert b"timestamps" not in (tmp_path / "plain" / "encoder.json").read_bytes()


def test_a_bundle_must_agree_with_itself(tmp_path: Path) -> None:
    """The encoder's timestamps are the schema's."""
    bundle = timed_bundle()
    bundle = dataclasses.replace(bundle, encoder=Encoder(fields=bundle.encoder.fields))
    with pytest.raises(BundleCorruptError, match="timestamps"):
        write_bundle(bundle, tmp_path / "bundle")
