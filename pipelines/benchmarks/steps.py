"""Where the time of an answer goes, step by step, in the order of the request."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec
import numpy as np

from ihas.errors import ConfigError
from ihas.serving.answers import RecommendRequest, Scored
from ihas.serving.filters.candidates import Catalogue
from ihas.serving.grouped.candidate_model import CandidateModel
from ihas.serving.grouped.recommender import GroupedRecommender
from ihas.serving.grouped.row_reader import RowReader
from ihas.serving.ranking import best, probabilities
from ihas_pipelines.benchmarks.table import Table
from ihas_pipelines.benchmarks.timing import measure_alternately, timed

Step = Callable[[], object]


def row_steps(recommender: GroupedRecommender, body: bytes) -> Mapping[str, Step]:
    """Steps of one row, as `POST .../score` takes them."""
    decoder, encoder = msgspec.json.Decoder(dict[str, list[dict[str, str]]]), msgspec.json.Encoder()
    rows = decoder.decode(body)["rows"]
    reader = RowReader(recommender.bundle.encoder, recommender.bundle.encoder.layout.names)
    ids, _ = reader.read_all(rows, "/rows")
    answer = recommender.score(rows)
    group, logits = recommender.score_ids(ids)
    return {
        "JSON to values": lambda: decoder.decode(body),
        "values to ids": lambda: reader.read_all(rows, "/rows"),
        "ids to logit": lambda: recommender.score_ids(ids),
        "logit to answer": lambda: Scored(float(probabilities(logits)[0]), float(logits[0]), int(group[0]), ()),
        "answer to JSON": lambda: encoder.encode(answer),
        "all": lambda: encoder.encode(recommender.score(decoder.decode(body)["rows"])),
    }


def candidate_steps(recommender: GroupedRecommender, body: bytes) -> Mapping[str, Step]:
    """Steps of candidates by id, as `POST .../recommend` takes them."""
    bundle = recommender.bundle
    if bundle.items is None:
        raise ConfigError("A bundle must have an item table to have candidates, but has none.")
    decoder, encoder = msgspec.json.Decoder(RecommendRequest), msgspec.json.Encoder()
    reader, catalogue = RowReader(bundle.encoder, bundle.encoder.names_of("context")), Catalogue(bundle.items)
    model = CandidateModel(recommender.model, bundle, bundle.items)
    asked = decoder.decode(body)
    context = np.array(reader.read(asked.context, "/context").ids, np.int32)
    positions = catalogue.choose(asked.candidates, ()).positions
    scored, answer, names = model.score(context, positions), recommender.recommend(asked), bundle.items.names
    return {
        "JSON to values": lambda: decoder.decode(body),
        "context to ids": lambda: reader.read(asked.context, "/context"),
        "JSON to values, candidates to positions": lambda: catalogue.choose(decoder.decode(body).candidates or (), ()),
        "groups": lambda: model.route(context).route(model.arrays, positions),
        "groups, sums and the rest": lambda: model.score(context, positions),
        "the best ten": lambda: best(scored.logits, lambda row: names[positions[row]], asked.k),
        "answer to JSON": lambda: encoder.encode(answer),
        "all": lambda: encoder.encode(recommender.recommend(decoder.decode(body))),
    }


def steps_table(title: str, steps: Mapping[str, Step], repetitions: int) -> Table:
    """Median CPU of each step, measured alone."""
    timings = measure_alternately({name: timed(step, 0.05) for name, step in steps.items()}, repetitions)
    return Table(title, ("", "CPU µs"), tuple((name, timings.median(name, "cpu") * 1e6) for name in timings.measurements))
