"""Texts and hashed categories of a table: their words and buckets, the encoder that training rows make of them, and who shares a bucket."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from functools import partial

import numpy as np
import pyarrow as pa

from ihas.data.columns import Column, ListColumn, text_column
from ihas.data.field_encoders import HashedEncoder, TextEncoder
from ihas.data.findings import FindingCollector
from ihas.data.schema import Field
from ihas.data.words import bucket_of, words_of

_TOLD_WORDS = 3
"""Words of a bucket by which it is called, the most frequent."""


def words_within(texts: pa.StringArray) -> ListColumn:
    """The words of each text."""
    code_of: dict[str, int] = {}
    cells = [[code_of.setdefault(word, len(code_of)) for word in words_of(str(text))] for text in texts.to_pylist()]
    offsets = np.concatenate([[0], np.cumsum([len(cell) for cell in cells])]).astype(np.int64)
    codes = np.array([code for cell in cells for code in cell], np.int32)
    return ListColumn(offsets, Column(codes, pa.array(list(code_of), pa.string())))


def counted_words(column: Column) -> dict[str, int]:
    """How many rows have each word, in no order."""
    cells = words_within(column.texts)
    counts = np.bincount(cells.values.codes, np.repeat(column.counts, cells.lengths), minlength=len(cells.values.texts))
    return {str(word): int(count) for word, count in zip(cells.values.texts.to_pylist(), counts, strict=True) if count}


def counted_values(column: Column) -> dict[str, int]:
    """How many rows have each value."""
    return {str(text): count for text, count in zip(column.texts.to_pylist(), column.counts.tolist(), strict=True) if count}


def fit_text(column: Column, field: Field, min_count: int) -> TextEncoder:
    """Encoder of a text's words whose buckets are those that `min_count` training rows have."""
    buckets, most = int(field.buckets or 0), int(field.max_words or 1)
    counts = counted_words(column)
    values = frequent_buckets(counts, buckets, min_count)
    longest = int(words_within(column.texts).lengths[column.counts > 0].max(initial=1))
    return TextEncoder(
        name=field.name,
        role=field.role,
        values=values,
        words=told_words(counts, buckets, values),
        buckets=buckets,
        slots=int(np.clip(longest, 1, most)),
        missing=field.missing,
    )


def fit_hashed(column: Column, field: Field, min_count: int) -> HashedEncoder:
    """Encoder of hashed categories whose buckets are those that `min_count` training rows have."""
    buckets = int(field.buckets or 0)
    values = frequent_buckets(counted_values(column), buckets, min_count)
    return HashedEncoder(name=field.name, role=field.role, values=values, buckets=buckets, missing=field.missing)


def grown(field: HashedEncoder | TextEncoder, column: Column, min_count: int) -> HashedEncoder | TextEncoder:
    """The encoder with the buckets behind its own that the training rows have often enough; a bucket keeps what it is called by."""
    counts = counted_values(column) if isinstance(field, HashedEncoder) else counted_words(column)
    new = tuple(value for value in frequent_buckets(counts, field.buckets, min_count) if value not in field.local_ids)
    if not new:
        return field
    more = {} if isinstance(field, HashedEncoder) else {"words": (*field.words, *told_words(counts, field.buckets, new))}
    return type(field).model_validate(field.model_dump() | {"values": (*field.values, *new)} | more)  # a copy would keep cached ids


def frequent_buckets(counts: Mapping[str, int], buckets: int, min_count: int) -> tuple[str, ...]:
    """Buckets that at least `min_count` rows have, by how many rows have each text; commonest first, equally common ones by number."""
    of_bucket: Counter[str] = Counter()
    for text, count in counts.items():
        of_bucket[bucket_of(text, buckets)] += count
    kept = [(-count, int(bucket)) for bucket, count in of_bucket.items() if count >= min_count]
    return tuple(str(bucket) for _, bucket in sorted(kept))


def told_words(counts: Mapping[str, int], buckets: int, values: Iterable[str]) -> tuple[str, ...]:
    """What each bucket is called by: its most frequent words."""
    words: dict[str, list[str]] = {}
    for word, _ in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])):
        words.setdefault(bucket_of(word, buckets), []).append(word)
    return tuple(_called(words[value]) for value in values)


def _called(words: list[str]) -> str:
    return " or ".join(words[:_TOLD_WORDS]) + (" or another" if len(words) > _TOLD_WORDS else "")


def find_collisions(table: pa.Table, fields: Iterable[Field], findings: FindingCollector) -> None:
    """Warnings about hashed fields in which different values share a bucket."""
    for field in fields:
        if field.buckets is None:
            continue
        column = text_column(table, field.name)
        counts = counted_words(column) if field.kind == "text" else counted_values(column)
        sharing, places = Counter(map(partial(bucket_of, buckets=field.buckets), counts)), max(len(counts), 1)
        alike = sum(count for count in sharing.values() if count > 1)
        if alike:
            what, setting = ("words", f"text.{field.name}.vocabulary") if field.kind == "text" else ("values", f"hash_buckets.{field.name}")
            law = f"{len(counts):,} different {what} are hashed to {field.buckets:,} buckets: {alike:,} of them, {alike / places:.1%},"
            way = f"share one with another. Raise `{setting}` for fewer."
            findings.add("hash_collisions", f"{law} {way}", column=field.name, severity="warning")


def note_told_texts(fields: Iterable[Field], stated: Collection[str], findings: FindingCollector) -> None:
    """Warnings about columns that are taken for text and not stated as such."""
    for field in (field for field in fields if field.kind == "text" and field.name not in stated):
        law = f"The cells are texts of several words that recur: read as their words, hashed to {field.buckets:,} buckets."
        way = "State `text`, or list the column as categorical or ignored."
        findings.add("text_told", f"{law} {way}", column=field.name, severity="warning")
