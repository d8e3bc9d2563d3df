"""Search of all known sources for collections and datasets by title, id, keyword, place or year."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from ...auth import Kind, ProfilesFile
from ...errors import MLHubException
from ...metadata.places import regions
from ...models import Entry
from ...sources.base import Source
from ...sources.source_names import choose
from ...sources.well_known import ServiceEnded, is_hosted
from ...text import count, duration, one_line
from ..document_cache import why
from ..profile_rows import PROFILE
from ..source_connection import SAMPLE, Connection, last_listing, open_connection
from ..source_connection import place as short_name
from .matching import PLACE, boxes_of, search_text, with_lines

SIDE_BY_SIDE = 4
"""Sources that are searched at a time."""
MOST_COLLECTIONS = {Kind.STATIC: 300}
"""Collections that are looked at of a source: of a static catalog each is a request. Of others `MOST`."""
MOST = 10_000
MOST_FOUND = 50
"""Matches of a source that are listed."""
_BATCH = 100


@dataclass(frozen=True, slots=True)
class KnownSource:
    """A source to search.

    Parameters
    ----------
    place
        What opens it: a profile, a URL or path, or the sample.
    name
        What it is called.
    """

    place: str
    name: str


@dataclass(frozen=True, slots=True)
class SourceMatches:
    """What was found in a source so far, and in words how far it is or why it failed."""

    found: tuple[Entry, ...] = ()
    words: str = ""
    kind: Kind | None = None

    def wanted(self, entry: Entry) -> str:
        """Return what leads to an entry in its source: its URL in a static catalog, its id elsewhere."""
        return entry.url if self.kind is Kind.STATIC else entry.id


def known_sources(recent: Iterable[str], connection: Connection | None) -> list[KnownSource]:
    """Return the source in use, the profiles, and the sources that were used last; reads the profiles file.

    The sample is among them only where it is in use. Two names of one place are one source.
    """
    names = ProfilesFile.load().names()
    here = [KnownSource(connection.entry, connection.name)] if connection is not None else []
    saved = [KnownSource(name, one_line(name, 60)) for name in names]
    used = [
        KnownSource(one, one_line(short_name(one), 60))
        for one in recent
        if one != SAMPLE and ("/" in one or "\\" in one) and f"{PROFILE}{one}" not in names
    ]
    by_place = {source.place: source for source in reversed([*here, *saved, *used])}
    return [*reversed(by_place.values())]


async def search_sources(
    sources: Sequence[KnownSource],
    typed: str,
    connection: Connection | None,
    tell: Callable[[KnownSource, SourceMatches], None],
) -> None:
    """Search sources, a few at a time.

    Parameters
    ----------
    typed
        The words, all of which are to be found.
    connection
        What is in use: its source is not opened again.
    tell
        Called with what was found of a source, whenever that is more; a source that fails says why.
    """
    turns = asyncio.Semaphore(SIDE_BY_SIDE)
    terms = typed.casefold().split()

    async def search(source: KnownSource) -> None:
        async with turns:
            tell(source, SourceMatches(words="searching…"))
            matches = SourceMatches()
            try:
                async for matches in _search(source, terms, connection):
                    tell(source, matches)
            except MLHubException as error:
                tell(source, SourceMatches(matches.found, f"! {why(error)}", matches.kind))

    async with asyncio.TaskGroup() as group:
        for source in sources:
            group.create_task(search(source))


async def _search(
    known: KnownSource, terms: Sequence[str], in_use: Connection | None
) -> AsyncIterator[SourceMatches]:
    """Yield what is found in a source: of its last listing at once, then of the one it gives now."""
    own = in_use is not None and known.place == in_use.entry
    if own and in_use is not None:
        connection = in_use
    else:
        credentials = await asyncio.to_thread(choose, known.place)
        if is_hosted(credentials.root_url):
            raise ServiceEnded
        connection = await open_connection(credentials)
    source, kind = connection.source, connection.source.kind
    try:
        if (last := last_listing(connection)) is not None:
            entries, age = await asyncio.to_thread(last.load)
            before = await asyncio.to_thread(_matching, entries, terms)
            if before:
                yield SourceMatches(
                    tuple(before[:MOST_FOUND]), f"as of {duration(age)} ago, searching…", kind
                )
        found: list[Entry] = []
        looked, batch = 0, list[Entry]()
        most = MOST_COLLECTIONS.get(kind, MOST)
        async with aclosing(_entries(source)) as listing:
            async for entry in listing:
                looked += 1
                batch.append(entry)
                if len(batch) >= _BATCH:
                    found += await asyncio.to_thread(_matching, batch, terms)
                    batch = []
                    yield SourceMatches(tuple(found[:MOST_FOUND]), f"{looked:,} searched…", kind)
                if looked >= most:
                    break
        found += await asyncio.to_thread(_matching, batch, terms)
        noun = "dataset" if kind is Kind.MLHUB else "collection"
        words = f"{len(found):,} of {count(looked, noun)}"
        if looked >= most:
            words = f"{len(found):,} of the first {count(looked, noun)}"
        if len(found) > MOST_FOUND:
            words = f"{words}, {MOST_FOUND} listed"
        yield SourceMatches(tuple(found[:MOST_FOUND]), words, kind)
    finally:
        if not own:
            with contextlib.suppress(MLHubException):
                await source.aclose()


async def _entries(source: Source) -> AsyncGenerator[Entry, None]:
    if source.kind is Kind.MLHUB:
        for dataset in await source.datasets():
            yield Entry.of(dataset)
    else:
        async for collection in source.walk_collections():
            yield Entry.of(collection)


def _matching(entries: Sequence[Entry], terms: Sequence[str]) -> list[Entry]:
    """Return the entries that match; places are looked up, which takes a millisecond, where names do not."""
    found = []
    for entry in entries:
        text = search_text(entry)
        if not all(term in text for term in terms) and (boxes := boxes_of(entry)):
            text, _ = with_lines(text, "", [f"{PLACE}{name}" for name in regions(boxes)])
        if all(term in text for term in terms):
            found.append(entry)
    return found
