"""The connection that the command line chooses, and the open source that it leads to."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import click

from .. import auth, config, planning, sample, sources  # their modules are loaded when they are used
from .printing import META, given, news, note

if TYPE_CHECKING:
    from pathlib import Path

    from ..auth import Credentials
    from ..sources.base import Source

P = ParamSpec("P")
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

        Raises click.UsageError if the sample catalog, or a source, is asked for together with another
        connection.
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

        Raises APIKeyNotFound if a key is needed and there is none, or a profile or source is named that does
        not exist.
        """
        if self.source is not None:
            return sources.open_source.choose(self.source, api_key=self.api_key)
        return auth.resolve(
            api_key=self.api_key, profile=self.profile, root_url=self.root_url, anonymous=not key_needed
        )


def run_async(work: Callable[P, Coroutine[Any, Any, T]], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a coroutine function to its end and return its result."""
    import asyncio  # no help page needs it

    return asyncio.run(work(*args, **kwargs))


def settings() -> config.Loaded:
    """Return the settings, read once for a command line."""
    meta: dict[str, Any] = click.get_current_context().meta
    if META + "settings" not in meta:
        meta[META + "settings"] = config.load()
    loaded: config.Loaded = meta[META + "settings"]
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

    Raises MLHubException as `Choice.credentials`; and where the source has to be looked at and is none.
    """
    found = choice.credentials(key_needed=key_needed)
    if choice.profile and choice.source is None and found.key_origin == "MLHUB_API_KEY":
        note(f"the key of MLHUB_API_KEY overrides that of --profile {choice.profile}")
    return run_async(sources.probe.with_kind, found) if found.kind is None else found


@contextmanager
def credentials(choice: Choice, *, key_needed: bool) -> Iterator[Credentials]:
    """Give the credentials of a command; the sample catalog runs inside where it is the one chosen.

    `key_needed` is whether the API answers only with a key: items and archives; its listings need none.
    Raises as `chosen`.
    """
    if not choice.sample:
        yield chosen(choice, key_needed=key_needed)
        return
    with sample.server.SampleServer() as server:
        origin = "the sample catalog"
        yield auth.Credentials(server.key, server.root_url, None, origin, origin)


@asynccontextmanager
async def opened(found: Credentials) -> AsyncIterator[Source]:
    """Give the open source of credentials; print waits that its server asks for, and what it cannot read."""
    source = sources.open_source.open_source(found)
    source.session.on_wait = news
    try:
        yield source
    finally:
        for line in source.troubles:
            note(line)
        await source.aclose()


def run(
    work: Callable[[Source, Credentials], Awaitable[T]],
    *,
    choice: Choice | None = None,
    key_needed: bool = False,
) -> T:
    """Open the source that was chosen, do the work with it, close it and return the result."""

    async def with_source(found: Credentials) -> T:
        async with opened(found) as source:
            return await work(source, found)

    with credentials(choice or Choice.made(), key_needed=key_needed) as found:
        return run_async(with_source, found)


def request_source(found: Credentials) -> str:
    """Return the source of a request for the queue; the sample has a name, as its port changes."""
    return planning.requests.SAMPLE if Choice.made().sample else found.root_url
