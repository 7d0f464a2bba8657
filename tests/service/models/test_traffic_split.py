"""Which version answers: sticky, in proportion, and known by construction."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ihas.serving.loading import load_recommender
from ihas_service.models.traffic_split import Served, TrafficSplit
from ihas_service.storage.catalogue import ModelVersion
from ihas_service.storage.traffic import Canary, TrafficPlan


@pytest.fixture(scope="module")
def versions(bundle: Path) -> tuple[Served, Served]:
    """Two versions of one model."""
    recommender = load_recommender(bundle)
    made = [ModelVersion("local", "films", number, "", "", {}, 0.0) for number in (1, 2)]
    return Served(made[0], recommender), Served(made[1], recommender)


def divided(versions: tuple[Served, Served], percent: float, field: str | None = None) -> TrafficSplit:
    """Version 1 is the champion, version 2 the canary."""
    return TrafficSplit(versions[0], (versions[1],), (), TrafficPlan(canary=Canary(version=2, percent=percent), sticky_field=field))


def share(split: TrafficSplit, keys: list[str]) -> set[str]:
    """The keys that the canary answers."""
    return {key for key in keys if split.choose(key).version.version == 2}


def test_a_share_of_the_keys_goes_to_the_canary(versions: tuple[Served, Served]) -> None:
    """Of 20,000 keys 5 percent, within four standard deviations of a binomial draw."""
    keys = [f"user-{number}" for number in range(20_000)]

    assert abs(len(share(divided(versions, 5.0), keys)) - 1_000) < 4 * (20_000 * 0.05 * 0.95) ** 0.5


def test_a_larger_share_keeps_whom_it_had(versions: tuple[Served, Served]) -> None:
    """Nobody goes back to the champion because the canary grows."""
    keys = [str(number) for number in range(2_000)]

    assert share(divided(versions, 5.0), keys) <= share(divided(versions, 20.0), keys)


@given(key=st.text())
def test_a_key_always_meets_the_same_version(versions: tuple[Served, Served], key: str) -> None:
    """Whatever the key is, also text that is no valid Unicode."""
    split = divided(versions, 50.0)

    assert split.choose(key) is split.choose(key)


@pytest.mark.parametrize(("percent", "version"), [(0.0, 1), (100.0, 2)])
def test_all_or_nothing_is_exact(versions: tuple[Served, Served], percent: float, version: int) -> None:
    """0 percent is nobody and 100 percent everybody, with a key or without."""
    split = divided(versions, percent)

    assert {split.choose(key).version.version for key in [*map(str, range(200)), *[None] * 200]} == {version}


def test_without_a_key_chance_divides(versions: tuple[Served, Served]) -> None:
    """At 50 percent, 200 requests without a key meet both versions."""
    split = divided(versions, 50.0)

    assert {split.choose(None).version.version for _ in range(200)} == {1, 2}


def test_the_header_wins_over_the_field(versions: tuple[Served, Served]) -> None:
    """The key is the header's, else the field's value, else there is none."""
    split = divided(versions, 50.0, "user")

    assert split.sticky_key("from the header", {"user": 7}) == "from the header"
    assert split.sticky_key(None, {"user": 7}) == "7"
    assert split.sticky_key(None, {"colour": "red"}) is None


def test_several_canaries_and_an_interleaved_version_have_their_shares(versions: tuple[Served, Served]) -> None:
    """Of 20,000 keys 10, 5 and 20 percent, within four standard deviations; without a key as many."""
    first, second = versions
    third, fourth = (Served(replace(second.version, version=number), second.recommender) for number in (3, 4))
    plan = TrafficPlan.model_validate(
        {
            "canaries": [{"version": 2, "percent": 10}, {"version": 3, "percent": 5}],
            "interleave": {"version": 4, "percent": 20},
        }
    )
    split = TrafficSplit(first, (second, third), (), plan, challenger=fourth)
    for keys in ([f"user-{number}" for number in range(20_000)], [None] * 20_000):
        found = [(split.choose(key), key) for key in keys]
        counts = Counter(one.version.version for one, _ in found)
        both = sum(one is first and split.interleaved(key) is fourth for one, key in found)
        for count, share in ((counts[2], 0.1), (counts[3], 0.05), (both, 0.2)):
            assert abs(count - 20_000 * share) < 4 * (20_000 * share * (1 - share)) ** 0.5


def test_a_version_that_cannot_be_loaded_leaves_its_share_to_the_champion(versions: tuple[Served, Served]) -> None:
    """The other canary keeps whom it has."""
    plan = TrafficPlan.model_validate({"canaries": [{"version": 9, "percent": 50}, {"version": 2, "percent": 50}]})
    split = TrafficSplit(versions[0], (versions[1],), (), plan)
    keys = [str(number) for number in range(500)]

    assert {split.choose(key).version.version for key in keys} == {1, 2}
    assert split.interleaved("ada") is None
