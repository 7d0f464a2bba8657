"""What values of Arrow's types say: as texts, floats or booleans, of which `ihas.data.cells` makes canonical texts.

Numbers keep their digits: a decimal is written without the zeros at its end, a duration in seconds. A moment is written as ISO 8601
with a blank between date and time, without the zeros at the end of its fraction; one of a time zone in UTC, with a Z.
"""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ihas.data.cells import decimal_text

_DIGITS_BELOW_SECOND = {"s": 0, "ms": 3, "us": 6, "ns": 9}
_ZEROS_OF_FRACTION = (r"\.0+(Z?)$", r"(\.[0-9]*[1-9])0+(Z?)$")
_ANY_LIST = (
    pa.types.is_list,
    pa.types.is_large_list,
    pa.types.is_fixed_size_list,
    pa.types.is_list_view,
    pa.types.is_large_list_view,
)


def is_any_list(data_type: Any) -> bool:
    """Whether values of the type are lists, in whatever form they are stored."""
    return any(is_list(data_type) for is_list in _ANY_LIST)


def is_readable(data_type: Any) -> bool:
    """Whether cells of the type have a text, or are lists of values that have one."""
    if is_any_list(data_type):
        return not is_any_list(data_type.value_type) and is_readable(data_type.value_type)
    if pa.types.is_dictionary(data_type):
        return is_readable(data_type.value_type)
    if isinstance(data_type, pa.UuidType):
        return True
    if isinstance(data_type, pa.BaseExtensionType):
        return is_readable(data_type.storage_type)
    binary = (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_fixed_size_binary, pa.types.is_binary_view)
    return not (pa.types.is_nested(data_type) or pa.types.is_interval(data_type) or any(is_binary(data_type) for is_binary in binary))


def stored_values(column: Any) -> Any:
    """A column without its extension type: a UUID as its text, any other as the type it is stored in."""
    if isinstance(column.type, pa.UuidType):
        texts = [None if value is None else str(uuid.UUID(bytes=value)) for value in column.cast(column.type.storage_type).to_pylist()]
        return pa.chunked_array([pa.array(texts, pa.string())])
    return column.cast(column.type.storage_type) if isinstance(column.type, pa.BaseExtensionType) else column


def plain_values(values: Any) -> Any:
    """Distinct values of any scalar type as texts, floats or booleans."""
    found = values.type
    if pa.types.is_string(found) or pa.types.is_float64(found) or pa.types.is_boolean(found):
        return values
    if pa.types.is_float16(found):
        return pa.array([None if value is None else float(str(value)) for value in values.to_numpy(zero_copy_only=False)], pa.float64())
    if pa.types.is_float32(found):
        return values.cast(pa.string()).cast(pa.float64())  # the digits a person wrote, not 0.1 as 0.10000000149
    if pa.types.is_decimal(found):
        return pa.array([None if value is None else decimal_text(value) for value in values.to_pylist()], pa.string())
    if pa.types.is_duration(found):
        return _seconds(values)
    if pa.types.is_timestamp(found) and found.tz is not None:
        values = values.cast(pa.timestamp(found.unit, "UTC"))
    texts = values.cast(pa.string())
    if pa.types.is_timestamp(found) or pa.types.is_time(found):
        texts = pc.replace_substring_regex(texts, _ZEROS_OF_FRACTION[0], r"\1")
        texts = pc.replace_substring_regex(texts, _ZEROS_OF_FRACTION[1], r"\1\2")
    return texts


def _seconds(values: Any) -> Any:
    digits = _DIGITS_BELOW_SECOND[values.type.unit]
    numbers = values.cast(pa.int64()).to_pylist()
    return pa.array([None if number is None else decimal_text(Decimal(number).scaleb(-digits)) for number in numbers], pa.string())
