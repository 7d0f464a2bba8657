"""What deceives whoever trusts a table: told as warnings before anything is trained.

Each test reads a sample or distinct values only, so that it costs little beside reading the file.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ihas.data.cell_codes import cell_codes
from ihas.data.columns import clicked_texts, is_list, list_column, numbers, split_texts, text_column
from ihas.data.findings import FindingCollector
from ihas.data.hashed import words_within
from ihas.data.mapped import SCATTERED_ROWS, spans
from ihas.data.schema import Field, Schema
from ihas.data.times import days, seconds

MAX_AUC = 0.95
MIN_CLASS_ROWS = 30
MIN_JUDGED_ROWS = 10
SAMPLED_ROWS = 20_000
NUM_BUCKETS = 64
MIN_ROUNDED_IDS = 10
ROUNDED_SHARE = 0.9
MIN_LOST_BITS = 20.0
_SAMPLED_IDS = 10_000
_LONG_INTEGER = r"^-?[0-9]{16,400}$"
_SCIENTIFIC = r"^-?[0-9](\.[0-9]+)?[eE]\+?(1[5-9]|[2-9][0-9])$"
_LONG_LENGTH = 16
_SCIENTIFIC_LENGTH, _MAX_SCIENTIFIC_LENGTH = 5, 25
_EXACT_INTEGER = 2**53


def find_telling_columns(table: pa.Table, schema: Schema, findings: FindingCollector) -> None:
    """Warnings about fields of which each alone tells the label: click rates of half a sample have an AUC above `MAX_AUC` on the rest."""
    if is_list(table, schema.label):
        return
    label = text_column(table, schema.label)
    rows = _sampled_rows(table.num_rows)
    rows = rows[label.codes[rows] >= 0]
    clicked = np.append(clicked_texts(label), False)[label.codes[rows]]
    half = len(rows) // 2
    if min(clicked[half:].sum(), (~clicked[half:]).sum()) < MIN_JUDGED_ROWS:
        return
    for field in schema.fields:
        codes = _sampled_codes(table, field, rows)
        found = _auc(_rates(codes[:half], clicked[:half], codes[half:]), clicked[half:])
        if found > MAX_AUC:
            law = f"This column alone tells the label: AUC {found:.3f} on {len(rows) - half:,} rows. Is it known before the click?"
            findings.add("tells_the_label", f"{law} If not, list it under `ignored`.", column=field.name, severity="warning")


def find_rare_class(table: pa.Table, name: str, findings: FindingCollector) -> None:
    """Warning about a label class of fewer than `MIN_CLASS_ROWS` rows."""
    if is_list(table, name):
        return
    column = text_column(table, name)
    rows = dict.fromkeys((0, 1), 0)
    for text, count in zip(column.texts.to_pylist(), column.counts.tolist(), strict=True):
        if text in ("0", "1", "false", "true"):
            rows[int(text in ("1", "true"))] += count
    rarer = min(rows, key=lambda label: rows[label])
    if 0 < rows[rarer] < MIN_CLASS_ROWS:
        law = f"Only {rows[rarer]} rows have the label {rarer}: what is learnt from them, and measured on them, is mostly chance."
        findings.add("rare_class", f"{law} Provide more rows.", column=name, severity="warning")


def find_rounded_ids(texts: pa.StringArray, name: str, findings: FindingCollector) -> None:
    """Warning about whole numbers that lost digits before they came here: to a 64-bit float, to 15 digits, or to an exponent."""
    texts = texts.slice(0, _SAMPLED_IDS)
    lengths = np.asarray(pc.binary_length(texts))
    powers = texts.filter(pa.array((lengths >= _SCIENTIFIC_LENGTH) & (lengths <= _MAX_SCIENTIFIC_LENGTH)))
    powers = powers.filter(pc.match_substring_regex(powers, _SCIENTIFIC)) if len(powers) else powers
    long: Any = texts.filter(pa.array(lengths >= _LONG_LENGTH))
    long = long.filter(pc.match_substring_regex(long, _LONG_INTEGER)).to_pylist()
    ids = [number for number in map(int, long) if abs(number) > _EXACT_INTEGER]
    if len(powers) and len(powers) >= 0.1 * len(texts):
        what = f"{len(powers):,} of {len(texts):,} different values are written with an exponent, such as {powers[0].as_py()!r}"
    elif len(ids) >= MIN_ROUNDED_IDS and sum(_ends_round(number) for number in ids) >= ROUNDED_SHARE * len(ids):
        what = f"Of {len(ids):,} ids beyond 2^53, most end in zeros, such as {ids[0]}"
    elif len(ids) >= MIN_ROUNDED_IDS and _are_floats(ids):
        what = f"All {len(ids):,} ids beyond 2^53 are numbers that a 64-bit float can hold, such as {ids[0]}"
    else:
        return
    law = f"{what}: digits were lost before this file was written, and different ids may be one now."
    findings.add("rounded_ids", f"{law} Write ids as text or as 64-bit integers.", column=name, severity="warning")


def find_cut_lists(table: pa.Table, fields: Iterable[Field], max_values: int, findings: FindingCollector) -> None:
    """Warnings about multi-valued fields with cells of more values than are kept."""
    for field in (field for field in fields if field.kind in ("multivalued", "text")):
        lengths = _lengths(table, field)
        if field.kind == "text":
            _find_cut_text(field.name, lengths, field.max_words or 1, findings)
            continue
        cut = int((lengths > max_values).sum())
        if cut:
            law = f"{cut:,} of {len(lengths):,} cells have more than `max_values = {max_values}` values, the longest {lengths.max():,}."
            kept, way = {
                "first": (f"first {max_values}", "If they are a history, oldest first, list the column under `histories`; or raise"),
                "last": (f"last {max_values}, the newest,", "Raise"),
            }[field.keep]
            law = f"{law} The {kept} are kept. {way} `learning.encoding.max_values`."
            findings.add("values_cut", law, column=field.name, severity="warning")


def _find_cut_text(name: str, lengths: np.ndarray, most: int, findings: FindingCollector) -> None:
    cut = int((lengths > most).sum())
    if cut:
        law = f"{cut:,} of {len(lengths):,} texts have more than {most} different words, the longest {lengths.max():,}."
        way = f"The first {most} are kept. Raise `text.{name}.max_words`."
        findings.add("values_cut", f"{law} {way}", column=name, severity="warning")


def find_split_faults(table: pa.Table, time: str, rows: Mapping[str, np.ndarray], findings: FindingCollector) -> None:
    """Warnings about parts drawn by time that share a day or a moment.

    Args:
        table: a table that was read, with readable times.
        time: column that ordered the rows.
        rows: rows of each part drawn from the table, int64 (n,), in the order of time from part to part.
        findings: takes the warnings.
    """
    column = text_column(table, time)
    moments = seconds(column.texts)
    parts = [name for name in ("train", "valid", "test") if name in rows and rows[name].size]
    of_part = {name: moments[column.codes[rows[name]]] for name in parts}
    for earlier, later in zip(parts, parts[1:], strict=False):
        edge = of_part[later].min()
        if of_part[earlier].max() == edge:
            alike = sum(int((of_part[name] == edge).sum()) for name in parts)
            law = f"{alike:,} rows have the same time, and some are in the part {earlier!r}, some in {later!r}: the file's order decides."
            findings.add("equal_times", f"{law} Provide finer times, or sort the file.", column=time, severity="warning")
    if len(parts) == 3:
        last, first = (days(column.texts, np.array([edge]))[0] for edge in (of_part["train"].max(), of_part["test"].min()))
        if last == first:
            law = f"The day {last} lies in all three parts, so rows of one day are trained on and tested on. Provide more days, or enlarge"
            findings.add("day_in_all_parts", f"{law} `split.valid_fraction`.", column=time, severity="warning")


def _lengths(table: pa.Table, field: Field) -> np.ndarray:
    if is_list(table, field.name):
        return list_column(table, field.name).lengths
    column = text_column(table, field.name)
    cells = words_within(column.texts) if field.kind == "text" else split_texts(column.texts, field.separator)
    return np.asarray(np.append(cells.lengths, 0)[column.codes])


def _sampled_rows(num_rows: int) -> np.ndarray:
    """Different rows in no order: int64 (at most `SAMPLED_ROWS`,)."""
    generator = np.random.default_rng(0)
    if num_rows <= SAMPLED_ROWS:
        return generator.permutation(num_rows)
    return generator.permutation(np.unique(generator.integers(0, num_rows, SAMPLED_ROWS)))


def _sampled_codes(table: pa.Table, field: Field, rows: np.ndarray) -> np.ndarray:
    """A number for each cell, -1 where it is missing: int (n,); a number's is its bucket."""
    if is_list(table, field.name):
        lists: Any = table.select([field.name])
        blocks = [lists.take(pa.array(rows[block])) for block in spans(len(rows), SCATTERED_ROWS)]
        return cell_codes(pa.concat_tables(blocks), field.name)
    column = text_column(table, field.name).take(rows)
    if field.kind != "numeric":
        return column.codes
    used, place = np.unique(column.codes, return_inverse=True)
    texts = column.texts.take(pa.array(used, mask=used < 0))
    values = np.where(used < 0, np.nan, numbers(texts))[place]
    present = np.isfinite(values)
    edges = np.unique(np.quantile(values[present], np.linspace(0, 1, NUM_BUCKETS + 1)[1:-1])) if present.any() else np.zeros(0)
    return np.where(present, np.searchsorted(edges, values, side="right"), -1)


def _rates(codes: np.ndarray, clicked: np.ndarray, judged: np.ndarray) -> np.ndarray:
    """Click rate of each judged cell among the other rows, drawn to the mean where there are few: float64 (n,)."""
    size = int(max(codes.max(), judged.max())) + 2
    rows = np.bincount(codes + 1, minlength=size)
    clicks = np.bincount(codes + 1, weights=clicked, minlength=size)
    return np.asarray(((clicks + clicked.mean()) / (rows + 1.0))[judged + 1])


def _auc(scores: np.ndarray, clicked: np.ndarray) -> float:
    _, group = np.unique(scores, return_inverse=True)
    ones, zeros = np.bincount(group, weights=clicked), np.bincount(group, weights=~clicked)
    below = np.cumsum(zeros) - zeros
    return float((ones * (below + 0.5 * zeros)).sum() / (ones.sum() * zeros.sum()))


def _ends_round(number: int) -> bool:
    return number % 1_000 == 0


def _are_floats(ids: list[int]) -> bool:
    lost_bits = sum(float(np.log2(np.spacing(abs(float(number))))) for number in ids)
    return lost_bits >= MIN_LOST_BITS and all(int(float(number)) == number for number in ids)
