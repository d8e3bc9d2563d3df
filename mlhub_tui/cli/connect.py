"""From what the command line says to an open source: credentials, the sample catalog, one event loop."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

import click

from ..auth import Credentials, resolve, resolve_or_anonymous
from .documents import Writer
from .options import Choice
from .remarks import say_of_source

if TYPE_CHECKING:
    from ..sources.base import Source

T = TypeVar("T")


@contextmanager
def credentials(choice: Choice, *, key_needed: bool) -> Iterator[Credentials]:
    """Give the credentials of a command; the sample catalog runs inside where it is the one chosen.

    Parameters
    ----------
    key_needed
        Whether the API answers only with a key: items and archives; its listings need none.

    Raises
    ------
    APIKeyNotFound
        If a key is needed and there is none, or a profile is named that does not exist.
    """
    if choice.sample:
        from ..sample.server import SampleServer

        with SampleServer() as server:
            origin = "the sample catalog"
            yield Credentials(server.key, server.root_url, None, origin, origin)
        return
    yield chosen(choice, key_needed=key_needed)


def chosen(choice: Choice, *, key_needed: bool = False) -> Credentials:
    """Return the credentials of a command that is not about the sample catalog, with their kind.

    Raises
    ------
    MLHubException
        As `credentials`; and where the source has to be looked at and is none.
    """
    if choice.source is None:
        find = resolve if key_needed else resolve_or_anonymous
        found = find(api_key=choice.api_key, profile=choice.profile, root_url=choice.root_url)
        if choice.profile and found.key_origin == "MLHUB_API_KEY":
            where = f"--profile {choice.profile}"
            click.echo(f"note: the key of MLHUB_API_KEY overrides that of {where}", err=True)
        return found
    from ..sources.source_names import choose

    found = choose(choice.source, api_key=choice.api_key)
    if found.kind is None:
        import asyncio

        from ..sources.probe import with_kind

        found = asyncio.run(with_kind(found))
    return found


def run(choice: Choice, work: Callable[[Source, Writer], Awaitable[T]], *, key_needed: bool = False) -> T:
    """Open the source that was chosen, do the work with it, close it and return the result.

    Parameters
    ----------
    work
        Takes the source, and a writer of JSON that keeps its secret to itself.
    """
    import asyncio

    with credentials(choice, key_needed=key_needed) as found:
        return asyncio.run(_with_source(found, work))


def show_waits(source: Source) -> None:
    """Wait where a server asks for it, and say so on stderr."""
    if (session := getattr(source, "session", None)) is not None:
        session.on_wait = lambda words: click.echo(f"note: {words}", err=True)


async def _with_source(found: Credentials, work: Callable[[Source, Writer], Awaitable[T]]) -> T:
    from ..sources.open_source import open_source

    source = open_source(found)
    show_waits(source)
    try:
        return await work(source, Writer(found.secret, found.auth))
    finally:
        say_of_source(source)
        await source.aclose()
