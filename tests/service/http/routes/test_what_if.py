"""What every group would answer."""

from __future__ import annotations

import pytest

from tests.ihas.bundle_factory import GROUPS, LOGITS, rows
from tests.service.conftest import Publish
from tests.service.http.routes.test_events import summed
from tests.service.live import LiveServer

pytestmark = pytest.mark.full

PATH = "/v1/models/films/what-if"


def test_the_rows_own_group_answers_as_it_scores(live: LiveServer, publish: Publish) -> None:
    """Every group has an answer; the nearest one's is the row's score, and its distance is the least."""
    publish()
    row = rows()[0]
    answer = live.json("POST", PATH, json={"row": row})
    scored = live.json("POST", "/v1/models/films/score", json={"rows": [row]})["scores"][0]
    own = answer["groups"][answer["group"]]

    assert (answer["group"], own["score"]) == (scored["group"], pytest.approx(scored["score"], abs=1e-6))
    assert [one["group"] for one in answer["groups"]] == list(range(len(set(GROUPS.values()))))
    assert own["distance"] == min(one["distance"] for one in answer["groups"])


def test_sums_are_told_in_place_of_distances(live: LiveServer, publish: Publish) -> None:
    """ada with m1 has 1103 units for group 0 and -1037 for group 1; no group is at a distance."""
    publish(spoil=summed)
    answer = live.json("POST", PATH, json={"row": rows()[0]})

    assert answer["group"] == 0
    assert [one["group_score"] for one in answer["groups"]] == [1103 / 1024, -1037 / 1024]
    assert [one["distance"] for one in answer["groups"]] == [None, None]


def test_a_change_that_moves_a_row_says_from_where(live: LiveServer, publish: Publish) -> None:
    """Another user of another group; the same user again moves nothing."""
    publish()
    first, other = (next(user for user in LOGITS if GROUPS[user] == group) for group in (0, 1))
    row = {"user": first, "movie": "m1"}
    moved = live.json("POST", PATH, json={"row": row, "changes": {"user": other}})
    same = live.json("POST", PATH, json={"row": row, "changes": {"user": first}})

    assert (moved["group"], moved["changed_from"], same["group"], same["changed_from"]) == (1, 0, 0, None)


def test_a_field_that_does_not_exist_is_pointed_at(live: LiveServer, publish: Publish) -> None:
    """422, with the place."""
    publish()

    assert live.http.post(PATH, json={"row": {"colour": "red"}}).status_code == 422
