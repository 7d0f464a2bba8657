"""Keys as text."""

from __future__ import annotations

import hashlib

from ihas_service.auth.scopes import Scope
from ihas_service.auth.tokens import digest, key_id, new_key


def test_a_key_names_its_id_and_hides_the_rest() -> None:
    """The text has the id and 192 random bits; two keys share nothing."""
    (text, key), (other, _) = (new_key("acme", "shop", (Scope.READ, Scope.DATA)) for _ in range(2))

    assert text.split("_")[:2] == ["ihas", key.id]
    assert (len(text.split("_")[2]) * 4, text.split("_")[2] == other.split("_")[2]) == (192, False)
    assert (key_id(text), key.digest, key.scopes) == (key.id, hashlib.sha256(text.encode()).hexdigest(), ("data", "read"))
    assert digest(text) == key.digest


def test_another_text_is_no_key() -> None:
    """Shorter, longer, other letters, a token of somebody else's."""
    text, _ = new_key("acme", "shop", (Scope.READ,))

    assert [key_id(one) for one in (text[:-1], text + "0", text.upper(), "", "ey.ey.ey")] == [None] * 5
