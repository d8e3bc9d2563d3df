"""Find in all sources: asks for words, and lists what every known source has of them as the answers come."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import ClassVar

from textual import work
from textual.binding import Binding, BindingType

from ...errors import MLHubException
from ...models import Entry
from ...text import count, one_line
from ..dialogs.questions import ListScreen
from ..document_cache import why
from ..source_connection import Connection
from ..widgets.pick_list import PickLine
from .source_search import KnownSource, SourceMatches, known_sources, search_sources


class FindScreen(ListScreen):
    """Asks, searches once Enter confirms the words, and opens the line under the cursor on the next Enter.

    Parameters
    ----------
    recent
        What opens the sources that were used last.
    connection
        The source in use.
    arrive
        Called with the place of a source and what is to be gone to in it.
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
        self, recent: list[str], connection: Connection | None, arrive: Callable[[str, str], None]
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
            self.say(f"! {why(error)}", "bold $error")
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
        self._matches = {source: SourceMatches(words="waiting…") for source in self._sources}
        self._list()
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
        numbers = sorted(range(len(self._sources)), key=lambda n: not self._matches[self._sources[n]].found)
        for number in numbers:
            source = self._sources[number]
            matches = self._matches[source]
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
