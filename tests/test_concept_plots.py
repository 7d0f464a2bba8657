"""The plots of the concepts show what was measured."""

from __future__ import annotations

import json

from tests.concept_plots import IMAGES, VALUES, demo_rows, drawn


def test_the_plots_are_those_of_the_measured_values() -> None:
    """Each committed picture is what its values draw; a page shows each."""
    values = json.loads(VALUES.read_text(encoding="utf-8"))
    for name, picture in drawn(values).items():
        assert (IMAGES / name).read_text(encoding="utf-8") == picture, f"{name}: run `make plots`"
        assert f"](../images/{name})" in (IMAGES.parent / "concepts" / name.replace(".svg", ".md")).read_text(encoding="utf-8")


def test_measured_values_say_what_the_pages_say() -> None:
    """Each tribe opens its own taste, and no other taste as far; groups reach the best possible AUC, the plain model does not."""
    values = json.loads(VALUES.read_text(encoding="utf-8"))
    for tribe, shares in enumerate(values["open"].values()):
        assert shares[f"field taste_{tribe}"] > 0.9
        assert max(share for name, share in shares.items() if "taste" in name and name != f"field taste_{tribe}") < 0.7
    for name, auc in values["auc"].items():
        assert auc["a model per group"] > auc["best possible"] - 0.01
        assert (auc["plain model"] > auc["best possible"] - 0.01) == name.startswith("1 ")


def test_gains_of_the_demo_are_read_from_its_page() -> None:
    """Every variant that the plot names, with its interval around it."""
    rows = demo_rows()
    assert len(rows) == 7
    assert all(low < gain < high for _, gain, low, high in rows)
