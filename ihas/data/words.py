"""A text as its words, and texts as numbers of buckets; the same in tables and in requests, in every process.

A word is a run of letters, marks and digits by Unicode's categories (L, M, N), compatibility forms made one (NFKC), cases folded; all else
parts words. Chinese characters and Hiragana, between which no space stands, are a word each. A bucket is the first 64 bits of
BLAKE2b of the text in UTF-8, modulo the number of buckets. Source: our choice, after Unicode's annex 29 without its exceptions.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from hashlib import blake2b

MIN_WORDS = 4.0
"""Words with a letter that texts have on average, from which on a column is taken for one of text (our choice)."""
MIN_RECURRENCE = 2.0
"""How often a word occurs on average in the different texts of such a column (our choice)."""
LETTERS = 10_000
"""Characters of a text that are read."""
_FORMED = 256
_ASCII_WORD = re.compile(r"[0-9a-z]+")
_ALONE = re.compile("[\u3041-\u309f\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")


def words_of(text: str) -> tuple[str, ...]:
    """The different words of a text's first `LETTERS` characters, in order; time grows with their number, whatever they are."""
    text = text[:LETTERS]
    if text.isascii():
        return tuple(dict.fromkeys(_ASCII_WORD.findall(text.lower())))
    return tuple(dict.fromkeys(_words(" ".join(map(_folded, text.split()))[:LETTERS])))


def bucket_of(text: str, buckets: int) -> str:
    """Number of the bucket, from 0, that a text falls into, as a text."""
    digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return str(int.from_bytes(digest, "big") % buckets)


def looks_like_text(texts: Iterable[str]) -> bool:
    """Whether different texts have several words each, which recur among them."""
    count, found, different = 0, 0, set[str]()
    for text in texts:
        words = [word for word in words_of(text) if not word.isnumeric()]
        count, found = count + 1, found + len(words)
        different.update(words)
    return found >= MIN_WORDS * max(count, 1) and found >= MIN_RECURRENCE * len(different)


def _folded(piece: str) -> str:
    """One form of a text without white space; by parts, since a run of marks costs the square of its length to normalise."""
    parts = (piece[place : place + _FORMED] for place in range(0, len(piece), _FORMED))
    return "".join(unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", part).casefold()) for part in parts)


def _words(text: str) -> Iterator[str]:
    word = ""
    for letter in text:
        if unicodedata.category(letter)[0] not in "LMN" or _ALONE.match(letter):
            if word:
                yield word
            word = ""
            if _ALONE.match(letter):
                yield letter
        else:
            word += letter
    if word:
        yield word
