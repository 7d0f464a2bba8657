"""What a bundle knows of its users: fields that a request may leave out, and items that a user has clicked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ihas.data.cells import cell_text
from ihas.data.user_table import UserTable
from ihas.errors import RequestError


class Profiles:
    """The user table, by user id."""

    def __init__(self, users: UserTable, user_id: str) -> None:
        """
        Args:
            users: the user table.
            user_id: name of the field that names the user.
        """
        self._users, self._user_id = users, user_id
        self._place = {name: place for place, name in enumerate(users.names)}

    def completed(self, context: Mapping[str, Any]) -> Mapping[str, Any]:
        """The context with what is known of its user in the place of fields that it leaves out; a field that is stated as null stays so."""
        user = self._of(context)
        return context if user is None else {**self._fields(user), **context}

    def clicked(self, context: Mapping[str, Any]) -> np.ndarray:
        """Positions of the items that the context's user has clicked: int32 (n,); none for an unknown user.

        Raises:
            RequestError: the context names no user.
        """
        if context.get(self._user_id) is None:
            raise RequestError(f"`exclude_seen` needs the user, but the context states no `{self._user_id}`. State it.", "/exclude_seen")
        user = self._of(context)
        return self._users.items[:0] if user is None else self._users.clicked(user)

    def _of(self, context: Mapping[str, Any]) -> int | None:
        """Place of the context's user in the table; None for one that it does not hold."""
        stated = context.get(self._user_id)
        if not isinstance(stated, str | int | float):
            return None
        place = self._place.get(stated) if isinstance(stated, str) else None
        return self._place.get(cell_text(stated) or "") if place is None else place

    def _fields(self, user: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, values in self._users.values.items():
            texts = [values.texts[code] for code in values.of_item(user)]
            if values.multivalued:
                found[name] = texts
            elif texts:
                found[name] = texts[0]
        return found
