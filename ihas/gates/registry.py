"""Forms of gate by the name that a recipe (`learning.search.gate`) and a bundle give them. How to add one: docs/extending.md."""

from __future__ import annotations

from ihas.extensions.registry import Registry
from ihas.gates.field import FieldGate
from ihas.gates.form import GateForm
from ihas.gates.full import FullGate
from ihas.gates.mlp import MlpGate

GATE_FORMS: Registry[GateForm] = Registry(
    "gate form",
    {
        "full": FullGate(),
        "field": FieldGate(),
        "mlp": MlpGate(),
    },
)


def register_gate_form(name: str, form: GateForm) -> None:
    """Make a form known under a name, in this process.

    A bundle that has the form is read only where the form is registered. Processes that a run or a service starts know it
    where its module is an extension (`ihas.extensions.modules`).

    Raises:
        ValueError: the name is taken, or is not lower-case letters, digits, `_` and `-`.
    """
    GATE_FORMS.register(name, form)
