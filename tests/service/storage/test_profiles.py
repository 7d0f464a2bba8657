"""Known users beside bundles, and whose clicks events are, on both databases."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from ihas_service.errors import QuotaError, UnknownIdError
from ihas_service.models.known_users import KnownUsers
from ihas_service.storage.contexts import user_of
from ihas_service.storage.database import VERSION, bring_up_to_date
from ihas_service.storage.deletions import Deletions
from ihas_service.storage.direct_events import DirectEvent, DirectEvents
from ihas_service.storage.feedback import Answer, Deed, Feedback, KeptItem
from ihas_service.storage.profiles import Profiles
from ihas_service.storage.put_fields import PutSum
from ihas_service.storage.seen_items import SeenItems
from ihas_service.storage.sql_store import SqlStore
from tests.service.storage.rewinding import drop_0013
from tests.service.storage.test_schedules import registered

pytestmark = pytest.mark.full

FILMS, OTHER = ("local", "films"), ("acme", "films")
BONN, ULM = {"town": "Bonn"}, {"town": "Ulm"}


@pytest.fixture
def profiles(empty_store: SqlStore) -> Profiles:
    """Of the models `films` of two tenants; two users fit."""
    registered(empty_store)
    registered(empty_store, "acme")
    return Profiles(empty_store, 2 * 180)


def test_fields_are_put_replaced_and_forgotten(profiles: Profiles) -> None:
    """The sums are those of the rows, by tenant; what does not fit, and a model that there is not, change nothing."""
    profiles.put(FILMS, {"ada": BONN, "bob": {}})
    profiles.put(OTHER, {"ada": ULM})
    profiles.put(FILMS, {"ada": {}})
    before = profiles.sums()
    with pytest.raises(QuotaError, match="IHAS_MAX_PROFILE_BYTES_PER_TENANT"):
        profiles.put(FILMS, {"eve": BONN, "zoe": BONN})
    with pytest.raises(UnknownIdError, match="no model 'songs'"):
        profiles.put(("local", "songs"), {"ada": BONN})

    assert (profiles.get(FILMS, "ada"), profiles.get(OTHER, "ada")) == ({}, ULM)
    assert profiles.sums() == before == {FILMS: PutSum(2, 2, 2 * (150 + 3 + 2)), OTHER: PutSum(1, 1, 150 + 3 + 14)}
    assert (profiles.delete(FILMS, "ada"), profiles.delete(FILMS, "ada"), profiles.delete(FILMS, "zoe")) == (True, False, False)
    assert profiles.sums(FILMS) == {FILMS: PutSum(3, 1, 155)}
    with pytest.raises(UnknownIdError, match="No fields of user 'ada'"):
        profiles.get(FILMS, "ada")


def test_memory_follows_the_database(profiles: Profiles, empty_store: SqlStore) -> None:
    """What was put, what went and came in one look, and a model that was deleted."""
    users = KnownUsers(profiles)
    users.refresh()
    assert users.of(*FILMS) is None
    profiles.put(FILMS, {"ada": BONN})
    profiles.put(OTHER, {"bob": ULM})
    users.refresh()
    assert (users.of(*FILMS), users.of(*OTHER)) == ({"ada": BONN}, {"bob": ULM})
    profiles.put(FILMS, {"ada": ULM})
    profiles.put(FILMS, {"bob": BONN})
    users.refresh()
    assert users.of(*FILMS) == {"ada": ULM, "bob": BONN}
    profiles.delete(FILMS, "ada")
    profiles.put(FILMS, {"eve": BONN})
    users.refresh()
    assert users.of(*FILMS) == {"bob": BONN, "eve": BONN}
    for user in ("bob", "eve"):
        profiles.delete(FILMS, user)
    Deletions(empty_store).model("acme", "films", force=True)
    users.refresh()
    assert (users.of(*FILMS), users.of(*OTHER)) == (None, None)


def test_clicks_are_their_users(empty_store: SqlStore) -> None:
    """Of answers and of other events, each item once, those clicked last first; not those of other users, tenants, models and kinds."""
    feedback, seen = Feedback(empty_store), SeenItems(empty_store)
    items = {f"m{number}": KeptItem(0, 0.5) for number in range(5)}
    for name, tenant, user in (("rc_1", "local", "ada"), ("rc_2", "local", "bob"), ("rc_3", "acme", "ada"), ("rc_4", "local", None)):
        feedback.remember([Answer(name, tenant, "films", 1, items, user_id=user)])
        known = feedback.known(tenant, [name])[name]
        feedback.add([(Deed(name, f"m{name[-1]}", "click"), known), (Deed(name, "m0", "impression"), known)])
    said = ("films", '{"user":"ada"}', {"user": "ada"})
    events = [DirectEvent("local", *said, "m9", "click", None, 1.0, "ada"), DirectEvent("local", *said, "m1", "click", None, 2.0, "ada")]
    DirectEvents(empty_store).add([*events, DirectEvent("local", *said, "m8", "cart", None, 2.0)])

    assert seen.of("local", "films", "ada", 10) == ["m1", "m9"]
    assert seen.of("local", "films", "ada", 1) == ["m1"]
    assert (seen.of("local", "films", "bob", 10), seen.of("acme", "films", "ada", 10)) == (["m2"], ["m3"])
    assert (seen.of("local", "songs", "ada", 10), seen.of("local", "films", "zoe", 10)) == ([], [])
    assert (seen.forget("local", "films", "ada"), seen.forget("local", "films", "ada")) == (3, 0)
    assert (seen.of("local", "films", "ada", 10), seen.of("acme", "films", "ada", 10)) == ([], ["m3"])
    assert feedback.forget(-86_400.0) == 4
    assert seen.of("local", "films", "bob", 10) == []


@pytest.mark.parametrize(
    ("context", "user"),
    [({"user": 7.0}, "7"), ({"user": " ada "}, "ada"), ({"user": None}, None), ({}, None), ({"user": ["ada"]}, None),
     ({"user": "\0"}, None), ({"user": "\ud800"}, None), ({"user": "x" * 256}, None), ({"user": ""}, None)],
)  # fmt: skip
def test_a_user_is_known_by_one_spelling(context: dict[str, object], user: str | None) -> None:
    """And by none that a database cannot hold."""
    assert (user_of("user", context), user_of(None, context)) == (user, None)


def test_events_of_the_form_before_are_nobodys(empty_store: SqlStore) -> None:
    """Rows of 0012: they count as before, and users are known from now on."""
    registered(empty_store)
    feedback = Feedback(empty_store)
    feedback.remember([Answer("rc_1", "local", "films", 1, {"m1": KeptItem(0, 0.5)})])

    def back(connection: sa.Connection) -> None:
        drop_0013(connection)
        connection.execute(VERSION.update().values(version_num="0012"))

    empty_store.write(back)
    bring_up_to_date(empty_store._engine.url.render_as_string(hide_password=False))
    feedback.add([(Deed("rc_1", "m1", "click"), feedback.known("local", ["rc_1"])["rc_1"])])
    Profiles(empty_store).put(FILMS, {"ada": BONN})

    assert [one.clicks for one in feedback.counts("local", "films", 86_400.0)] == [1]
    assert Profiles(empty_store).get(FILMS, "ada") == BONN
