"""The tree of a plan: collections with their asset keys, to be ticked, and what each comes to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.strip import Strip

from ...planning.index import CollectionFacts
from ...planning.selection import Amount, Counts
from ...text import one_line
from ..widgets.line_view import LineView
from .plan_selection import PlanSelection, sizes

_LONGEST = 200
_ITEMS, _FILES, _BYTES = 9, 10, 20
_NARROW = 72
_AROUND = 9  # lines of the screen that are not the tree's


@dataclass(frozen=True, slots=True)
class PlanLine:
    """A line: a collection, one of its keys, or (`own`) a key of the collection's own assets."""

    facts: CollectionFacts
    key: str | None = None
    own: bool = False


class PlanTree(LineView):
    """Collections and keys with boxes; what is ticked belongs to the owner.

    Parameters
    ----------
    contents
        What the index holds.
    ticks
        What is ticked.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "tick", "tick", show=False),
        Binding("l,right", "expand", "expand", show=False),
        Binding("h,left", "collapse", "collapse", show=False),
    ]
    DEFAULT_CSS = "PlanTree > .line--off { color: $muted; }"
    COMPONENT_CLASSES: ClassVar[set[str]] = {"line--off"}
    header = 1

    @dataclass
    class Ticked(Message):
        """A line was ticked or unticked by the user."""

        line: PlanLine

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._contents: Sequence[CollectionFacts] = ()
        self._ticks = PlanSelection(())
        self._open: set[str] = set()
        self.lines: list[PlanLine] = []
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

        Parameters
        ----------
        everything
            Counts of the area and time, whatever is ticked.
        chosen
            The same of what is ticked.
        """
        self._all, self._chosen = everything, chosen
        self.refresh()

    def _lay_out(self) -> None:
        self.lines = []
        for facts in self._contents:
            self.lines.append(PlanLine(facts))
            if facts.id in self._open:
                self.lines += [PlanLine(facts, key) for key in facts.keys]
                self.lines += [PlanLine(facts, key, own=True) for key in facts.own]
        self.count_changed()
        self.cursor_line = self.validate_cursor_line(self.cursor_line)
        self.refresh()

    @property
    def line_count(self) -> int:
        """How many lines there are."""
        return len(self.lines)

    @property
    def current(self) -> PlanLine | None:
        """The line under the cursor."""
        return self.lines[self.cursor_line] if self.cursor_line < len(self.lines) else None

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

    def draw_header(self, y: int, width: int) -> Strip:
        """Draw the names of the columns."""
        return Strip([Segment(_row("Collection", "items", "files", "bytes", width), self.look("header"))])

    def draw_line(self, number: int, width: int) -> Strip:
        """Draw a collection or a key."""
        line = self.lines[number]
        style = self.ground(number)
        if number == self.cursor_line:
            style += self.look("cursor")
        elif line.own or self._ticks.box(line.facts.id, line.key) == "[ ]":
            style += self.look("off")
        amount, items = self._amounts(line)
        files = f"{amount.files:,}" if amount is not None else "…"
        bytes_ = sizes(amount, short=True) if amount is not None else ""
        return Strip([Segment(_row(self._called(line), items, files, bytes_, width), style)])

    def _called(self, line: PlanLine) -> str:
        if line.own:
            return f"      {one_line(line.key, _LONGEST)} (its own, always)"
        box = self._ticks.box(line.facts.id, line.key)
        if line.key is not None:
            return f"    {box} {one_line(line.key, _LONGEST) or '(no name)'}"
        opened = "▾" if line.facts.id in self._open else "▸"
        return f"{opened} {box} {one_line(line.facts.id, _LONGEST) or '(no name)'}"

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


_MARKS = 6  # cells of the arrow and the box before a name; a key is further in


def _row(name: str, items: str, files: str, bytes_: str, width: int) -> str:
    """Return the cells of a line; where there is little room the items go, then the bytes are cut."""
    figures = f"{files:>{_FILES}}" + f"{bytes_:>{_BYTES}}"
    if width >= _NARROW:
        figures = f"{items:>{_ITEMS}}" + figures
    elif width < 48:
        figures = f"{files:>{_FILES}}"
    room = max(width - cell_len(figures) - 1, 1)
    if cell_len(name) > room:
        # What tells collections apart is at the end of their ids; the first cells are the box.
        marks = max(name.find("] ", 0, _MARKS + 3) + 2, _MARKS)
        cut = max(room - marks - 1, 0)
        end = name[-cut:] if cut else ""
        while cell_len(end) > cut:
            end = end[1:]
        name = f"{name[:marks]}…{end}"
    return set_cell_size(name, room) + figures + " "
