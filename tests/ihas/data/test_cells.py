"""Canonical text and numbers of cells."""

from __future__ import annotations

import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ihas.data.cells import cell_number, cell_text, decimal_text
from tests.ihas.data.tables import SCALARS


@pytest.mark.parametrize(
    ("spellings", "text"),
    [
        ((270, 270.0, "270", " 270 ", "270.0"), "270"),
        ((True, "True", "true", "TRUE"), "true"),
        ((False, "false"), "false"),
        ((2.5, "2.5"), "2.5"),
        ((10**16, 1e16, "10000000000000000"), "10000000000000000"),
        ((2**60, 2.0**60, f"{2**60}.0"), str(2**60)),
        (("9" * 5_000, "9" * 5_000 + ".0"), "9" * 5_000),
        ((-0.0, 0, "-0.0", "0.0"), "0"),
        ((None, "", "  ", float("nan")), None),
    ],
)
def test_spellings_of_a_value_have_one_text(spellings: tuple[object, ...], text: str | None) -> None:
    """However a file or a request spells a value, its canonical text is the same."""
    assert {cell_text(spelling) for spelling in spellings} == {text}  # type: ignore[arg-type]  # the parameters mix types on purpose


@pytest.mark.parametrize("text", ["02139", "1.10", "3.00", "1e5", "NA", "New York", "+5", "-"])
def test_other_texts_stay_as_they_are(text: str) -> None:
    """Codes that only look like numbers are not rewritten, so that zip 02139 keeps its zero."""
    assert cell_text(text) == text


@given(SCALARS)
def test_canonical_text_is_its_own_canonical_text(value: object) -> None:
    """Reading a canonical text again changes nothing."""
    text = cell_text(value)  # type: ignore[arg-type]  # the strategy draws cell values only
    assert cell_text(text) == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_survives_its_text(value: float) -> None:
    """The number that a float's canonical text spells is that float, to the bit."""
    assert cell_number(cell_text(value) or "") == value


@pytest.mark.parametrize("text", ["", "nan", "NaN", "inf", "-Infinity", "1e999", "1_000", "0x10", "٣", "5 6", "true"])
def test_texts_that_spell_no_finite_number(text: str) -> None:
    """NaN, infinities and texts that only Python takes for numbers are not numbers."""
    assert cell_number(text) is None


@pytest.mark.parametrize(("text", "number"), [("+5", 5.0), (".5", 0.5), ("5.", 5.0), ("-3e2", -300.0)])
def test_decimal_spellings_of_numbers(text: str, number: float) -> None:
    """Signs, bare points and exponents are read."""
    assert math.isclose(cell_number(text) or 0.0, number)


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("25.00", "25"),
        ("2.50", "2.5"),
        ("-0.00", "0"),
        ("1.23E+4", "12300"),
        ("12345678901234567890.10", "12345678901234567890.1"),
        ("0", "0"),
    ],
)
def test_a_decimal_has_the_text_of_its_number(number: str, text: str) -> None:
    """Zeros at the end are no part of a number, and all other digits are kept."""
    assert decimal_text(Decimal(number)) == text


@given(st.integers(-(2**64), 2**64))
def test_an_integer_has_one_text_in_every_type(number: int) -> None:
    """As an integer and as a decimal a number has all its digits, and as a float those of the float's value."""
    assert cell_text(number) == decimal_text(Decimal(number)) == str(number)
    assert cell_text(float(number)) == str(int(float(number)))


@pytest.mark.parametrize("number", ["1e999999", "-1e999999", "1e-999999"])
def test_a_decimal_beyond_floats_is_not_written_out(number: str) -> None:
    """A short number with a large exponent does not become megabytes of zeros."""
    assert len(decimal_text(Decimal(number))) < 5
