"""Search of all known sources for collections and datasets, and the dialog that lists what is found."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Sequence
from contextlib import aclosing
from typing import ClassVar, NamedTuple

from textual import work
from textual.binding import Binding, BindingType

from ...auth import Kind, ProfilesFile
from ...concurrency import together
from ...errors import MLHubException
from ...metadata.places import regions
from ...models import Entry
from ...sources.base import Source
from ...sources.open_source import ServiceEnded, choose, is_hosted
from ...text import count, duration, one_line
from ..dialogs.base import ListScreen
from ..source_connection import SAMPLE, Connection, last_listing, open_connection
from ..source_connection import place as short_name
from ..widgets.line_view import PickLine
from ..widgets.profile_list import PROFILE
from .matching import PLACE, boxes_of, search_text, with_lines

SIDE_BY_SIDE = 4
"""Sources that are searched at a time."""
MOST_COLLECTIONS = {Kind.STATIC: 300}
"""Collections that are looked at of a source: of a static catalog each is a request. Of others `MOST`."""
MOST = 10_000
MOST_FOUND = 50
"""Matches of a source that are listed."""
_BATCH = 100


class KnownSource(NamedTuple):
    """A source to search.

    - `place`: What opens it: a profile, a URL or path, or the sample.
    - `name`: What it is called.
    """

    place: str
    name: str


class SourceMatches(NamedTuple):
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

    - `typed`: The words, all of which are to be found.
    - `connection`: What is in use: its source is not opened again.
    - `tell`: Called with what was found of a source, whenever that is more; a source that fails says why.
    """
    terms = typed.casefold().split()

    async def search(source: KnownSource) -> None:
        tell(source, SourceMatches(words="searching…"))
        matches = SourceMatches()
        try:
            async for matches in _search(source, terms, connection):
                tell(source, matches)
        except MLHubException as error:
            tell(source, SourceMatches(matches.found, f"! {error.full_message}", matches.kind))

    await together(search, sources, SIDE_BY_SIDE)


async def _search(
    known: KnownSource, terms: Sequence[str], in_use: Connection | None
) -> AsyncIterator[SourceMatches]:
    """Yield what is found in a source: of its last listing at once, then of the one it gives now."""
    own = in_use if in_use is not None and known.place == in_use.entry else None
    connection = own or await _opened(known.place)
    source = connection.source
    try:
        if (last := last_listing(connection)) is not None:
            entries, age = await asyncio.to_thread(last.load)
            if before := await asyncio.to_thread(_matching, entries, terms):
                words = f"as of {duration(age)} ago, searching…"
                yield SourceMatches(tuple(before[:MOST_FOUND]), words, source.kind)
        async for matches in _search_listing(source, terms):
            yield matches
    finally:
        if own is None:
            with contextlib.suppress(MLHubException):
                await source.aclose()


async def _opened(place: str) -> Connection:
    credentials = await asyncio.to_thread(choose, place)
    if is_hosted(credentials.root_url):
        raise ServiceEnded
    return await open_connection(credentials)


async def _search_listing(source: Source, terms: Sequence[str]) -> AsyncIterator[SourceMatches]:
    """Yield what is found in the collections, or datasets, that a source lists now, as they come."""
    kind, looked = source.kind, 0
    found, batch = list[Entry](), list[Entry]()
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
    first = "the first " if looked >= most else ""
    words = f"{len(found):,} of {first}{count(looked, 'dataset' if kind is Kind.MLHUB else 'collection')}"
    if len(found) > MOST_FOUND:
        words = f"{words}, {MOST_FOUND} listed"
    yield SourceMatches(tuple(found[:MOST_FOUND]), words, kind)


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


class FindScreen(ListScreen):
    """Asks, searches once Enter confirms the words, and opens the line under the cursor on the next Enter.

    - `recent`: What opens the sources that were used last.
    - `connection`: The source in use.
    - `arrive`: Called with the place of a source and what is to be gone to in it.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "stop, or close", show=False)]
    CSS = """
    FindScreen > .dialog { width: 100; max-width: 98%; padding: 0 1; }
    FindScreen PickList { height: 16; max-height: 16; }
    FindScreen.-short PickList { height: 7; max-height: 7; }
    FindScreen.-tall.-wide PickList { height: 24; max-height: 24; }
    """
    keys = "enter searches, then opens; esc stops, then closes"

    def __init__(
        self, recent: list[str], connection: Connection | None, arrive: Callable[[str, str], object]
    ) -> None:
        super().__init__("Find in all sources", (), " ", narrows=True)
        self.part.placeholder = "words of a title, an id, a keyword, a place or a year"
        self._recent, self._connection, self._arrive = recent, connection, arrive
        self._sources: list[KnownSource] = []
        self._matches: dict[KnownSource, SourceMatches] = {}
        self._searched = ""

    def on_mount(self) -> None:
        """Name the sources; nothing is sent to them yet."""
        self._read()

    @work(exclusive=True, group="sources")
    async def _read(self) -> None:
        try:
            self._sources = await asyncio.to_thread(known_sources, self._recent, self._connection)
        except MLHubException as error:
            self.say(f"! {error.full_message}", "bold $error")
            return
        names = ", ".join(source.name for source in self._sources)
        if names:
            self.say(f"Enter searches {count(len(self._sources), 'source')}: {one_line(names, 300)}")
        else:
            self.say("No source is known yet: o opens one, 3 lists public ones.")

    def narrow(self, words: str) -> None:
        """Leave the list as it is while other words are typed."""

    def explain(self) -> None:
        """Show which collection of which source the cursor is on."""
        current = self.picks.current
        if current is not None and current.key:
            source, entry = self._at(current.key)
            title = "" if entry.title == entry.id else f"{one_line(entry.title, 200)}\n"
            self.say(f"{title}{entry.kind} {one_line(entry.id, 200)} in {source.name}")

    def _at(self, key: str) -> tuple[KnownSource, Entry]:
        number, _, place = key.partition(":")
        source = self._sources[int(number)]
        return source, self._matches[source].found[int(place)]

    def submit(self) -> None:
        """Search for what is typed; where that was searched for, open the line under the cursor."""
        typed = " ".join(self.part.value.split())
        if typed and typed != self._searched:
            self._searched = typed
            self._matches = {source: SourceMatches(words="waiting…") for source in self._sources}
            self._list()
            self._search(typed)
        elif self.picks.current is not None and self.picks.current.key:
            self.choose(self.picks.current.key)

    def choose(self, key: str) -> None:
        """Open the source of a line at its collection."""
        source, entry = self._at(key)
        wanted = self._matches[source].wanted(entry)
        self.workers.cancel_group(self, "find")
        self.dismiss(None)
        self._arrive(source.place, wanted)

    @work(exclusive=True, group="find")
    async def _search(self, typed: str) -> None:
        await search_sources(self._sources, typed, self._connection, self._take)
        found = sum(len(matches.found) for matches in self._matches.values())
        if not found:
            self.say(f"Nothing in {count(len(self._sources), 'source')} matches. Other words, then enter.")

    def _take(self, source: KnownSource, matches: SourceMatches) -> None:
        self._matches[source] = matches
        if self.is_attached:
            self._list()

    def _list(self) -> None:
        """List what was found, source by source; those with matches first."""
        lines: list[PickLine] = []
        found = [(number, source, self._matches[source]) for number, source in enumerate(self._sources)]
        for number, source, matches in sorted(found, key=lambda one: not one[2].found):
            lines.append(PickLine(f"{source.name}: {one_line(matches.words, 160)}"))
            lines += [
                PickLine(
                    entry.id or entry.label,
                    "" if entry.title == entry.id else entry.title,
                    one_line(source.name, 24),
                    f"{number}:{place}",
                )
                for place, entry in enumerate(matches.found)
            ]
        self.picks.show(lines)
        self.explain()

    def action_cancel(self) -> None:
        """Stop the search, else close."""
        searches = any(one.group == "find" and not one.is_finished for one in self.workers)
        if searches and self._searched:  # else it was stopped, and is about to end
            self.workers.cancel_group(self, "find")
            for source, matches in self._matches.items():
                if matches.words.endswith("…"):
                    self._matches[source] = SourceMatches(matches.found, "stopped", matches.kind)
            self._searched = ""
            self._list()
        else:
            self.dismiss(None)
