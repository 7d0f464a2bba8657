"""Events on their way to the service, which may be away for as long as it likes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from ihas_service.client.client import Client
from ihas_service.client.retries import BUSY, wait_s
from ihas_service.consuming.messages import MAX_REASON, Event, Refused
from ihas_service.errors import ServiceError

OURS = "urn:ihas:"
"""How the kinds of the service's problems begin."""
OF_EVENTS = frozenset({400, 413, 422})
"""Statuses of a report that holds what is no event."""
QUOTA = "quota-exceeded"


class Sender:
    """Reports events; a report that the service refuses is halved until the event that is none stands alone.

    Args:
        wait: waits for some seconds; False where nobody wants to wait any longer.
        say: hears that the service is away, and that it is back.
    """

    def __init__(self, client: Client, wait: Callable[[float], bool], say: Callable[[str], None]) -> None:
        self._client, self._wait, self._say = client, wait, say

    def send(self, events: Sequence[Event]) -> list[Refused]:
        """Report events; those that the service rejects. What it accepted is kept, so that a repetition counts nothing twice.

        Raises:
            ServiceError: the service is away, and nobody waits; or it refuses for a reason that is none of the events'.
        """
        return list(self._sent(events)) if events else []

    def _sent(self, events: Sequence[Event]) -> Iterator[Refused]:
        try:
            answer = self._report([one.event for one in events])
        except ServiceError as error:
            if not _of_events(error):
                raise
            yield from self._halved(events, error)
            return
        for one in answer["rejected"]:
            yield Refused(events[one["index"]].message, str(one["detail"])[:MAX_REASON])

    def _halved(self, events: Sequence[Event], error: ServiceError) -> Iterator[Refused]:
        if len(events) == 1:
            parts: Sequence[dict[str, Any]] = error.problem.get("errors") or [{}]
            yield Refused(events[0].message, str(parts[0].get("detail") or error)[:MAX_REASON])
            return
        middle = len(events) // 2
        yield from self._sent(events[:middle])
        yield from self._sent(events[middle:])

    def _report(self, events: list[dict[str, Any]]) -> dict[str, Any]:
        """The service's answer, however long it is away."""
        attempt = 0
        while True:
            try:
                answer = self._client.report_events(events)
            except ServiceError as error:
                if error.status not in (0, *BUSY):
                    raise
                if attempt == 0:
                    self._say(f"The service is away; nothing is committed until it is back. {error}")
                if not self._wait(wait_s(attempt, None)):
                    raise
                attempt += 1
                continue
            if attempt:
                self._say("The service is back.")
            return answer


def _of_events(error: ServiceError) -> bool:
    """Whether a refusal is the service's own, of what a report holds."""
    kind = str(error.problem.get("type", ""))
    return error.status in OF_EVENTS and kind.startswith(OURS) and not kind.endswith(QUOTA)
