"""The credentials and the open source that the connection of a command leads to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, TypeVar

from ..auth import Credentials
from ..sources.base import Source
from ..sources.open_source import open_source
from .connection import Choice
from .printing import note

if TYPE_CHECKING:
    from .json_writer import Writer

T = TypeVar("T")


def chosen(choice: Choice, *, key_needed: bool = False) -> Credentials:
    """Return the credentials of a command that is not about the sample catalog, with their kind.

    Raises
    ------
    MLHubException
        As `Choice.credentials`; and where the source has to be looked at and is none.
    """
    found = choice.credentials(key_needed=key_needed)
    if choice.profile and choice.source is None and found.key_origin == "MLHUB_API_KEY":
        note(f"the key of MLHUB_API_KEY overrides that of --profile {choice.profile}")
    if found.kind is None:
        from ..sources.probe import with_kind  # reads archives too

        found = asyncio.run(with_kind(found))
    return found


@contextmanager
def credentials(choice: Choice, *, key_needed: bool) -> Iterator[Credentials]:
    """Give the credentials of a command; the sample catalog runs inside where it is the one chosen.

    `key_needed` is whether the API answers only with a key: items and archives; its listings need none.
    Raises as `chosen`.
    """
    if not choice.sample:
        yield chosen(choice, key_needed=key_needed)
        return
    from ..sample.server import SampleServer  # a web server that few commands need

    with SampleServer() as server:
        origin = "the sample catalog"
        yield Credentials(server.key, server.root_url, None, origin, origin)


@asynccontextmanager
async def opened(found: Credentials) -> AsyncIterator[Source]:
    """Give the open source of credentials; waits that its server asks for are noted."""
    source = open_source(found)
    if (session := getattr(source, "session", None)) is not None:
        session.on_wait = note
    try:
        yield source
    finally:
        await source.aclose()


def run(choice: Choice, work: Callable[[Source, Writer], Awaitable[T]], *, key_needed: bool = False) -> T:
    """Open the source that was chosen, do the work with it, close it and return the result.

    `work` takes the source, and a writer of JSON that keeps its secret to itself. What the source could not
    read is noted at the end.
    """
    from .json_writer import Writer  # downloads print no documents

    async def with_source(found: Credentials) -> T:
        async with opened(found) as source:
            try:
                return await work(source, Writer(found.secret, found.auth))
            finally:
                for line in getattr(source, "troubles", ()):  # not every kind of source has such
                    note(line)

    with credentials(choice, key_needed=key_needed) as found:
        return asyncio.run(with_source(found))
