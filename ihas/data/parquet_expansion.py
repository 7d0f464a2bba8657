"""How much a Parquet file holds once it is decoded, told before it is: one long value in a dictionary may stand in a million cells.

Fixed-width values and codes are counted by the file's footer. Texts are counted exactly, as codes and their dictionary, where the footer
leaves more than the limit possible; columns of texts that are read as dictionaries anyway take no more than their codes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet

from ihas.data.containers import compression_of
from ihas.data.sources import opened, raise_unreadable

_WIDTHS = {"BOOLEAN": 1, "INT32": 4, "INT64": 8, "INT96": 12, "FLOAT": 4, "DOUBLE": 8}
_CODE_BYTES = 4
MAX_WRAPPED_BYTES = 2**30
_BATCH_ROWS = 1_024


def check_parquet_expansion(path: Path, at_most: int) -> None:
    """Refuse a Parquet file that decodes to more than a number of bytes, before anything is made of it.

    Args:
        path: a file; one that is no intact Parquet passes, for its reader says more.
        at_most: bytes.

    Raises:
        DataError: it holds more.
    """
    with parquet_content(path) as content:
        try:
            total = _decoded_bytes(content, at_most)
        except (pa.ArrowException, OSError):
            return
    if total > at_most:
        law = f"Decoded it must have at most {at_most:,} bytes, but it has more: values that repeat take no room in the file."
        raise_unreadable(path, f"{law} Send it in parts.", "too_large_unpacked")


@contextmanager
def parquet_content(path: Path) -> Iterator[Any]:
    """What pyarrow reads a Parquet file from: its path, or its bytes where it is compressed as a whole, since its footer is read first.

    Raises:
        DataError: it cannot be opened, or holds more than `MAX_WRAPPED_BYTES` under its compression.
    """
    if compression_of(path) is None:
        with opened(path):
            yield path
        return
    with opened(path) as stream:
        content = stream.read(MAX_WRAPPED_BYTES + 1)
    if len(content) > MAX_WRAPPED_BYTES:
        law = f"Parquet that is compressed as a whole is unpacked in memory and must have at most {MAX_WRAPPED_BYTES:,} bytes"
        raise_unreadable(path, f"{law}, but it has more. Send it as it is: Parquet compresses its columns itself.", "too_large_unpacked")
    yield pa.BufferReader(content)


def _decoded_bytes(content: Any, at_most: int) -> int:
    file = pyarrow.parquet.ParquetFile(content, pre_buffer=False)
    metadata, leaves = file.metadata, [file.schema.column(place) for place in range(len(file.schema))]
    texts = [field.type == pa.string() for field in file.schema_arrow for _ in range(_leaves(field.type))]
    texts = texts if len(texts) == len(leaves) else [False] * len(leaves)
    total, unsure = 0, []
    for group in range(metadata.num_row_groups):
        for place, (leaf, is_text) in enumerate(zip(leaves, texts, strict=True)):
            chunk = metadata.row_group(group).column(place)
            total += _least_bytes(chunk, leaf)
            if leaf.physical_type == "BYTE_ARRAY" and not is_text and chunk.has_dictionary_page:
                unsure.append((group, leaf.path, chunk.num_values * max(0, chunk.total_uncompressed_size)))
    if total > at_most or total + sum(bound for _, _, bound in unsure) <= at_most:
        return total
    return total + _texts(content, unsure, at_most - total)


def _leaves(kind: Any) -> int:
    """Columns of the file that a column of this type is stored in."""
    stored: Any = getattr(kind, "storage_type", kind)
    if not bool(pa.types.is_nested(stored)):
        return 1
    return sum(_leaves(stored.field(place).type) for place in range(stored.num_fields))


def _least_bytes(chunk: Any, leaf: Any) -> int:
    width = leaf.length if leaf.physical_type == "FIXED_LEN_BYTE_ARRAY" else _WIDTHS.get(leaf.physical_type, _CODE_BYTES)
    return int(max(0, chunk.num_values) * width)


def _texts(content: Any, unsure: list[tuple[int, str, int]], at_most: int) -> int:
    """Bytes of the texts of column chunks, counted as far as the limit."""
    file = pyarrow.parquet.ParquetFile(content, read_dictionary=sorted({leaf for _, leaf, _ in unsure}), pre_buffer=False)
    total = 0
    for group, leaf, _ in unsure:
        for batch in file.iter_batches(_BATCH_ROWS, row_groups=[group], columns=[leaf]):
            total += sum(_bytes_of(column) for column in batch.columns)
            if total > at_most:
                return total
    return total


def _bytes_of(array: Any) -> int:
    """Bytes of an array's texts, however often its dictionary names them."""
    if pa.types.is_dictionary(array.type):
        lengths = pc.fill_null(pc.binary_length(array.dictionary), 0).to_numpy(zero_copy_only=False)
        return int(lengths[array.indices.drop_null().to_numpy()].sum())
    if pa.types.is_struct(array.type):
        return sum(_bytes_of(part) for part in array.flatten())
    if pa.types.is_map(array.type):
        return _bytes_of(array.keys) + _bytes_of(array.items)
    return _bytes_of(array.flatten()) if hasattr(array, "flatten") and pa.types.is_nested(array.type) else int(array.nbytes)
