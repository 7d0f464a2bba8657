"""Fields of known users that are kept beside the bundles."""

from __future__ import annotations

from ihas_service.storage.put_fields import PutFields, PutKind
from ihas_service.storage.tables import PROFILE_SUMS, PROFILES

WORDS = ("fields of known users", "IHAS_MAX_PROFILE_BYTES_PER_TENANT", "Delete users (`DELETE /v1/models/{name}/users/{user}`)")


class Profiles(PutFields):
    """The table of known users; user ids are spelt as `user_of` spells them."""

    kind = PutKind("user", PROFILES, PROFILES.c.user_id, PROFILE_SUMS, PROFILE_SUMS.c.users, WORDS)
