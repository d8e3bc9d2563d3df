"""What a plan downloads: the tree of collections and asset keys to tick, and what they come to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.style import Style
from textual.binding import Binding, BindingType
from textual.message import Message

from ...planning.index import CollectionFacts
from ...planning.selection import Amount, Counts
from ...text import count, one_line, size
from .line_view import Column, TableView


@dataclass(frozen=True, slots=True)
class PlanSubject:
    """What a plan is of.

    - `id`: The id of the dataset, or what the collections are called together.
    - `title`: What people know it as.
    - `collections`: The ids of its collections.
    - `ticked`: Those that are ticked at first; none: all.
    - `licence`, `citation`: Where they are stated.
    """

    id: str
    title: str
    collections: tuple[str, ...]
    ticked: tuple[str, ...] = ()
    licence: str = ""
    citation: str = ""


def reading_words(words: str, done: int, total: int | None) -> str:
    """Return how far the reading of a catalog is, as `plan_dataset` tells it."""
    if not done:
        return f"{words}…"
    return f"{words}: {size(done)}" + (f" of {size(total)}, {done * 100 // total} %" if total else "")


Wanted = tuple[tuple[str, frozenset[str]], ...]
"""As `Filters.collections`."""


class PlanSelection:
    """Collections and asset keys that are ticked; at first all of them.

    - `contents`: What an index holds.
    - `only`: Ids of the collections that are ticked at first; none: all.
    """

    def __init__(self, contents: Sequence[CollectionFacts], only: Iterable[str] = ()) -> None:
        self._keys = {facts.id: facts.keys for facts in contents}
        first = [name for name in only if name in self._keys]
        self._on = {name: set(self._keys[name]) for name in first or self._keys}

    @property
    def none(self) -> bool:
        """Whether nothing is ticked at all."""
        return not self._on

    @property
    def wanted(self) -> Wanted:
        """The value for `Filters.collections`; of no meaning where nothing is ticked."""
        if all(map(self._whole, self._keys)):
            return ()
        on = {name: self._on[name] for name in self._keys if name in self._on}
        return tuple((n, frozenset() if self._whole(n) else frozenset(keys)) for n, keys in on.items())

    def box(self, collection: str, key: str | None = None) -> str:
        """Return the box of a collection, or of one of its keys: ticked, not, or in part."""
        if key in self._on.get(collection, ()) or (key is None and self._whole(collection)):
            return "[x]"
        return "[-]" if key is None and collection in self._on else "[ ]"

    def toggle(self, collection: str, key: str | None = None) -> None:
        """Tick a collection with all its keys, or one key; or untick it."""
        if key is not None:
            self._set(collection, self._on.get(collection, set()) ^ {key})
        elif self._whole(collection):
            del self._on[collection]
        else:
            self._on[collection] = set(self._keys[collection])

    def toggle_key(self, key: str) -> None:
        """Tick a key in all collections that have it, or untick it where it is ticked in all."""
        having = [name for name, keys in self._keys.items() if key in keys]
        whole = all(key in self._on.get(name, ()) for name in having)
        for name in having:
            ticked = self._on.get(name, set())
            self._set(name, ticked - {key} if whole else ticked | {key})

    def toggle_all(self) -> None:
        """Tick everything, or nothing where everything is ticked."""
        whole = all(map(self._whole, self._keys))
        self._on = {} if whole else {name: set(keys) for name, keys in self._keys.items()}

    def _set(self, collection: str, keys: set[str]) -> None:
        self._on[collection] = keys
        if not keys:
            del self._on[collection]

    def _whole(self, collection: str) -> bool:
        return collection in self._on and len(self._on[collection]) == len(self._keys[collection])


def sizes(amount: Amount, *, short: bool = False) -> str:
    """Return the bytes of an amount: what is known, and of how many files it is not."""
    if not amount.files:
        return ""
    if amount.bytes is not None:
        return size(amount.bytes)
    if amount.unknown == amount.files:
        return "size ?" if short else "of unknown size"
    rest = f"{amount.unknown:,} ?" if short else f"{amount.unknown:,} of unknown size"
    return f"{size(amount.known)} + {rest}"


def totals(counts: Counts) -> str:
    """Return what a selection comes to, on one line."""
    items = sum(entry.all for entry in counts.items.values())
    parts = [count(counts.all.files, "file"), sizes(counts.all), f"{count(items, 'item')}"]
    return " · ".join(filter(None, parts))


_LONGEST = 200
_AROUND = 9  # lines of the screen that are not the tree's


@dataclass(frozen=True, slots=True)
class PlanLine:
    """A line: a collection, one of its keys, or (`own`) a key of the collection's own assets."""

    facts: CollectionFacts
    key: str | None = None
    own: bool = False


class PlanTree(TableView[PlanLine]):
    """Collections and keys with boxes; what is ticked belongs to the owner.

    - `contents`: What the index holds.
    - `ticks`: What is ticked.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "tick", "tick", show=False),
        Binding("l,right", "expand", "expand", show=False),
        Binding("h,left", "collapse", "collapse", show=False),
    ]
    DEFAULT_CSS = "PlanTree > .line--off { color: $muted; }"
    COMPONENT_CLASSES: ClassVar[set[str]] = {"line--off"}
    mark_cells = 5
    narrowest = 20
    all_columns = (
        Column("name", "Collection", middle=True, apart=True),
        Column("files", "files", least=8, to_right=True),
        Column("bytes", "bytes", least=8, to_right=True),
        Column("items", "items", least=5, to_right=True),
    )

    @dataclass
    class Ticked(Message):
        """A line was ticked or unticked by the user."""

        line: PlanLine

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._contents: Sequence[CollectionFacts] = ()
        self._ticks = PlanSelection(())
        self._open: set[str] = set()
        self._all: Counts | None = None
        self._chosen: Counts | None = None

    def fill(self, contents: Sequence[CollectionFacts], ticks: PlanSelection) -> None:
        """Show the contents of an index; few collections are opened at once."""
        self._contents, self._ticks = contents, ticks
        room = max(self.screen.size.height - _AROUND, 4)
        if sum(1 + len(facts.keys) + len(facts.own) for facts in contents) <= room or len(contents) == 1:
            self._open = {facts.id for facts in contents}
        self._lay_out()

    def show(self, everything: Counts, chosen: Counts) -> None:
        """Show what collections and keys come to.

        - `everything`: Counts of the area and time, whatever is ticked.
        - `chosen`: The same of what is ticked.
        """
        self._all, self._chosen = everything, chosen
        self.measure(range(len(self.lines)))
        self.refresh()

    def _lay_out(self) -> None:
        lines: list[PlanLine] = []
        for facts in self._contents:
            lines.append(PlanLine(facts))
            if facts.id in self._open:
                lines += [PlanLine(facts, key) for key in facts.keys]
                lines += [PlanLine(facts, key, own=True) for key in facts.own]
        self.lines = lines
        self.measure(range(len(self.lines)))
        self.count_changed()
        self.cursor_line = self.validate_cursor_line(self.cursor_line)
        self.refresh()

    # Keys

    def action_tick(self) -> None:
        """Tick the line under the cursor, or untick it."""
        line = self.current
        if line is None or line.own:
            return
        self._ticks.toggle(line.facts.id, line.key)
        self.refresh()
        self.post_message(self.Ticked(line))

    def action_expand(self) -> None:
        """Show the keys of the collection, or go to the first of them."""
        line = self.current
        if line is None or line.key is not None:
            return
        if line.facts.id in self._open:
            self.cursor_line += 1
        else:
            self._open.add(line.facts.id)
            self._lay_out()

    def action_collapse(self) -> None:
        """Hide the keys of the collection; from a key, go to its collection."""
        line = self.current
        if line is None:
            return
        if line.key is not None:
            self.cursor_line = next(n for n, one in enumerate(self.lines) if one.facts is line.facts)
        elif line.facts.id in self._open:
            self._open.discard(line.facts.id)
            self._lay_out()

    async def clicked(self, x: int) -> None:
        """Tick what the mouse points at."""
        self.action_tick()

    # Drawing

    def mark(self, number: int) -> str:
        """Return arrow and box of a collection."""
        facts, key = self.lines[number].facts, self.lines[number].key
        return f"{'▾' if facts.id in self._open else '▸'} {self._ticks.box(facts.id)}" if key is None else ""

    def cells(self, number: int) -> Sequence[str]:
        """Return the texts of a line: its name, and what it comes to."""
        line = self.lines[number]
        name = one_line(line.facts.id if line.key is None else line.key, _LONGEST) or "(no name)"
        if line.own:
            name = f"    {name} (its own, always)"
        elif line.key is not None:
            name = f"{self._ticks.box(line.facts.id, line.key)} {name}"
        amount, items = self._amounts(line)
        if amount is None:
            return name, "…", "", items
        return name, f"{amount.files:,}", sizes(amount, short=True), items

    def line_style(self, number: int) -> Style:
        """Return the style of a line: what is not ticked stands back."""
        line, base = self.lines[number], super().line_style(number)
        off = line.own or self._ticks.box(line.facts.id, line.key) == "[ ]"
        return base + self.look("off") if off and number != self.cursor_line else base

    def _amounts(self, line: PlanLine) -> tuple[Amount | None, str]:
        """Return what a line comes to, and the number of items of a collection."""
        if self._all is None or self._chosen is None:
            return None, f"{line.facts.items:,}" if line.key is None else ""
        name = line.facts.id
        if line.key is not None:
            return self._all.keys.get((name, line.key), Amount()), ""
        items = self._all.items.get(name)
        ticked = self._chosen.collections if self._ticks.box(name) != "[ ]" else {}
        amount = ticked.get(name) or self._all.collections.get(name, Amount())
        return amount, f"{items.all:,}" if items is not None else "0"
