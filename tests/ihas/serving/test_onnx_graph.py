"""What a graph of a bundle may consist of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import ModelProto, TensorProto, helper, numpy_helper

from ihas.bundle.archive import write_bundle
from ihas.bundle.values import Bundle, GoldenRows
from ihas.errors import BundleCorruptError
from ihas.serving.loading import load_recommender
from ihas.serving.onnx_graph import check_graph
from tests.ihas.bundle_factory import small_bundle

VALUES = helper.make_tensor_value_info("values", TensorProto.FLOAT, ["rows", 4])
LOGITS = helper.make_tensor_value_info("logits", TensorProto.FLOAT, None)


def model(nodes: list[onnx.NodeProto], constants: dict[str, np.ndarray] | None = None, output: onnx.ValueInfoProto = LOGITS) -> ModelProto:
    """A graph from `values` to an output."""
    tensors = [numpy_helper.from_array(array, name) for name, array in (constants or {}).items()]
    graph = helper.make_graph(nodes, "graph", [VALUES], [output], tensors)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def endless() -> ModelProto:
    """A loop of 2^62 steps before the sum."""
    step = [helper.make_node("Identity", ["go"], ["go_on"]), helper.make_node("Identity", ["before"], ["after"])]
    inputs = [("number", TensorProto.INT64, []), ("go", TensorProto.BOOL, []), ("before", TensorProto.FLOAT, ["rows", 4])]
    outputs = [("go_on", TensorProto.BOOL, []), ("after", TensorProto.FLOAT, ["rows", 4])]
    given, left = ([helper.make_tensor_value_info(*one) for one in values] for values in (inputs, outputs))
    inner = helper.make_graph(step, "body", given, left)
    loop = helper.make_node("Loop", ["steps", "yes", "values"], ["looped"], body=inner)
    add = helper.make_node("ReduceSum", ["looped", "axes"], ["logits"], keepdims=0)
    return model([loop, add], {"steps": np.array(2**62), "yes": np.array(True), "axes": np.array([1])})


def external() -> ModelProto:
    """Weights that lie in a file outside the bundle."""
    found = model([helper.make_node("MatMul", ["values", "weights"], ["logits"])], {"weights": np.ones((4, 1), np.float32)})
    tensor = found.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", "../../secret"
    return found


def with_function() -> ModelProto:
    """A function of the model's own."""
    found = model([helper.make_node("Own", ["values"], ["logits"], domain="own")])
    body = [helper.make_node("Identity", ["x"], ["y"])]
    found.functions.append(helper.make_function("own", "Own", ["x"], ["y"], body, [helper.make_opsetid("", 17)]))
    return found


def other_output() -> ModelProto:
    """Nothing is called `logits`."""
    output = helper.make_tensor_value_info("other", TensorProto.FLOAT, None)
    return model([helper.make_node("Identity", ["values"], ["other"])], output=output)


def words() -> ModelProto:
    """Texts for logits."""
    output = helper.make_tensor_value_info("logits", TensorProto.STRING, None)
    return model([helper.make_node("Cast", ["values"], ["logits"], to=TensorProto.STRING)], output=output)


def four_a_row() -> ModelProto:
    """Four logits a row."""
    return model([helper.make_node("Identity", ["values"], ["logits"])])


def wrong_shape() -> ModelProto:
    """A product that fails once there are rows."""
    return model([helper.make_node("Reshape", ["values", "shape"], ["logits"])], {"shape": np.array([7, 11])})


def bundle_of(graph: ModelProto) -> Bundle:
    """The small bundle with another graph of its first model."""
    bundle = small_bundle()
    first, *rest = bundle.models
    return replace(bundle, models=(replace(first, graph=graph.SerializeToString()), *rest))


@pytest.mark.parametrize(
    ("graph", "said"),
    [
        (endless, r"holds another graph, in an operator 'Loop'"),
        (external, "holds external data"),
        (with_function, "holds functions"),
        (other_output, "cannot be run"),
        (words, "must give a logit a row"),
        (four_a_row, "must give a logit a row"),
        (wrong_shape, "cannot be run"),
    ],
)
def test_a_graph_that_is_not_plain_is_refused(graph: Callable[[], ModelProto], said: str, tmp_path: Path) -> None:
    """Before it runs, or as it runs: by an error of a bundle, whatever ONNX Runtime raises; a loop holds nobody."""
    write_bundle(bundle_of(graph()), tmp_path / "bundle")
    with pytest.raises(BundleCorruptError, match=said):
        load_recommender(tmp_path / "bundle")


@pytest.mark.parametrize("content", [b"", b"no graph at all", b"\xff" * 40, b"\x3a\x05ab", b"\x00"])
def test_what_is_no_graph_is_refused(content: bytes) -> None:
    """Also bytes that only begin like one."""
    with pytest.raises(BundleCorruptError, match="it is no ONNX model"):
        check_graph(content, "m")


def test_external_data_is_found_wherever_tensors_lie() -> None:
    """In a constant's attribute and in a sparse tensor."""
    tensor = external().graph.initializer[0]
    constant = model([helper.make_node("Constant", [], ["logits"], value=tensor)])
    sparse = four_a_row()
    sparse.graph.sparse_initializer.append(helper.make_sparse_tensor(tensor, numpy_helper.from_array(np.array([0])), [4]))
    for found in (constant, sparse):
        with pytest.raises(BundleCorruptError, match="external data"):
            check_graph(found.SerializeToString(), "m")


def test_a_bundle_without_golden_rows_is_refused() -> None:
    """Nothing says what it must score."""
    bundle = small_bundle()
    golden = GoldenRows(bundle.golden.ids[:0], bundle.golden.group[:0], bundle.golden.logits[:0])
    with pytest.raises(BundleCorruptError, match="golden rows must be there"):
        write_bundle(replace(bundle, golden=golden), Path("nowhere"))
