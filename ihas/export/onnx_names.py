"""Names within an ONNX graph that depend on nothing but the graph, so that equal models are equal files.

TensorFlow's names count what a process has built before, layer by layer. Inputs and outputs of the graph keep theirs; the values in between
are called by their place.
"""

from __future__ import annotations

from typing import Any


def renamed_by_place(model: Any) -> Any:
    """The ONNX model, changed in place: nodes in their order, constants in the order in which nodes read them."""
    graph = model.graph
    graph.doc_string = ""  # names the function, with a number
    kept = {value.name for value in (*graph.input, *graph.output)}
    names = {name: name for name in kept} | {"": ""}  # an input that is left out has no name
    for place, node in enumerate(graph.node):
        node.name = f"node_{place}"
        for tensors in (node.input, node.output):
            tensors[:] = [names.setdefault(name, f"value_{len(names)}") for name in tensors]
    for constant in graph.initializer:
        constant.name = names.setdefault(constant.name, f"value_{len(names)}")
    order = {name: place for place, name in enumerate(names.values())}
    constants = sorted(graph.initializer, key=lambda constant: order[constant.name])
    del graph.initializer[:], graph.value_info[:]
    graph.initializer.extend(constants)
    _name_sizes([*graph.input, *graph.output])
    return model


def _name_sizes(values: list[Any]) -> None:
    """Sizes that are open, such as the number of rows, by their place; those that are one stay one."""
    names: dict[str, str] = {}
    for value in values:
        for size in value.type.tensor_type.shape.dim:
            if size.dim_param:
                size.dim_param = names.setdefault(size.dim_param, f"size_{len(names)}")
