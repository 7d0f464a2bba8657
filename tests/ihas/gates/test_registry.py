"""Forms of gate by name: each keeps the laws of a form, and a name that is none is told."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from ihas.config.search import SearchConfig
from ihas.gates.form import GateSize
from ihas.gates.full import FullGate
from ihas.gates.registry import GATE_FORMS, register_gate_form
from ihas.routing.router import Gates
from tests.contracts.gate_form import GateFormContract

pytestmark = pytest.mark.tf


class TestEveryForm(GateFormContract):
    """Every registered form is a form of gate."""

    @pytest.fixture(params=list(GATE_FORMS))
    def name(self, request: pytest.FixtureRequest) -> str:
        return str(request.param)


def test_costs_by_hand() -> None:
    """Three fields of two dimensions: 36 numbers see the whole, 12 their own field, 60 the whole through five hidden units."""
    size = GateSize(num_fields=3, dim=2, hidden=5)
    kernels = {name: tuple(np.zeros(shape) for shape in GATE_FORMS[name].shapes(size).kernels) for name in ("full", "field", "mlp")}
    assert {name: GATE_FORMS[name].multiply_adds(arrays) for name, arrays in kernels.items()} == {"full": 36, "field": 12, "mlp": 60}


def test_only_field_gates_can_be_restricted() -> None:
    """Gates that see other fields have no gates of some fields alone."""
    size = GateSize(num_fields=2, dim=1, hidden=1)
    for name in ("full", "field", "mlp"):
        shapes = GATE_FORMS[name].shapes(size)
        kernels, biases = (tuple(np.zeros(shape, np.float32) for shape in part) for part in (shapes.kernels, shapes.biases))
        restricted = Gates(name, np.zeros(2, np.float32), np.ones(2, np.float32), kernels, biases).restrict([0], 1)
        assert (restricted is not None) == (name == "field")


def test_a_name_is_taken_once() -> None:
    """Another form under a name that is taken is refused; the same one may be registered again."""
    with pytest.raises(ValueError, match="'full' is registered already"):
        register_gate_form("full", FullGate())
    register_gate_form("full", GATE_FORMS["full"])
    assert GATE_FORMS.names.count("full") == 1


def test_an_unknown_form_is_told_with_the_nearest() -> None:
    """The setting's error names the forms and the one that was meant, and has no text of pydantic's."""
    with pytest.raises(ValidationError) as caught:
        SearchConfig(gate="feild")
    (error,) = caught.value.errors()
    assert error["loc"] == ("gate",)
    assert error["msg"] == f"The gate form must be one of {', '.join(GATE_FORMS.names)}, but got 'feild'. Did you mean `field`?"


def test_the_json_schema_lists_the_forms() -> None:
    """Whoever reads the schema of a recipe sees which forms there are."""
    gate = SearchConfig.model_json_schema()["properties"]["gate"]
    assert (gate["type"], gate["enum"], gate["default"]) == ("string", list(GATE_FORMS.names), "full")
