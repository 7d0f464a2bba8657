"""Synthetic tables of clicks of any number of rows, written block by block: whole numbers with long tails, texts by Zipf's law.

    P(click | row) = sigmoid(sum over the first fields of texts of w[field, text]),   w ~ N(0, 1)

Each column reads a pool of draws from another place in every block, so that a block costs a copy and not a draw. Source: our choice.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from ihas.config.data import SchemaConfig

ZIPF, TELLING_FIELDS = 1.05, 4
BLOCK_ROWS, POOL = 1 << 19, 1 << 22


@dataclass(frozen=True)
class RowShape:
    """What a row is made of.

    Attributes:
        numbers: fields of whole numbers.
        texts: fields of texts.
        vocabulary: different texts of each.
    """

    numbers: int = 13
    texts: int = 26
    vocabulary: int = 1_000_000 // 26

    @property
    def columns(self) -> SchemaConfig:
        """What is known about the columns."""
        categorical = tuple(f"text_{field}" for field in range(self.texts))
        return SchemaConfig(label="label", numeric=tuple(f"number_{field}" for field in range(self.numbers)), categorical=categorical)


def zipf_draws(rng: np.random.Generator, vocabulary: int, size: int) -> np.ndarray:
    """Numbers from 0, by Zipf's law: int32 (size,)."""
    weights = np.cumsum(np.arange(1, vocabulary + 1, dtype=np.float64) ** -ZIPF)
    return np.searchsorted(weights / weights[-1], rng.random(size)).astype(np.int32)


def blocks(rows: int, shape: RowShape, seed: int = 0) -> Iterator[pa.Table]:
    """The table, at most `BLOCK_ROWS` rows at a time."""
    rng = np.random.default_rng(seed)
    size = min(POOL, 2 * min(rows, BLOCK_ROWS))
    numbers = np.floor(rng.lognormal(2.0, 1.5, size)).astype(np.int32)
    draws, weights = zipf_draws(rng, shape.vocabulary, size), rng.normal(size=(TELLING_FIELDS, shape.vocabulary))
    texts = [pa.array([f"{field:02x}{value:06x}" for value in range(shape.vocabulary)]) for field in range(shape.texts)]
    for start in range(0, rows, BLOCK_ROWS):
        count = min(BLOCK_ROWS, rows - start)
        places = rng.integers(0, size - count, shape.numbers + shape.texts)
        codes = [draws[place : place + count] for place in places[shape.numbers :]]
        logits = np.sum([of_field[code] for of_field, code in zip(weights, codes, strict=False)], axis=0)
        columns: dict[str, Any] = {"label": (rng.random(count) < 1.0 / (1.0 + np.exp(-logits))).astype(np.int8)}
        columns |= {f"number_{field}": numbers[place : place + count] for field, place in enumerate(places[: shape.numbers])}
        columns |= {f"text_{field}": pa.DictionaryArray.from_arrays(pa.array(code), texts[field]) for field, code in enumerate(codes)}
        yield pa.table(columns)


def write_rows(path: Path, rows: int, shape: RowShape) -> None:
    """Write the table as CSV or Parquet, by the suffix."""
    writer: Any = None
    for block in blocks(rows, shape):
        plain = block.cast(pa.schema([(field.name, _plain(field.type)) for field in block.schema]))
        if writer is None:
            make: Any = pyarrow.csv.CSVWriter if path.suffix == ".csv" else pyarrow.parquet.ParquetWriter
            writer = make(path, plain.schema)
        writer.write_table(plain)
    writer.close()


def _plain(kind: Any) -> Any:
    return pa.string() if pa.types.is_dictionary(kind) else kind
