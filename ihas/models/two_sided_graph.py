"""ONNX graphs from sums to logits, written node by node."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from onnx import ModelProto, TensorProto, helper, numpy_helper

OPSET = 17
IR_VERSION = 8


class SumsGraph:
    """A graph under construction: one input, float32 (rows, width); every method adds nodes and names their output."""

    def __init__(self, width: int, source: str = "sums") -> None:
        self.width, self.source = width, source
        self._nodes: list[Any] = []
        self._constants: list[Any] = []

    def node(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """Output of an ONNX operator."""
        output = f"value-{len(self._nodes)}"
        self._nodes.append(helper.make_node(kind, list(inputs), [output], **attributes))
        return output

    def constant(self, array: np.ndarray) -> str:
        """A constant."""
        name = f"constant-{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def columns(self, start: int, end: int) -> str:
        """Some of the sums: (rows, end - start)."""
        if (start, end) == (0, self.width):
            return self.source
        numbers = [self.constant(np.array([number], np.int64)) for number in (start, end, 1)]
        return self.node("Slice", self.source, *numbers)

    def matmul(self, values: str, kernel: np.ndarray) -> str:
        """values @ kernel."""
        return self.node("MatMul", values, self.constant(kernel))

    def dense(self, values: str, kernel: np.ndarray, bias: np.ndarray) -> str:
        """values @ kernel + bias."""
        return self.node("Gemm", values, self.constant(kernel), self.constant(bias))

    def hidden(self, sums: str, weights: Mapping[str, np.ndarray], before: str) -> str:
        """Hidden layers behind the first one's sums; their weights' names begin with `before`."""
        values, layer = self.node("Relu", sums), 1
        while f"{before}hidden_{layer}/kernel" in weights:
            name = f"{before}hidden_{layer}"
            values = self.node("Relu", self.dense(values, weights[f"{name}/kernel"], weights[f"{name}/bias"]))
            layer += 1
        return values

    def half_square(self, values: str) -> str:
        """|values|^2 / 2 of each row: (rows, 1)."""
        squares = self.node("Mul", values, values)
        total = self.node("ReduceSum", squares, self.constant(np.array([1], np.int64)), keepdims=1)
        return self.node("Mul", total, self.constant(np.array([0.5], np.float32)))

    def bilinear(self, first: str, second: str, product: np.ndarray) -> str:
        """sum over heads h of first_h^T W_h second_h: product float32 (heads, units of first, units of second) -> (rows, 1)."""
        heads, ours, theirs = product.shape
        kernel = np.zeros((heads * ours, heads * theirs), np.float32)
        for head in range(heads):
            kernel[head * ours : (head + 1) * ours, head * theirs : (head + 1) * theirs] = product[head]
        mixed = self.node("Mul", self.matmul(first, kernel), second)
        return self.node("ReduceSum", mixed, self.constant(np.array([1], np.int64)), keepdims=1)

    def inline(self, graph: bytes, sums: str, before: str) -> str:
        """The nodes of a finished graph, its names with `before` in front of them, reading `sums`: its logits (rows,)."""
        inner = ModelProto.FromString(graph).graph
        names = {inner.input[0].name: sums}

        def renamed(name: str) -> str:
            return names.get(name, f"{before}{name}" if name else name)

        for constant in inner.initializer:
            constant.name = renamed(constant.name)
            self._constants.append(constant)
        for node in inner.node:
            node.input[:] = [renamed(name) for name in node.input]
            node.output[:] = [renamed(name) for name in node.output]
            self._nodes.append(node)
        return renamed(inner.output[0].name)

    def finish(self, logits: str) -> bytes:
        """The model whose output `logits`, float32 (rows,), is the given column."""
        flat = helper.make_node("Reshape", [logits, self.constant(np.array([-1], np.int64))], ["logits"])
        graph = helper.make_graph(
            [*self._nodes, flat],
            "split",
            [helper.make_tensor_value_info(self.source, TensorProto.FLOAT, ["rows", self.width])],
            [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["rows"])],
            self._constants,
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
        return bytes(model.SerializeToString())


def mean_graph(graphs: Sequence[bytes], spans: Sequence[tuple[int, int]]) -> bytes:
    """One graph whose logits are the mean of several graphs', each of which reads its own span of the sums."""
    whole = SumsGraph(max(end for _, end in spans))
    logits = [whole.inline(graph, whole.columns(*span), f"member-{m}-") for m, (graph, span) in enumerate(zip(graphs, spans, strict=True))]
    share = whole.constant(np.array([1.0 / len(graphs)], np.float32))
    return whole.finish(whole.node("Mul", whole.node("Sum", *logits), share))
