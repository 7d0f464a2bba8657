"""What an answer costs inside the process.

`iHAS, request to answer` reads JSON, finds the candidates by their ids, scores them, ranks them and writes JSON. All others, `iHAS, ids
to logits` among them, begin with ids that are ready and end with logits. The floor is the arithmetic that is left once everything that
the context or an item adds on its own is known: the layers behind the first, by ONNX Runtime, on sums that are ready.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import numpy as np

from ihas.bundle.archive import read_bundle, write_bundle
from ihas.bundle.values import Bundle
from ihas.data.item_table import ItemTable
from ihas.errors import ConfigError
from ihas.serving.answers import RecommendRequest
from ihas.serving.filters.candidates import Catalogue
from ihas.serving.grouped.candidate_model import CandidateModel
from ihas.serving.grouped.recommender import GroupedRecommender
from ihas.serving.loading import load_grouped
from ihas_pipelines.benchmarks.bundles import ITEM, BundleShape, context_of, random_bundle, random_ids, row_of
from ihas_pipelines.benchmarks.child import Child
from ihas_pipelines.benchmarks.scorers import SCORERS
from ihas_pipelines.benchmarks.steps import candidate_steps, row_steps, steps_table
from ihas_pipelines.benchmarks.table import Table, timing_table
from ihas_pipelines.benchmarks.timing import System, measure_alternately, timed

LARGE, SMALL = (400, 400, 400), (64, 32)
SHAPES: Mapping[str, BundleShape] = {
    "MLP 400x3": BundleShape(hidden=LARGE),
    "MLP 400x3, 4 groups": BundleShape(hidden=LARGE, num_groups=4),
    "MLP 400x3, gated": BundleShape(hidden=LARGE, num_groups=4, gated=True),
    "MLP 64-32": BundleShape(hidden=SMALL),
    "MLP 64-32, 4 groups": BundleShape(hidden=SMALL, num_groups=4),
    "MLP 64-32, gated": BundleShape(hidden=SMALL, num_groups=4, gated=True),
    "MLP 64-32, 200,000 items": BundleShape(hidden=SMALL, num_items=200_000),
}
CANDIDATES = (100, 500)
OURS, SCORED, FLOOR, TF = "iHAS, request to answer", "iHAS, ids to logits", "remaining arithmetic", "tf.function, 1 thread"
SEED = 1
MEASUREMENT_S = 0.05
NUM_REQUESTS = 32
"""Different requests that every system answers one after the other, so that processor caches do not hold the rows that are asked for."""


def tables(repetitions: int) -> Iterator[Table]:
    """Of each shape: one row, each number of candidates, and their steps."""
    return (table for name, shape in SHAPES.items() for table in shape_tables(name, shape, repetitions))


def shape_tables(name: str, shape: BundleShape, repetitions: int, candidates: Sequence[int] = CANDIDATES) -> list[Table]:
    """Tables of one shape: one row, then each number of candidates."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory())) / "bundle"
        write_bundle(random_bundle(shape), folder)
        recommender = load_grouped(folder)
        plain = shape.num_groups == 1
        processes = (1, None) if plain else (1,)
        children = [stack.enter_context(Child(tensorflow_systems, folder, threads, plain, tuple(candidates))) for threads in processes]
        others = {key: system for child in children for key, system in child.systems().items()}
        found = [_table(f"{name}: one row", _row_systems(recommender) | _chosen(others, 1), repetitions, floor=False)]
        for count in candidates:
            systems = _candidate_systems(recommender, count) | _chosen(others, count)
            found.append(_table(f"{name}: {count} candidates", systems, repetitions, floor=not shape.gated))
        found.append(steps_table(f"{name}: one row, step by step", row_steps(recommender, score_body(recommender.bundle)), repetitions))
        body = recommend_body(recommender.bundle, candidates[-1])
        found.append(steps_table(f"{name}: {candidates[-1]} candidates, step by step", candidate_steps(recommender, body), repetitions))
    return found


def tensorflow_systems(folder: Path, threads: int | None, plain: bool, candidates: Sequence[int] = CANDIDATES) -> Mapping[str, System]:
    """tf.function and, for a plain bundle, Keras on whole rows: 1 and as many as there are candidates. Runs in a child."""
    from ihas.legacy_keras import tf

    if threads is not None:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
    bundle = read_bundle(folder)
    label = "1 thread" if threads == 1 else f"{os.cpu_count()} threads"
    measurements: dict[str, System] = {}
    for kind in ("tf.function", "keras") if plain and threads == 1 else ("tf.function",):
        scorer = SCORERS[kind](bundle)
        for count in (1, *candidates):
            measurements[f"{count} {kind}, {label}"] = timed(_in_turn(scorer, _many_rows(bundle, count)), MEASUREMENT_S)
    return measurements


def whole_rows(bundle: Bundle, count: int, seed: int = SEED) -> np.ndarray:
    """One context beside items: int32 (count, num_slots); those of `recommend_body`, in every process."""
    rng = np.random.default_rng(seed)
    context = random_ids(bundle, 1, rng)[0]
    positions = rng.choice(len(_items(bundle).names), count, replace=False)
    ids = np.repeat(context[None], count, axis=0)
    ids[:, bundle.encoder.slots_of("item")] = _items(bundle).ids[positions]
    return ids


def recommend_body(bundle: Bundle, count: int, seed: int = SEED) -> bytes:
    """The request of `count` candidates by id."""
    rng = np.random.default_rng(seed)
    context = context_of(bundle, row_of(bundle, random_ids(bundle, 1, rng)[0]))
    positions = rng.choice(len(_items(bundle).names), count, replace=False)
    return msgspec.json.encode({"context": context, "candidates": [f"{ITEM}-{position}" for position in positions.tolist()]})


def score_body(bundle: Bundle, seed: int = SEED) -> bytes:
    """The request of one row."""
    return msgspec.json.encode({"rows": [row_of(bundle, random_ids(bundle, 1, np.random.default_rng(seed))[0])]})


def _items(bundle: Bundle) -> ItemTable:
    if bundle.items is None:
        raise ConfigError("A bundle must have an item table to have candidates, but has none.")
    return bundle.items


def _row_systems(recommender: GroupedRecommender) -> dict[str, System]:
    bodies = [score_body(recommender.bundle, seed) for seed in range(NUM_REQUESTS)]
    decoder, encoder = msgspec.json.Decoder(dict[str, list[dict[str, str]]]), msgspec.json.Encoder()
    return {
        OURS: timed(_in_turn(lambda body: encoder.encode(recommender.score(decoder.decode(body)["rows"])), bodies), MEASUREMENT_S),
        SCORED: timed(_in_turn(recommender.score_ids, _many_rows(recommender.bundle, 1)), MEASUREMENT_S),
    }


def _candidate_systems(recommender: GroupedRecommender, count: int) -> dict[str, System]:
    bundle, rows = recommender.bundle, _many_rows(recommender.bundle, count)
    bodies = [recommend_body(bundle, count, seed) for seed in range(NUM_REQUESTS)]
    decoder, encoder = msgspec.json.Decoder(RecommendRequest), msgspec.json.Encoder()
    model, catalogue = CandidateModel(recommender.model, bundle, _items(bundle)), Catalogue(_items(bundle))
    positions = [catalogue.choose(decoder.decode(body).candidates, ()).positions for body in bodies]
    contexts = [ids[0, bundle.encoder.slots_of("context")] for ids in rows]
    measurements = {
        OURS: timed(_in_turn(lambda body: encoder.encode(recommender.recommend(decoder.decode(body))), bodies), MEASUREMENT_S),
        SCORED: timed(_in_turn(lambda asked: model.score(*asked), list(zip(contexts, positions, strict=True))), MEASUREMENT_S),
        "ONNX Runtime, whole rows": timed(_in_turn(recommender.score_ids, rows), MEASUREMENT_S),
    }
    served = recommender.model.models[0]
    if served.exported.two_sided is not None:
        sums = np.random.default_rng(SEED).normal(size=(count, len(served.exported.two_sided.bias))).astype(np.float32)
        measurements[FLOOR] = timed(lambda: served.logits_of_sums(sums), MEASUREMENT_S)
    return measurements


def _many_rows(bundle: Bundle, count: int) -> list[np.ndarray]:
    return [whole_rows(bundle, count, seed) for seed in range(NUM_REQUESTS)]


def _in_turn(answer: Callable[[Any], object], requests: Sequence[Any]) -> Callable[[], object]:
    """A call that answers the next request each time."""
    asked = cycle(requests)
    return lambda: answer(next(asked))


def _chosen(others: Mapping[str, System], count: int) -> dict[str, System]:
    """Of the children's systems those with `count` rows, without that number in their names."""
    start = f"{count} "
    return {key.removeprefix(start): system for key, system in others.items() if key.startswith(start)}


def _table(title: str, systems: Mapping[str, System], repetitions: int, *, floor: bool) -> Table:
    timings = measure_alternately(systems, repetitions)
    references = {TF: "cpu"} | ({FLOOR: "cpu"} if floor else {})
    return timing_table(title, timings, references)  # type: ignore[arg-type]  # a dict of literals is read as one of texts
