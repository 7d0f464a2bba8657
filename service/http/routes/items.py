"""Items: fields that change without a new model, and items that came after the training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query

from ihas.serving.capabilities import DescribesItems, PutItem
from ihas_service.auth.scopes import Scope
from ihas_service.errors import ConflictError, UnknownIdError
from ihas_service.http import id_paths
from ihas_service.http.bodies import JsonRoute
from ihas_service.http.dependencies import AppState, CallerDep, PartsDep, json_only, versions_of
from ihas_service.http.policy import MANY_VALUES, MIB, policy, reading
from ihas_service.http.put_fields import kept_fields, named_once, stated_id
from ihas_service.http.schemas.instants import Instant
from ihas_service.http.schemas.items import (
    MAX_TOLD,
    ItemDeleted,
    ItemPublic,
    ItemPut,
    ItemsChanged,
    ItemsPublic,
    ItemsPut,
    UnknownFieldValue,
    UnknownOfItem,
)
from ihas_service.storage.contexts import MAX_USER
from ihas_service.storage.put_fields import NOTHING

id_paths.install()
router = APIRouter(prefix="/v1/models/{name}/items", tags=["models"], route_class=JsonRoute)
ItemDep = Annotated[str, Path(min_length=1, max_length=MAX_USER, description="The item's id.")]
PutBeforeDep = Annotated[
    Instant | None, Query(description="Only items that were put last before this time: RFC 3339, or seconds since 1970.")
]


@router.get("", openapi_extra=reading(Scope.DATA))
def count_items(name: str, parts: PartsDep, caller: CallerDep) -> ItemsPublic:
    """How many items of the model have fields that were put."""
    versions_of(parts.store, name, caller.tenant)
    found = parts.item_fields.sums((caller.tenant, name)).get((caller.tenant, name), NOTHING)
    return ItemsPublic(items=found.count, bytes=found.bytes)


@router.put("", dependencies=[Depends(json_only)], openapi_extra=policy(Scope.DATA, max_body=MIB, max_values=MANY_VALUES))
def put_items(name: str, body: ItemsPut, parts: PartsDep, caller: CallerDep) -> ItemsChanged:
    """Put the fields of up to 1,000 items, all of them or none; others stay. Answers have them at once, in other processes within a
    second."""
    updates, found, read = _updates(parts, caller.tenant, name), dict[str, Mapping[str, Any]](), dict[str, PutItem]()
    for place, one in enumerate(body.items):
        item = stated_id("item", one.item, f"/items/{place}/item")
        named_once("item", item, found, f"/items/{place}/item")
        found[item] = kept_fields(one.fields, f"/items/{place}/fields")
        read[item] = updates.check(item, found[item], f"/items/{place}/fields")
    parts.item_fields.put((caller.tenant, name), found)
    parts.known_items.refresh()
    counted = count_items(name, parts, caller)
    unknown = [UnknownOfItem(item=item, field=one.field, value=one.value) for item, put in read.items() for one in put.unknown_values]
    new = tuple(item for item, put in read.items() if put.new)
    return ItemsChanged(items=counted.items, bytes=counted.bytes, new=new[:MAX_TOLD], unknown_values=tuple(unknown[:MAX_TOLD]))


@router.delete("", openapi_extra=policy(Scope.DATA))
def delete_items(name: str, parts: PartsDep, caller: CallerDep, put_before: PutBeforeDep = None) -> ItemDeleted:
    """Forget what was put of all items, or what was put before a time, such as that of the table that the version that serves has
    learnt from."""
    versions_of(parts.store, name, caller.tenant)
    gone = parts.item_fields.clear((caller.tenant, name), put_before)
    parts.known_items.refresh()
    return ItemDeleted(deleted=name, items=gone)


@router.get("/{item:id}", openapi_extra=reading(Scope.DATA))
def read_item(name: str, item: ItemDep, parts: PartsDep, caller: CallerDep) -> ItemPublic:
    """What was put of an item, and what counts of it now."""
    updates, named = _updates(parts, caller.tenant, name), stated_id("item", item)
    try:
        fields = parts.item_fields.get((caller.tenant, name), named)
    except UnknownIdError:
        if updates.shown(named) is None:
            raise UnknownIdError(f"Model {name!r} knows no item {named[:80]!r}, and nothing was put of it.") from None
        fields = {}
    return _public(updates, named, fields)


@router.put("/{item:id}", dependencies=[Depends(json_only)], openapi_extra=policy(Scope.DATA))
def put_item(name: str, item: ItemDep, body: ItemPut, parts: PartsDep, caller: CallerDep) -> ItemPublic:
    """Put fields of an item, in the place of those of the model's item table and of all that was put before. Answers, filters and
    explanations have them without a new model. An item that the table does not hold can be recommended from now on."""
    updates = _updates(parts, caller.tenant, name)
    named, fields = stated_id("item", item), kept_fields(body.fields, "/fields")
    updates.check(named, fields, "/fields")
    parts.item_fields.put((caller.tenant, name), {named: fields})
    parts.known_items.refresh()
    return _public(updates, named, fields)


@router.delete("/{item:id}", openapi_extra=policy(Scope.DATA))
def delete_item(name: str, item: ItemDep, parts: PartsDep, caller: CallerDep) -> ItemDeleted:
    """Forget what was put of an item: the model's item table counts again, and an item that it does not hold is recommended no more."""
    versions_of(parts.store, name, caller.tenant)
    named = stated_id("item", item)
    if not parts.item_fields.delete((caller.tenant, name), named):
        raise UnknownIdError(f"Nothing was put of item {named[:80]!r} of model {name!r}.")
    parts.known_items.refresh()
    return ItemDeleted(deleted=f"{name}/{named}", items=1)


def _updates(parts: AppState, tenant: str, name: str) -> DescribesItems:
    """What takes fields of items in the version that serves.

    Raises:
        UnknownIdError: there is no such model.
        ConflictError: it has no item table.
    """
    updates = parts.registry.get(name, None, tenant).recommender.item_updates
    if updates is None:
        raise ConflictError(f"Model {name!r} has no item fields. Set `columns.item_id` and train it again on a table with item columns.")
    return updates


def _public(updates: DescribesItems, item: str, fields: Mapping[str, Any]) -> ItemPublic:
    read = updates.fitting(item, fields)
    return ItemPublic(
        item=item,
        fields=dict(fields),
        values=dict(updates.shown(item) or {}),
        new=read.new,
        unknown_values=tuple(UnknownFieldValue(field=one.field, value=one.value) for one in read.unknown_values),
        left_out=read.left_out,
    )
