"""What every `GateForm` must do, as tests: subclass, and give the name that the form is registered under."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from ihas.bundle.archive import read_bundle, write_bundle
from ihas.bundle.validation import check_bundle
from ihas.bundle.values import Bundle
from ihas.config.search import SearchConfig
from ihas.errors import BundleCorruptError
from ihas.gates.form import GateForm, GateShapes, GateSize, elements_of
from ihas.gates.registry import GATE_FORMS
from ihas.layers.gates import BernoulliGates
from ihas.legacy_keras import tf
from ihas.routing.router import Gates
from ihas.serving.grouped.candidate_gates import candidate_gates
from tests.ihas.bundle_factory import small_bundle

SIZE = GateSize(num_fields=4, dim=3, hidden=5)
FIELDS = range(SIZE.num_fields)
SUBSETS = [list(some) for number in range(1, SIZE.num_fields) for some in combinations(FIELDS, number)]
"""Every set of fields that leaves a field out."""


def random_gates(name: str, size: GateSize = SIZE, seed: int = 0) -> Gates:
    """Gates of a form with random parameters and statistics."""
    shapes, rng = GATE_FORMS[name].shapes(size), np.random.default_rng(seed)
    kernels, biases = (tuple(rng.normal(size=shape).astype(np.float32) for shape in part) for part in (shapes.kernels, shapes.biases))
    mean, scale = rng.normal(size=size.width), rng.uniform(0.5, 2.0, size.width)
    return Gates(name, mean.astype(np.float32), scale.astype(np.float32), kernels, biases)


def embedded_rows(rows: int = 20) -> np.ndarray:
    """Random embeddings, float32 (rows, N)."""
    return np.random.default_rng(9).normal(size=(rows, SIZE.width)).astype(np.float32)


def bundle_with(gates: Gates) -> Bundle:
    """The small bundle behind these gates."""
    bundle = small_bundle()
    return dataclasses.replace(bundle, router=dataclasses.replace(bundle.router, gates=gates))


class GateFormContract:
    """Laws of a form of gate."""

    @pytest.fixture
    def name(self) -> str:
        """Name that the form is registered under."""
        raise NotImplementedError

    @pytest.fixture
    def form(self, name: str) -> GateForm:
        """The form."""
        return GATE_FORMS[name]

    @pytest.fixture
    def shapes(self, form: GateForm) -> GateShapes:
        """Shapes of its parameters."""
        return form.shapes(SIZE)

    def test_describes_itself(self, form: GateForm) -> None:
        """It says in a few words what a gate sees."""
        assert 0 < len(form.description) < 80

    def test_shapes_fit_the_trainable_layer(self, form: GateForm, shapes: GateShapes) -> None:
        """Kernels have two dimensions or more, the last bias is that of the logits, and hidden units are read from stored biases."""
        biases = tuple(np.zeros(shape, np.float32) for shape in shapes.biases)
        assert min(map(len, shapes.kernels)) >= 2
        assert shapes.biases[-1] == (SIZE.width,)
        assert form.shapes(dataclasses.replace(SIZE, hidden=form.hidden_units(biases))) == shapes

    def test_tensorflow_and_numpy_agree(self, name: str, form: GateForm) -> None:
        """Both give the same logits within 1e-5, float32 (rows, N)."""
        gates, values = random_gates(name), embedded_rows()
        tensors = form.tensor_logits(tf, tf.constant(values), *([tf.constant(a) for a in part] for part in (gates.kernels, gates.biases)))
        logits = form.logits(values, gates.kernels, gates.biases)
        assert (logits.dtype, logits.shape) == (np.float32, values.shape)
        np.testing.assert_allclose(tensors.numpy(), logits, rtol=1e-5, atol=1e-5)

    def test_a_batch_is_its_rows(self, name: str) -> None:
        """Rows read together have the logits that they have one by one, and no rows have none."""
        gates, values = random_gates(name), embedded_rows()
        alone = np.concatenate([gates.logits(values[row : row + 1]) for row in range(len(values))])
        np.testing.assert_allclose(gates.logits(values), alone, rtol=1e-5, atol=1e-5)
        assert gates.logits(values[:0]).shape == (0, SIZE.width)

    def test_gradient_reaches_every_parameter(self, name: str, form: GateForm) -> None:
        """Every kernel and every bias has a gradient that is not zero."""
        gates, values = random_gates(name), tf.constant(embedded_rows())
        kernels, biases = ([tf.Variable(array) for array in part] for part in (gates.kernels, gates.biases))
        with tf.GradientTape() as tape:
            total = tf.reduce_sum(tf.square(form.tensor_logits(tf, values, kernels, biases)))
        assert all(np.abs(part).max() > 1e-6 for part in tape.gradient(total, [*kernels, *biases]))

    def test_frozen_gates_are_the_trained_gates(self, name: str) -> None:
        """The value that routing reads has the logits of the layer that was trained, standardisation included."""
        rng = np.random.default_rng(0)
        layer = BernoulliGates(SIZE.num_fields, SIZE.dim, SearchConfig(gate=name, gate_hidden=SIZE.hidden), rng)
        layer.start_statistics(2.0 + 3.0 * embedded_rows(50))
        logits = layer.logits(tf.constant(embedded_rows()), training=False).numpy()
        np.testing.assert_allclose(layer.freeze().logits(embedded_rows()), logits, rtol=1e-5, atol=1e-5)

    @pytest.mark.parametrize("context", SUBSETS, ids=str)
    def test_context_and_items_make_the_whole(self, name: str, context: Sequence[int]) -> None:
        """One context's part with many items' parts has the logits of whole rows, the context's elements first."""
        gates, rows = random_gates(name), embedded_rows()
        of_context, of_items = (elements_of(fields, SIZE.dim) for fields in (context, [f for f in FIELDS if f not in context]))
        rows[:, of_context] = rows[0, of_context]
        parts = candidate_gates(gates, of_context, of_items)
        found = parts.context(rows[:1, of_context])(parts.of_items(rows[:, of_items]))
        np.testing.assert_allclose(found, gates.logits(rows)[:, np.concatenate([of_context, of_items])], rtol=1e-4, atol=1e-4)

    @pytest.mark.parametrize("fields", SUBSETS, ids=str)
    def test_restricted_gates_are_a_part_of_the_whole(self, name: str, fields: Sequence[int]) -> None:
        """Gates of some fields alone, where the form has such, give these fields the logits that they have among all."""
        gates, rows, columns = random_gates(name), embedded_rows(), elements_of(fields, SIZE.dim)
        some = gates.restrict(fields, SIZE.dim)
        if some is not None:
            np.testing.assert_allclose(some.logits(rows[:, columns]), gates.logits(rows)[:, columns], rtol=1e-5, atol=1e-5)

    def test_its_cost_counts_every_kernel(self, name: str, form: GateForm) -> None:
        """A row costs multiply-adds, and no less than none."""
        gates = random_gates(name)
        assert gates.multiply_adds == SIZE.width + form.multiply_adds(gates.kernels) > SIZE.width

    def test_a_bundle_keeps_the_gates(self, name: str, tmp_path: Path) -> None:
        """Written and read, form and parameters are the same to the bit."""
        gates = random_gates(name, GateSize(num_fields=3, dim=2, hidden=5))
        write_bundle(bundle_with(gates), tmp_path / "bundle")
        found = read_bundle(tmp_path / "bundle").router.gates
        assert (found.form, len(found.kernels), len(found.biases)) == (name, len(gates.kernels), len(gates.biases))
        for one, other in zip((*found.kernels, *found.biases), (*gates.kernels, *gates.biases), strict=True):
            np.testing.assert_array_equal(one, other)

    def test_wrong_shapes_in_a_bundle_are_told(self, name: str) -> None:
        """A kernel or a bias of another shape, or one too few, is told by its part."""
        gates = random_gates(name, GateSize(num_fields=3, dim=2, hidden=5))
        for part, what in (("kernels", "kernel"), ("biases", "bias")):
            arrays = getattr(gates, part)
            longer = (np.concatenate([arrays[-1], arrays[-1]], axis=-1),)
            for wrong in (arrays[:-1] + longer, arrays[:-1]):
                with pytest.raises(BundleCorruptError, match=f"gate.*{what}"):
                    check_bundle(bundle_with(dataclasses.replace(gates, **{part: wrong})))
