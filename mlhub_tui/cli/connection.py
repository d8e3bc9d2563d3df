"""The connection that the command line chooses, and the open source that it leads to."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import click

from .printing import META, Writer, given, news, note

if TYPE_CHECKING:
    from pathlib import Path

    from ..auth import Credentials
    from ..config import Loaded
    from ..sources.base import Source

T = TypeVar("T")
OPTIONS = ("source", "profile", "api_key", "root_url", "sample")


@dataclass(frozen=True, slots=True)
class Choice:
    """The connection options of the command line; nothing is resolved yet."""

    profile: str | None = None
    api_key: str | None = field(default=None, repr=False)
    root_url: str | None = None
    sample: bool = False
    source: str | None = None

    @classmethod
    def made(cls) -> Choice:
        """Return the options given so far, on the group or on its command.

        Raises
        ------
        click.UsageError
            If the sample catalog, or a source, is asked for together with another connection.
        """
        chosen = {name: value for name in OPTIONS if (value := given(name)) is not None}
        others = [f"--{name.replace('_', '-')}" for name in chosen if name != "sample"]
        if chosen.get("sample") and others:
            raise click.UsageError(f"--sample has its own root URL and key; leave out {', '.join(others)}")
        doubled = [option for option in others if option in ("--profile", "--root-url")]
        if "source" in chosen and doubled:
            raise click.UsageError(f"--source says which one; leave out {', '.join(doubled)}")
        return cls(**chosen)

    def credentials(self, *, key_needed: bool = False) -> Credentials:
        """Return the credentials of what was chosen, without the kind of a source that has to be looked at.

        Nothing is requested; of the sample catalog, use `credentials` below.

        Raises
        ------
        APIKeyNotFound
            If a key is needed and there is none, or a profile or source is named that does not exist.
        """
        from ..auth import resolve, resolve_or_anonymous

        if self.source is None:
            find = resolve if key_needed else resolve_or_anonymous
            return find(api_key=self.api_key, profile=self.profile, root_url=self.root_url)
        from ..sources.source_names import choose

        return choose(self.source, api_key=self.api_key)


def settings() -> Loaded:
    """Return the settings, read once for a command line."""
    from ..config import load

    meta: dict[str, Any] = click.get_current_context().meta
    if META + "settings" not in meta:
        meta[META + "settings"] = load()
    loaded: Loaded = meta[META + "settings"]
    return loaded


def output_place() -> Path | str:
    """Return the output folder or URL that was chosen, else that of the settings, else the current folder."""
    from pathlib import Path  # not for a help page

    chosen: Path | str | None = given("output_dir")
    return chosen or settings().config.download_folder or Path.cwd()


def output_dir() -> Path:
    """Return the absolute output folder; click.UsageError if a URL was chosen."""
    chosen = output_place()
    if isinstance(chosen, str):
        raise click.UsageError(f"--output-dir {chosen}: URLs are for `download dataset --engine dask`")
    return chosen


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
        import asyncio

        from ..sources.probe import with_kind

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
    from ..auth import Credentials
    from ..sample.server import SampleServer

    with SampleServer() as server:
        origin = "the sample catalog"
        yield Credentials(server.key, server.root_url, None, origin, origin)


@asynccontextmanager
async def opened(found: Credentials) -> AsyncIterator[Source]:
    """Give the open source of credentials; waits that its server asks for are noted."""
    from ..sources.open_source import open_source

    source = open_source(found)
    if (session := getattr(source, "session", None)) is not None:
        session.on_wait = news
    try:
        yield source
    finally:
        await source.aclose()


def run(choice: Choice, work: Callable[[Source, Writer], Awaitable[T]], *, key_needed: bool = False) -> T:
    """Open the source that was chosen, do the work with it, close it and return the result.

    `work` takes the source, and a writer of JSON that keeps its secret to itself. What the source could not
    read is noted at the end.
    """
    import asyncio

    async def with_source(found: Credentials) -> T:
        async with opened(found) as source:
            try:
                return await work(source, Writer(found.secret, found.auth))
            finally:
                for line in getattr(source, "troubles", ()):  # not every kind of source has such
                    note(line)

    with credentials(choice, key_needed=key_needed) as found:
        return asyncio.run(with_source(found))
