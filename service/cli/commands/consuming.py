"""`ihas events consume`: events from a topic of Kafka."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from ihas.harmless import harmless
from ihas_service.cli.commands.connection import HERE, Url, client_of
from ihas_service.cli.commands.events import events
from ihas_service.cli.terminal import CommandError, ExitCode, Output, Terminal

if TYPE_CHECKING:
    from ihas_service.consuming.consume import Consumed
    from ihas_service.consuming.messages import Refused


@events.command("consume")
def consume_events(
    context: typer.Context,
    topic: Annotated[str, typer.Argument(help="Topic of Kafka; each message is one event, as JSON.")],
    servers: Annotated[str | None, typer.Option(help="Servers of Kafka, HOST:PORT with commas between.")] = None,
    group: Annotated[str | None, typer.Option(help="Consumer group, whose offsets say where to go on; `ihas` by default.")] = None,
    config: Annotated[
        Path | None, typer.Option(help="Properties of librdkafka, for TLS and SASL: name=value lines.", exists=True, dir_okay=False)
    ] = None,
    dead_letter: Annotated[str | None, typer.Option("--dead-letter", help="Topic that takes messages that are no events.")] = None,
    batch: Annotated[int, typer.Option(help="Events of a report at most.", min=1, max=1_000)] = 1_000,
    wait: Annotated[float, typer.Option(help="Seconds after the first event of a report until it is sent.", min=0.0, max=60.0)] = 1.0,
    max_messages: Annotated[int | None, typer.Option(help="End after so many messages.", min=1)] = None,
    until_end: Annotated[bool, typer.Option("--until-end", help="End once each partition was read to its end.")] = False,
    url: Url = HERE,
) -> None:
    """Report events from Kafka until stopped. Offsets are committed once the service has the events; read again, nothing counts twice."""
    from ihas_service.consuming.consume import Consuming, Limits
    from ihas_service.consuming.dead_letters import DeadLetters
    from ihas_service.consuming.properties import read_properties
    from ihas_service.consuming.sender import Sender
    from ihas_service.consuming.stopping import stopping
    from ihas_service.consuming.topic import Topic

    if dead_letter == topic:
        raise typer.BadParameter("Dead letters must go to another topic than they come from.", param_hint="--dead-letter")
    terminal: Terminal = context.obj
    properties = read_properties(config)
    dead = None if dead_letter is None else DeadLetters(dead_letter, properties.producer(servers), properties.redacted)
    with (
        stopping() as stopped,
        client_of(url) as client,
        Topic(topic, properties.consumer(servers, group), terminal.say, properties.redacted) as source,
    ):
        sender = Sender(client, lambda seconds: source.wait(seconds, stopped), terminal.say)
        limits = Limits(batch, wait, max_messages, until_end)
        found = Consuming(source, sender, limits, stopped, lambda refused: _tell(terminal, refused), dead).run()
        ended = not stopped()
    terminal.result(found.document, _said(found))
    if ended and found.refused and dead is None:
        raise CommandError(
            f"{found.refused:,} messages were no events; they are told above, and --dead-letter keeps such.", ExitCode.INVALID_DATA
        )


def _tell(terminal: Terminal, refused: Refused) -> None:
    """A line on standard error."""
    if terminal.output is Output.JSON:
        terminal.err.print(harmless(json.dumps({"refused": refused.document}, ensure_ascii=False)), soft_wrap=True)
    else:
        terminal.err.print(Text(f"{refused.message.place} is no event: {' '.join(refused.reason.split())}"), soft_wrap=True)


def _said(found: Consumed) -> str:
    return f"{found.messages:,} messages read, {found.accepted:,} events accepted, {found.refused:,} refused, {found.batches:,} batches."
