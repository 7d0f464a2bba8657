"""A bundle whose first graph is a plain one, of a few kilobytes, and computes for hours: products of large matrices that no file holds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from ihas.bundle.values import Bundle
from tests.ihas.bundle_factory import small_bundle

SIZE, PRODUCTS = 2_000, 20_000


def slow_bundle() -> Bundle:
    """The small bundle with another graph of its first model; neither a loop nor a branch is in it."""
    bundle = small_bundle()
    first, *rest = bundle.models
    return replace(bundle, models=(replace(first, graph=_graph(int(first.mask.sum()))), *rest))


def _graph(width: int) -> bytes:
    constants = {"shape": np.array([SIZE, SIZE]), "two": np.array([0, 1]), "one": np.array([1]), "zero": np.array(0, np.float32)}
    nodes = [
        helper.make_node("ReduceSum", ["values", "two"], ["sum"], keepdims=0),
        helper.make_node("Expand", ["sum", "shape"], ["product-0"]),
        *(helper.make_node("MatMul", [f"product-{n}", f"product-{n}"], [f"product-{n + 1}"]) for n in range(PRODUCTS)),
        helper.make_node("ReduceSum", [f"product-{PRODUCTS}", "two"], ["much"], keepdims=0),
        helper.make_node("Mul", ["much", "zero"], ["nothing"]),
        helper.make_node("ReduceSum", ["values", "one"], ["rows"], keepdims=0),
        helper.make_node("Add", ["rows", "nothing"], ["logits"]),
    ]
    inputs = [helper.make_tensor_value_info("values", TensorProto.FLOAT, ["rows", width])]
    outputs = [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["rows"])]
    tensors = [numpy_helper.from_array(array, name) for name, array in constants.items()]
    graph = helper.make_graph(nodes, "slow", inputs, outputs, tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())
