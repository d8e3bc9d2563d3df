"""The branches of a source as an outline, with a filter over all that is loaded of them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Container, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual import work
from textual.message import Message

from .nodes import GroupNode
from .outline import OutlineRow
from .outline_view import OutlineView

if TYPE_CHECKING:
    from ..find.lens import MatchHighlighter
    from .branches import CatalogTreeModel, NodeRow
    from .entries import Node
    from .sift import TreeFilter

    NodeView = OutlineView[Node]
else:
    NodeView = OutlineView

AT_ONCE = 0.008
"""Seconds that a filter may take before the keys come first."""


class FilteredTree(NodeView):
    """An outline of branches; where there is much to look at, the filter looks between the keys.

    Until the first source is there it shows a line that says so: branches know models and sources, whose
    import the first paint does not wait for.
    """

    @dataclass
    class Filtered(Message):
        """The filter was applied to all that is loaded."""

        found: int

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(GroupNode("root", ""), id=id)
        waiting: NodeRow = OutlineRow(GroupNode("datasets", "Datasets", "loading…"), foldable=True)
        waiting.is_open = True
        self.outline.put(self.outline.root, [waiting])
        self._branches: CatalogTreeModel | None = None
        self.filter = ""
        self.order = ""
        """In which order the entries stand, by its name in `ORDERS`."""
        self._sift: TreeFilter | None = None
        self.is_looking = False
        """Whether the filter is still looking between the keys."""
        self._arranged = False
        self._to_first = False

    @property
    def started(self) -> bool:
        """Whether there is a source."""
        return self._branches is not None

    @property
    def branches(self) -> CatalogTreeModel:
        """The branches of the source in use."""
        if self._branches is None:
            from .branches import CatalogTreeModel

            self._branches = CatalogTreeModel(self.outline, self.want, self.row_changed)
        return self._branches

    def want(self, row: NodeRow) -> None:
        """Ask for the next page below a row."""

    def found_in(self, row: NodeRow) -> str:
        """Return what the filter looked at of a row that matches; empty for any other."""
        return self._sift.matched.get(row, "") if self._sift is not None else ""

    @property
    def lens(self) -> MatchHighlighter:
        """What labels are looked at with."""
        from ..find.lens import NOTHING

        return self._sift.lens if self._sift is not None else NOTHING

    @property
    def found_words(self) -> str:
        """What was found among what: `2 of 45 datasets`, `3 found, filtering the 200 loaded of 2,365`."""
        if self._sift is None:
            return ""
        branches, near = self.branches, " near" if self._sift.only_near and self._sift.matched else ""
        if branches.by_dataset:
            return f"{self._sift.count(branches.groups[0])}{near} of {branches.top.standing.loaded} datasets"
        return f"{len(self._sift.matched):,}{near or ' found'}, filtering {branches.scope}"

    def forget_filter(self) -> None:
        """Filter nothing from now on."""
        self.workers.cancel_group(self, "filter")
        self.filter, self._sift, self.is_looking = "", None, False
        if self._branches is not None:
            self._branches.found.clear()

    def apply_filter(self, words: str, *, to_first: bool = True) -> None:
        """Show what matches some words among all that is loaded; without words, everything.

        Parameters
        ----------
        words
            What is searched for.
        to_first
            Whether the cursor goes to the first match.
        """
        self.workers.cancel_group(self, "filter")
        self.filter, self._to_first, self.is_looking = words.strip(), to_first, False
        if not self.started:
            return
        if not self.filter:
            self._show(None)
            return
        from .sift import TreeFilter  # with the models, which the first paint does not wait for

        sift = TreeFilter(self.branches, self.filter)
        # Of this program alone: others that keep the machine busy are no reason to answer later still.
        steps, began = sift.steps(), time.thread_time()
        for _ in steps:
            if time.thread_time() - began > AT_ONCE:
                self.is_looking = True
                self._go_on(sift, steps)
                return
        self._show(sift)

    @work(group="filter", exclusive=True)
    async def _go_on(self, sift: TreeFilter, steps: Iterator[None]) -> None:
        """Look on between the keys."""
        for _ in steps:
            await asyncio.sleep(0)
        self._show(sift)

    def _show(self, sift: TreeFilter | None) -> None:
        """Show what was found, or everything; the cursor stays on what it was on, else on what is above."""
        self.is_looking = False
        lineage = list(self.cursor_row.lineage()) if self.cursor_row is not None else []
        from ..find.order import arrange
        from .sift import show_all

        before = self._sift.opened if self._sift is not None else set()
        kept: set[NodeRow] = set()
        if sift is None:
            # What the filter opened above the cursor stays open when the filter goes.
            kept = before.intersection(lineage[1:])
            for row in kept:
                self.branches.unfolding(row)
        if self._sift is not None or self._arranged:
            show_all(self.branches, before, kept)
        if sift is not None:
            sift.apply()
        self._sift, self._arranged = sift, bool(self.order)
        arrange(self.branches, self.order)
        self._tell()
        self.outline.lay_out()
        next((row for row in lineage if self.move_to(row)), None)
        if sift is not None and self._to_first:
            self.first_match()
        self.post_message(self.Filtered(len(sift.matched) if sift is not None else 0))

    def _tell(self) -> None:
        """Say in the groups' lines what was found in each."""
        self.branches.found.clear()
        for row in self.branches.groups:
            listing = self.branches.grown.get(row)
            if self._sift is not None and listing is not None:
                among = f"{listing.standing.loaded:,}{'' if listing.standing.complete else ' loaded'}"
                near = " near" if self._sift.only_near and self._sift.matched else ""
                self.branches.found[row] = f"{self._sift.count(row):,}{near} of {among}  /{self.filter}"
            self.branches.tell(row)

    def sort(self, order: str) -> None:
        """Show the entries of every listing in another order, see `ORDERS`; the cursor stays on its entry."""
        from ..find.order import ORDERS

        self.order = self.branches.order = order if order in ORDERS else ""
        if self.filter:
            self.apply_filter(self.filter, to_first=False)
        else:
            self._show(None)

    def arrange_again(self) -> None:
        """Filter and sort what there is now."""
        if self.filter or self.order:
            self.sort(self.order)

    def first_match(self) -> None:
        """Put the cursor on what matches the filter best; of several the first."""
        if self._sift is not None:
            self._match_from(-1, 1, self._sift.best or self._sift.matched)
            if self.cursor_line < self.size.height:
                self.scroll_to(y=0, animate=False, immediate=True)

    def next_match(self, step: int) -> None:
        """Go to the next (1) or previous (-1) match of the filter, around the end."""
        self._match_from(self.cursor_line, step)

    def _match_from(self, line: int, step: int, among: Container[NodeRow] | None = None) -> None:
        matched = self._sift.matched if self._sift is not None else {}
        rows, wanted = self.outline.rows, among if among is not None else matched
        for distance in range(1, len(rows) + 1) if matched else ():
            number = (line + step * distance) % len(rows)
            if rows[number] in wanted:
                self.cursor_line = number
                return
