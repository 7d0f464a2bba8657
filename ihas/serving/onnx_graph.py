"""What a graph of a bundle may consist of, seen in its bytes, before anything runs it.

A graph without loops and branches takes a time that its size bounds, and one without external data reads no file. The exports of iHAS
have neither; ONNX Runtime would take both. The numbers of fields are those of ONNX's `onnx.proto3`.
"""

from __future__ import annotations

from collections.abc import Iterator

from ihas.errors import BundleCorruptError

VARINT, EIGHT, BYTES, FOUR = 0, 1, 2, 5
MODEL_GRAPH, MODEL_FUNCTIONS = 7, 25
GRAPH_NODE, GRAPH_TENSOR, GRAPH_SPARSE = 1, 5, 15
NODE_OPERATOR, NODE_ATTRIBUTE = 4, 5
ATTRIBUTE_TENSORS, ATTRIBUTE_GRAPHS, ATTRIBUTE_SPARSE = (5, 10), (6, 11), (22, 23)
TENSOR_EXTERNAL, TENSOR_LOCATION = 13, 14
SPARSE_TENSORS = (1, 2)
_WAY_OUT = "Write the bundle anew from its run."


def check_graph(content: bytes, name: str) -> None:
    """Refuse a graph that holds other graphs, functions or external data.

    Args:
        content: an ONNX model.
        name: of the model, for the message.

    Raises:
        BundleCorruptError: it does, or is no ONNX model.
    """
    try:
        found = next(_faults(memoryview(content)), None)
    except (ValueError, IndexError) as error:
        raise BundleCorruptError(f"The graph of model {name!r} cannot be run: it is no ONNX model. {_WAY_OUT}") from error
    if found is not None:
        raise BundleCorruptError(f"The graph of model {name!r} must be a plain one, but holds {found}. {_WAY_OUT}")


def _faults(model: memoryview) -> Iterator[str]:
    graphs = 0
    for number, part in _messages(model):
        if number == MODEL_FUNCTIONS:
            yield "functions"
        elif number == MODEL_GRAPH:
            graphs += 1
            yield from _faults_of_graph(part)
    if graphs != 1:
        raise ValueError("no graph")


def _faults_of_graph(graph: memoryview) -> Iterator[str]:
    for number, part in _messages(graph):
        if number == GRAPH_NODE:
            yield from _faults_of_node(part)
        elif number == GRAPH_TENSOR:
            yield from _faults_of_tensor(part)
        elif number == GRAPH_SPARSE:
            yield from _faults_of_sparse(part)


def _faults_of_node(node: memoryview) -> Iterator[str]:
    parts = list(_messages(node))
    operator = next((bytes(part).decode("utf-8", "replace") for number, part in parts if number == NODE_OPERATOR), "")
    for number, part in parts:
        if number != NODE_ATTRIBUTE:
            continue
        for inner, value in _messages(part):
            if inner in ATTRIBUTE_GRAPHS:
                yield f"another graph, in an operator {operator!r}"
            elif inner in ATTRIBUTE_TENSORS:
                yield from _faults_of_tensor(value)
            elif inner in ATTRIBUTE_SPARSE:
                yield from _faults_of_sparse(value)


def _faults_of_sparse(tensor: memoryview) -> Iterator[str]:
    for number, part in _messages(tensor):
        if number in SPARSE_TENSORS:
            yield from _faults_of_tensor(part)


def _faults_of_tensor(tensor: memoryview) -> Iterator[str]:
    for number, kind, value in _fields(tensor):
        if number == TENSOR_EXTERNAL or (number == TENSOR_LOCATION and kind == VARINT and value):
            yield "external data"


def _messages(data: memoryview) -> Iterator[tuple[int, memoryview]]:
    """Number and content of the fields that have one."""
    for number, _, value in _fields(data):
        if isinstance(value, memoryview):
            yield number, value


def _fields(data: memoryview) -> Iterator[tuple[int, int, int | memoryview]]:
    """Number, kind and value of each field; IndexError or ValueError where the bytes are no fields."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        number, kind = key >> 3, key & 7
        if kind == VARINT:
            value, at = _varint(data, at)
            yield number, kind, value
            continue
        if kind not in (EIGHT, BYTES, FOUR):
            raise ValueError(f"kind {kind}")
        length, at = _varint(data, at) if kind == BYTES else (8 if kind == EIGHT else 4, at)
        if at + length > len(data):
            raise ValueError("cut off")
        yield number, kind, data[at : at + length]
        at += length


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise ValueError("a number of more than ten bytes")
