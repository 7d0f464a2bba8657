"""Extensions by name: of the package, registered, and of installed packages."""

from __future__ import annotations

import pytest

from ihas.extensions.registry import Registry


def _registry() -> Registry[int]:
    return Registry("colour", {"red": 1, "green": 2})


def test_extensions_are_read_by_name_in_order() -> None:
    """What is registered comes after what is given."""
    registry = _registry()
    registry.register("blue", 3)
    assert (registry.names, registry["blue"]) == (("red", "green", "blue"), 3)


def test_an_unknown_name_is_told_with_the_nearest() -> None:
    """The error names all names; the nearest where one is near."""
    with pytest.raises(ValueError, match="The colour must be one of red, green, but got 'gren'. Did you mean `green`\\?"):
        _registry()["gren"]
    assert _registry().unknown("xyz") == "The colour must be one of red, green, but got 'xyz'."


@pytest.mark.parametrize("name", ["", "Red", "1st", "../x", "a" * 65])
def test_names_are_plain(name: str) -> None:
    """A name is lower-case letters, digits, `_` and `-`, and begins with a letter."""
    with pytest.raises(ValueError, match="must match"):
        _registry().register(name, 1)


def test_a_name_stands_for_one_extension() -> None:
    """Another extension under a taken name is refused; one that was removed leaves its name free."""
    registry = _registry()
    with pytest.raises(ValueError, match="'red' is registered already"):
        registry.register("red", 7)
    registry.unregister("red")
    registry.register("red", 7)
    assert registry["red"] == 7
    with pytest.raises(ValueError, match="must be one of"):
        registry.unregister("pink")
