"""Fields of items that are kept beside the bundles."""

from __future__ import annotations

from ihas_service.storage.put_fields import PutFields, PutKind
from ihas_service.storage.tables import ITEM_FIELD_SUMS, ITEM_FIELDS

WORDS = ("fields of items", "IHAS_MAX_ITEM_FIELD_BYTES_PER_TENANT", "Delete items (`DELETE /v1/models/{name}/items/{item}`)")


class ItemFieldRows(PutFields):
    """The table of items whose fields were put; item ids are spelt as `user_of` spells users."""

    kind = PutKind("item", ITEM_FIELDS, ITEM_FIELDS.c.item_id, ITEM_FIELD_SUMS, ITEM_FIELD_SUMS.c["items"], WORDS)
