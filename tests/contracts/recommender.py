"""What every `Recommender` must do, as tests: subclass, and give the fixtures."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ihas.errors import RequestError
from ihas.serving.answers import RecommendRequest
from ihas.serving.loading import load_recommender
from ihas.serving.protocol import Recommender

TOLERANCE = 1e-5


class RecommenderContract:
    """Laws of scoring and recommending."""

    @pytest.fixture
    def recommender(self) -> Recommender:
        """The implementation."""
        raise NotImplementedError

    @pytest.fixture
    def rows(self) -> list[dict[str, Any]]:
        """At least two rows that it can score."""
        raise NotImplementedError

    @pytest.fixture
    def context(self) -> dict[str, Any]:
        """A context that it knows."""
        raise NotImplementedError

    @pytest.fixture
    def unknown_context(self) -> dict[str, Any]:
        """A context whose user it has never seen."""
        raise NotImplementedError

    @pytest.fixture
    def items(self) -> list[str]:
        """All its items, at least three."""
        raise NotImplementedError

    @pytest.fixture
    def capabilities(self) -> set[str]:
        """Names of the properties of `Recommender` that are not None."""
        raise NotImplementedError

    def test_says_what_it_can_do(self, recommender: Recommender, capabilities: set[str]) -> None:
        """Each capability is an object that can be used, or None, and those that the implementation has are there."""
        every = {"batches", "groups", "routing", "table", "interactions", "cold_start", "item_updates"}
        assert {name for name in every if getattr(recommender, name) is not None} == capabilities

    def test_scores_several_requests_as_it_scores_each(self, recommender: Recommender, rows: list[dict[str, Any]]) -> None:
        """Where it takes batches, requests of one row, of none and of all rows have the scores that they have alone."""
        batches = recommender.batches
        if batches is not None:
            requests = [rows[:1], [], rows]
            together = batches.score_read([batches.read(request) for request in requests])
            alone = [recommender.score(request) for request in requests]
            assert [[row.group for row in answer] for answer in together] == [[row.group for row in answer] for answer in alone]
            for answer, other in zip(together, alone, strict=True):
                assert [row.logit for row in answer] == pytest.approx([row.logit for row in other], rel=TOLERANCE, abs=TOLERANCE)
            assert batches.is_quick(RecommendRequest(k=1)) in (True, False)

    def test_every_group_answers(self, recommender: Recommender, rows: list[dict[str, Any]]) -> None:
        """Where it has groups, the group that a row is routed to is the one that scores it, with that score."""
        groups = recommender.groups
        if groups is None:
            return
        for row, scored in zip(rows, recommender.score(rows), strict=True):
            group, answers = groups.ask_every_group(row)
            assert (group, groups.group_of(row)) == (scored.group, scored.group)
            assert [answer.group for answer in answers] == list(range(groups.num_groups))
            assert answers[group].score == pytest.approx(scored.score)
            if answers[group].group_score is None:
                assert answers[group].distance == min(answer.distance for answer in answers)
            else:
                assert answers[group].group_score == max(answer.group_score for answer in answers)
        assert groups.group_of({"no such field": 1}) is None
        assert set(groups.training_shares) in (set(), set(range(groups.num_groups)))
        assert set(recommender.degraded) <= set(range(groups.num_groups))

    def test_counts_how_rows_are_routed(self, recommender: Recommender, rows: list[dict[str, Any]]) -> None:
        """Where it observes the routing, each row counts once, in the group that scores it, and nothing counts as nothing."""
        routing = recommender.routing
        if routing is not None:
            observed = routing.observe(rows, None)
            assert observed is not None
            assert (
                observed.rows.tolist() == np.bincount([row.group for row in recommender.score(rows)], minlength=len(observed.rows)).tolist()
            )
            assert observed.rows.shape == routing.reference.shares.shape
            assert observed.gates.shape == routing.reference.gate_rates.shape
            assert len(observed.gates) % len(routing.field_names) == 0
            assert routing.observe([], None) is None

    def test_reads_the_fields_that_it_names(self, recommender: Recommender, context: dict[str, Any]) -> None:
        """Where it is trained on a table, its context's fields are those of its schema, and the stated context is of them."""
        table = recommender.table
        if table is not None:
            assert set(table.context_fields) == {field.name for field in table.schema.fields if field.role == "context"}
            assert set(context) <= set(table.context_fields)
            for values, names in [table.described_items] if table.described_items is not None else []:
                assert names
                assert values.keys() <= {*table.schema.display, *(field.name for field in table.schema.fields)}
            assert table.completed(context).items() >= context.items()
            assert set(table.completed(context)) <= set(table.context_fields)

    def test_takes_more_interactions(self, recommender: Recommender, items: list[str], tmp_path: Path) -> None:
        """Where it takes interactions, the bundle with more of them knows the new user, and it itself does not."""
        held = recommender.interactions
        if held is not None:
            held.with_interactions("more", [("a new user", items[0])], {"interactions": 1})(tmp_path / "bundle")
            found = load_recommender(tmp_path / "bundle")
            assert (found.name, found.summary["added"]) == ("more", {"interactions": 1})
            assert found.cold_start is not None
            assert recommender.cold_start is not None
            assert (found.cold_start.knows("a new user"), recommender.cold_start.knows("a new user")) == (True, False)

    def test_recommends_from_histories(self, recommender: Recommender, items: list[str]) -> None:
        """Where it can be a cold-start model, it answers a stated history."""
        model = recommender.cold_start
        if model is not None:
            assert model.recommend(RecommendRequest({"history": items[:1]})).items
            assert not model.knows("nobody at all")
            assert model.summary == recommender.summary

    def test_has_a_name(self, recommender: Recommender) -> None:
        """A recommender has a name, and its answers bear it."""
        assert recommender.name
        assert recommender.recommend(RecommendRequest()).model == recommender.name

    def test_scores_are_probabilities(self, recommender: Recommender, rows: list[dict[str, Any]]) -> None:
        """Each row has one score, strictly between 0 and 1, that is the sigmoid of its logit."""
        scored = recommender.score(rows)
        assert len(scored) == len(rows)
        assert all(0.0 < row.score < 1.0 for row in scored)
        assert [row.score for row in scored] == pytest.approx([1 / (1 + math.exp(-row.logit)) for row in scored])

    def test_a_batch_is_its_rows(self, recommender: Recommender, rows: list[dict[str, Any]]) -> None:
        """Rows scored together score as they do one by one."""
        alone = [recommender.score([row])[0] for row in rows]
        together = recommender.score(rows)
        assert [row.logit for row in together] == pytest.approx([row.logit for row in alone], rel=TOLERANCE, abs=TOLERANCE)
        assert [row.group for row in together] == [row.group for row in alone]

    def test_no_rows_have_no_scores(self, recommender: Recommender) -> None:
        """An empty batch is answered by an empty list."""
        assert recommender.score([]) == []

    @pytest.mark.parametrize("k", [1, 2, 1000])
    def test_at_most_k_best_first(self, recommender: Recommender, context: Mapping[str, Any], items: list[str], k: int) -> None:
        """At most k items come back, none twice, ranked from 1 by falling score."""
        found = recommender.recommend(RecommendRequest(dict(context), k=k)).items
        names, scores = [item.id for item in found], [item.score for item in found]
        assert len(found) == min(k, len(items))
        assert len(set(names)) == len(names)
        assert scores == sorted(scores, reverse=True)
        assert [item.rank for item in found] == list(range(1, len(found) + 1))
        assert all(0.0 < score < 1.0 for score in scores)

    def test_first_k_do_not_depend_on_k(self, recommender: Recommender, context: dict[str, Any], items: list[str]) -> None:
        """Asking for fewer items gives the first of those that asking for all gives."""
        every = recommender.recommend(RecommendRequest(context, k=len(items))).items
        assert recommender.recommend(RecommendRequest(context, k=2)).items == every[:2]

    def test_leaves_out_the_excluded(self, recommender: Recommender, context: dict[str, Any], items: list[str]) -> None:
        """No excluded item is recommended, and all others are."""
        best = recommender.recommend(RecommendRequest(context, k=1)).items[0].id
        found = recommender.recommend(RecommendRequest(context, k=len(items), exclude=(best,))).items
        assert {item.id for item in found} == set(items) - {best}

    def test_recommends_given_candidates_only(self, recommender: Recommender, context: dict[str, Any], items: list[str]) -> None:
        """With candidates, even repeated ones, each of them comes once and nothing else."""
        found = recommender.recommend(RecommendRequest(context, (*items[:2], items[0]), k=len(items))).items
        assert sorted(item.id for item in found) == sorted(items[:2])

    def test_order_of_candidates_does_not_matter(self, recommender: Recommender, context: dict[str, Any], items: list[str]) -> None:
        """Candidates in another order get the same ranks."""
        forward = recommender.recommend(RecommendRequest(context, tuple(items))).items
        backward = recommender.recommend(RecommendRequest(context, tuple(reversed(items)))).items
        assert [item.id for item in forward] == [item.id for item in backward]

    def test_reports_unknown_candidates(self, recommender: Recommender, context: dict[str, Any], items: list[str]) -> None:
        """A candidate that is no item is left out and reported."""
        answer = recommender.recommend(RecommendRequest(context, (items[0], "no such item")))
        assert answer.unknown_candidates == ("no such item",)
        assert [item.id for item in answer.items] == [items[0]]
        assert answer.num_scored == 1

    def test_answers_an_unknown_user(self, recommender: Recommender, unknown_context: dict[str, Any], items: list[str]) -> None:
        """A user never seen is answered, and the unknown value reported."""
        answer = recommender.recommend(RecommendRequest(unknown_context, k=len(items)))
        assert {item.id for item in answer.items} == set(items)
        assert {(part.field, part.value) for part in answer.unknown_values} <= set(unknown_context.items())
        assert answer.unknown_values

    def test_explains_with_finite_numbers(self, recommender: Recommender, context: dict[str, Any], items: list[str]) -> None:
        """Explanations name the nearest group, or that of the largest sum, come with finite numbers and a sentence, and change no score."""
        plain = recommender.recommend(RecommendRequest(context, k=len(items))).items
        for item, bare in zip(recommender.recommend(RecommendRequest(context, k=len(items), explain=True)).items, plain, strict=True):
            reason = item.explanation
            assert reason is not None
            assert bare.explanation is None
            assert (item.id, item.group) == (bare.id, bare.group)
            assert item.score == pytest.approx(bare.score)
            assert bool(reason.distances) != bool(reason.group_scores)
            if reason.distances:
                assert reason.distances[item.group] == min(reason.distances)
            else:
                assert reason.group_scores[item.group] == max(reason.group_scores)
            assert all(math.isfinite(part.logit) for part in reason.contributions)
            assert reason.sentence.endswith(".")

    def test_returns_the_given_id(self, recommender: Recommender, context: dict[str, Any]) -> None:
        """The answer bears the id that the caller gave it."""
        assert recommender.recommend(RecommendRequest(context), "rec_7").recommendation_id == "rec_7"

    @pytest.mark.parametrize("k", [0, -1, True, 1.5, "3", None])
    def test_refuses_a_senseless_k(self, recommender: Recommender, context: dict[str, Any], k: Any) -> None:
        """k must be a whole number of at least 1."""
        with pytest.raises(RequestError, match="`k`") as caught:
            recommender.recommend(RecommendRequest(context, k=k))
        assert caught.value.pointer == "/k"

    def test_refuses_no_candidates(self, recommender: Recommender, context: dict[str, Any], items: list[str]) -> None:
        """No candidates, or none left after exclusion, is an error that points at them."""
        for request in (RecommendRequest(context, ()), RecommendRequest(context, (items[0],), exclude=(items[0],))):
            with pytest.raises(RequestError) as caught:
                recommender.recommend(request)
            assert caught.value.pointer == "/candidates"

    def test_refuses_an_unknown_field(self, recommender: Recommender, rows: list[dict[str, Any]]) -> None:
        """A field that the model does not have is an error that points at it, in a context as in a row."""
        with pytest.raises(RequestError) as caught:
            recommender.recommend(RecommendRequest({"no/such~field": 1}))
        assert caught.value.pointer == "/context/no~1such~0field"
        with pytest.raises(RequestError) as caught:
            recommender.score([rows[0], rows[1] | {"nonsense": 1}])
        assert caught.value.pointer == "/rows/1/nonsense"
