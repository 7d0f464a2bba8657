"""Requests and responses about known users."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import FailFast, Field

from ihas.config.base import Config
from ihas_service.storage.contexts import MAX_USER

MAX_USERS = 1_000
UserFields = Annotated[dict[str, Any], Field(max_length=1_000)]


class UserPut(Config):
    """What is known of a user."""

    fields: UserFields
    """Values of context fields, in the place of all that was put before; requests that leave one out get it. `null` is a missing value."""


class NamedUser(UserPut):
    """A user."""

    user: Annotated[str, Field(min_length=1, max_length=MAX_USER)]
    """The user, as the model's field of users spells it."""


class UsersPut(Config):
    """Many users."""

    users: Annotated[tuple[NamedUser, ...], Field(min_length=1, max_length=MAX_USERS), FailFast()]
    """Each once."""


class UserPublic(Config):
    """A known user."""

    user: str
    """The user."""
    fields: dict[str, Any]
    """What was put; what the bundle knows beside it is not shown."""


class UsersPublic(Config):
    """Users whose fields were put."""

    users: int
    """How many the model has."""
    bytes: int
    """That they take, about; `IHAS_MAX_PROFILE_BYTES_PER_TENANT` limits those of all models of a tenant."""


class UserDeleted(Config):
    """What was forgotten of a user."""

    deleted: str
    """The user, behind the model."""
    fields: bool
    """Whether fields had been put."""
    clicks: int
    """Clicks that are no longer the user's; the events stay until they are forgotten."""
