"""Texts as words, and the buckets that they fall into."""

from __future__ import annotations

import subprocess
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ihas.data.words import LETTERS, bucket_of, looks_like_text, words_of


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Red SHOES, red laces (43)", ("red", "shoes", "laces", "43")),
        ("a_b-c", ("a", "b", "c")),
        ("Straße STRASSE", ("strasse",)),
        ("Ünïcode ﬁne e\u0301t\u00e9", ("ünïcode", "fine", "été")),
        ("हिन्दी भाषा", ("हिन्दी", "भाषा")),
        ("東京タワー", ("東", "京", "タワー")),
        ("赤い靴", ("赤", "い", "靴")),
        ("!!! — ", ()),
        ("", ()),
    ],
)
def test_words_by_unicodes_rules(text: str, words: tuple[str, ...]) -> None:
    """Marks belong to their letter, forms are made one, cases folded; each word once, in order; a Chinese character is a word."""
    assert words_of(text) == words


def test_long_runs_of_marks_are_read_in_parts() -> None:
    """Normalising them whole takes the square of their number, seconds for those of a small request; and of any text the beginning is
    read."""
    marks = "\u0300\u0316" * (LETTERS // 2)
    (word,) = words_of(marks)
    assert sorted(word) == sorted(marks)
    assert len(words_of("\ufdfa" * LETTERS)) <= LETTERS
    assert words_of("a " * LETTERS + "b") == words_of("\u00e4 a " * LETTERS + "b")[1:] == ("a",)


@given(st.text(max_size=40))
def test_words_are_those_of_the_text_in_one_form(text: str) -> None:
    """Also where it is normalised piece by piece."""
    whole = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    assert words_of(text) == words_of(whole)


@given(st.text(max_size=40))
def test_any_text_has_words(text: str) -> None:
    """None is empty or twice there; the words of the words are they themselves."""
    words = words_of(text)
    assert all(words)
    assert len(set(words)) == len(words)
    assert set(words_of(" ".join(words))) == set(words)


def test_a_bucket_is_the_same_everywhere() -> None:
    """Whatever the process and its seed of hashes; the numbers are those that bundles hold, and must never change."""
    known = {"red": bucket_of("red", 4_096), "東": bucket_of("東", 4_096), "\ud800": bucket_of("\ud800", 7)}
    assert known == {"red": "2211", "東": "3022", "\ud800": "3"}
    program = "from ihas.data.words import bucket_of; print(bucket_of('red', 4096))"
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": "7"})
    assert found.stdout.strip() == known["red"]


@given(st.text(max_size=10), st.integers(2, 2**24))
def test_a_bucket_is_one_of_them(text: str, buckets: int) -> None:
    """From 0 up to, without, their number."""
    assert 0 <= int(bucket_of(text, buckets)) < buckets


@pytest.mark.parametrize(
    ("texts", "is_text"),
    [
        ([f"a {colour} shoe of {stuff}" for colour in ("red", "blue", "green") for stuff in ("wool", "felt")], True),
        ([f"Toy Story {number}" for number in range(9)], False),
        ([f"w{4 * n} w{4 * n + 1} w{4 * n + 2} w{4 * n + 3}" for n in range(30)], False),
        (["1 2 3 4 5 6", "1 2 3 4 5"], False),
        ([], False),
    ],
)
def test_texts_have_several_words_that_recur(texts: list[str], is_text: bool) -> None:
    """Titles of two words, codes of which each occurs once, and numbers are no text."""
    assert looks_like_text(texts) is is_text
