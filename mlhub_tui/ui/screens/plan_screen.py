"""The plan of a download: which collections and asset keys, where and when."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from functools import partial
from importlib.util import find_spec
from typing import Any, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input, Label, Static

from ...errors import MLHubException
from ...models import BBox
from ...models.search import Span, parse_span
from ...planning.filters import Filters
from ...planning.index import Index
from ...planning.selection import notes
from ...text import count
from ..commands import FIELD, PLAN, bindings
from ..map.plan_pictures import PictureView, PlanCounter, SelectionCount
from ..search_criteria import Reading, read, read_area
from ..terminal.characters import content, line
from ..widgets.form import ChoiceField, PathField, TextField
from ..widgets.plan_tree import PlanSelection, PlanSubject, PlanTree, totals
from .place_screen import PlaceScreen

DEBOUNCE = 0.04
"""Seconds after the last key before the selection is counted."""
_EVERY = 0.5
"""Seconds between two words on how far the reading is."""
_NO, _YES = "boxes around items", "their exact outlines"

Open = Callable[[Callable[[str], None]], Coroutine[Any, Any, Index]]
"""Returns the index; is given what to tell how far it is."""
Queue = Callable[[SelectionCount], Coroutine[Any, Any, bool]]
"""Queues a selection; whether that went well."""


class PlanScreen(PlaceScreen):
    """What is selected of a dataset, counted as one types.

    - `opening`: Reads the catalog, or finds that it was read.
    - `where`: Where the files go, and what room there is, in words.
    - `catalog`: Whether the catalog alone can be downloaded.
    """

    place = PLAN
    mode = "browse"
    CSS = """
    PlanScreen #plan { height: 1fr; }
    PlanScreen #left { width: 1fr; height: 1fr; }
    PlanScreen .row { height: 1; padding: 0 1; background: $surface; }
    PlanScreen .row Label { width: 6; color: $muted; }
    PlanScreen .row Input { width: 1fr; }
    PlanScreen .row .said { width: auto; max-width: 60%; padding: 0 1; color: $muted; }
    PlanScreen #reading { height: 1fr; padding: 1 2; display: none; }
    PlanScreen.-reading #reading { display: block; }
    PlanScreen.-reading #tree { display: none; }
    PlanScreen #tree { height: 1fr; }
    PlanScreen #sum { height: 1; padding: 0 1; background: $surface; text-style: bold; }
    PlanScreen #remarks { height: auto; max-height: 3; padding: 0 1; color: $muted; }
    PlanScreen #where, PlanScreen #sum { text-wrap: nowrap; text-overflow: ellipsis; }
    PlanScreen #where { height: 1; padding: 0 1; color: $muted; }
    PlanScreen #pictures { display: none; width: 1fr; height: 1fr; }
    PlanScreen.-pictures #pictures { display: block; }
    PlanScreen.-pictures #tree { display: none; }
    PlanScreen.-pictures #plan { layout: vertical; }
    PlanScreen.-pictures #left { height: auto; }
    PlanScreen.-wide #plan { layout: horizontal; }
    PlanScreen.-wide #left { height: 1fr; }
    PlanScreen.-wide #tree { display: block; }
    PlanScreen.-short #remarks { max-height: 1; }
    PlanScreen.-wide #pictures { display: block; width: 48; border-left: vkey $line; }
    PlanScreen.-wide.-reading #tree, PlanScreen.-reading #pictures { display: none; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings(PLAN),
        *(one for one in bindings(FIELD) if getattr(one, "id", "") == "field.leave"),
    ]

    def __init__(
        self, subject: PlanSubject, opening: Open, queue: Queue, *, where: str = "", catalog: bool = True
    ) -> None:
        super().__init__()
        self._subject, self._opening, self._queue = subject, opening, queue
        self._where, self._catalog = where, catalog
        self._ticks = PlanSelection(())
        self._counting: PlanCounter | None = None
        self._counted: SelectionCount | None = None
        self._by_place = False
        self._when: Span | None = None
        self._words, self._failed = "", False
        self._gaps: list[str] = []
        self._fields = {
            "area": PathField(id="area", placeholder="west,south,east,north, GeoJSON or its file"),
            "time": TextField(id="time", placeholder="2018-04-25, 2018-04, 2018-04/2018-06, 2018/.."),
        }
        said = {f"said-{name}": Static(id=f"said-{name}", classes="said") for name in self._fields}
        self._texts = {**said, **{name: Static(id=name) for name in ("reading", "sum", "remarks")}}
        self._exact = ChoiceField([_NO, _YES], id="exact")
        self._tree, self._pictures = PlanTree(id="tree"), PictureView(id="pictures")

    def compose_body(self) -> ComposeResult:
        """Lay out the form, the tree, the sums and the pictures."""
        texts, where = self._texts, Static(line(self._where), id="where")
        exact = [_row("Match", self._exact)] if find_spec("shapely") is not None else []
        rows = [_row(name, one, texts[f"said-{name}"]) for name, one in self._fields.items()]
        below = (texts["reading"], self._tree, texts["sum"], texts["remarks"], where)
        left = Vertical(*rows, *exact, *below, id="left")
        yield Horizontal(left, self._pictures, id="plan")

    def begin(self) -> None:
        """Begin to read."""
        self._tree.focus()
        self.action_again()

    def unavailable(self) -> list[str]:
        """Return what is of no use yet, or here."""
        ready = self._counting is not None
        gone = [] if ready else ["plan.queue", "plan.tick", "plan.all", "plan.key"]
        gone += [] if self._failed else ["plan.again"]
        return [*gone, "plan.pictures"] if self.has_class("-wide") else gone

    # Reading

    @work(group="read", exclusive=True)
    async def action_again(self) -> None:
        """Load or build the index; documents read so far stay in it if that fails or is stopped."""
        self.set_class(True, "-reading")
        self._words, self._failed = "loading…", False
        self.refresh_hints()
        ticker = self.set_interval(_EVERY, self._show_reading)
        try:
            index = await self._opening(self._take_words)
        except MLHubException as error:
            words = f"! {error.full_message}\n\nr tries again, esc goes back"
            self._say("reading", content(words, "bold $error"))
            self._failed = True
            self.refresh_hints()
            return
        finally:
            ticker.stop()
        self._counting = PlanCounter(index)
        self._gaps = index.facts["notes"] if index.facts.get("incomplete") else []
        contents = await asyncio.to_thread(index.contents)
        if self.closing:
            return
        self.set_class(False, "-reading")
        self._ticks = PlanSelection(contents, self._subject.ticked)
        self._tree.fill(contents, self._ticks)
        self.refresh_hints()
        self._recount()

    def _take_words(self, words: str) -> None:
        self._words = words

    def _show_reading(self) -> None:
        words = f"{self._subject.title}\n\n{self._words}\n\nEsc stops; progress is saved"
        self._say("reading", content(words))

    # Counting

    @on(PictureView.Resized)
    def _resized(self) -> None:
        """Draw for another size, where the key for the pictures may be of no use any more."""
        if not self.closing:
            self.refresh_hints()
            self._recount()

    @on(Input.Changed)
    @on(ChoiceField.Changed)
    @on(PlanTree.Ticked)
    @work(group="count", exclusive=True)
    async def _recount(self) -> None:
        """Count what is selected, a moment after the last change; the keys do not wait for it."""
        self._counted = None
        await asyncio.sleep(DEBOUNCE)
        counted = await self._count()
        if counted is None or self._counting is None or self.closing:
            return
        pictures = self._pictures
        with contextlib.suppress(MLHubException):  # the count has said it
            pictures.show(await self._counting.draw(counted.filters, pictures.room))

    async def _count(self) -> SelectionCount | None:
        """Count the selection and show it; None, with a message shown, if it cannot be counted."""
        if self._counting is None or self.closing:
            return None
        try:
            filters = await self._filters()
            if filters is None or self.closing:
                return None
            counted = await self._counting.count(filters)
        except MLHubException as error:
            self._say("remarks", line(f"! {error.full_message}", "bold $error"))
            return None
        if not self.closing:
            self._counted = counted
            self._show(counted)
        return counted

    async def _filters(self) -> Filters | None:
        """Return the filters entered; None, with a message shown, if a field is invalid."""
        area = await self._read_field("area", read_area)
        dates = await self._read_field("time", partial(read, "datetime"))
        if area.bad or dates.bad:
            self._say("sum", content("the area or the time is not valid yet", "$warning"))
            return None
        self._by_place = area.value is not None
        self._when = parse_span(dates.value or "")
        return Filters(
            (("", frozenset()),) if self._ticks.none else self._ticks.wanted,
            area.value if isinstance(area.value, BBox) else None,
            area.value if isinstance(area.value, dict) else None,
            self._by_place and self._exact.value == _YES,
            self._when,
            self._ticks.none and self._catalog,
        )

    async def _read_field(self, name: str, read: Callable[[str], Reading]) -> Reading:
        """Read a field in a thread, as a file may be slow, and say how it was understood."""
        found = await asyncio.to_thread(read, self._fields[name].value)
        self._say(f"said-{name}", content("!", "bold $error") if found.bad else line(found.words))
        if found.bad:
            self._say("remarks", line(f"! {found.words}", "bold $error"))
        return found

    def _show(self, counted: SelectionCount) -> None:
        self._tree.show(counted.everything, counted.chosen)
        words, bad = self._sum(counted)
        self._say("sum", line(words, "$warning" if bad else ""))
        known = notes(counted.chosen, by_time=self._when is not None, by_place=self._by_place)
        self._say("remarks", line("; ".join((*self._gaps, *known)), "$warning" if self._gaps else ""))

    def _sum(self, counted: SelectionCount) -> tuple[str, bool]:
        """Return what is selected in words, and whether that is nothing."""
        if self._ticks.none:
            return ("only the catalog, no assets", False) if self._catalog else ("nothing is ticked", True)
        chosen = counted.chosen
        if chosen.empty:
            return "no files match, so nothing would be downloaded", True
        if chosen.no_items and counted.filters.selects_items:
            return f"{count(chosen.all.files, 'file')} of the collections themselves; no item matches", False
        return totals(chosen), False

    def _say(self, where: str, words: Content) -> None:
        self._texts[where].update(words)

    # Keys

    def commits(self, widget: Widget | None) -> bool:
        """Tell whether Enter on a widget commits it."""
        return isinstance(widget, Input)

    @on(Input.Submitted)
    def _entered(self) -> None:
        """Go to the next field: Enter in a field starts nothing."""
        self.focus_next()
        self.committed()

    @on(PlanTree.Chosen)
    @work(group="queue", exclusive=True)
    async def action_queue(self) -> None:
        """Queue what is selected, counted as it is typed now."""
        counted = self._counted or await self._count()
        if counted is None:
            return
        words, bad = self._sum(counted)
        if bad:
            self.notify(words, severity="warning")
        elif await self._queue(counted) and self.is_attached:
            self.dismiss()

    def action_tick(self) -> None:
        """Tick the line under the cursor, or untick it."""
        self._tree.action_tick()

    def action_all(self) -> None:
        """Tick everything, or nothing."""
        self._ticks.toggle_all()
        self._tree.refresh()
        self._recount()

    def action_key(self) -> None:
        """Tick the key under the cursor in all collections."""
        current = self._tree.current
        if current is not None and current.key is not None and not current.own:
            self._ticks.toggle_key(current.key)
            self._tree.refresh()
            self._recount()

    def action_type(self, name: str) -> None:
        """Go to a field, at once: what is typed ahead is meant for it."""
        self.set_focus(self._fields[name])

    def action_pictures(self) -> None:
        """Show the map and the histogram instead of the tree, or the tree again."""
        self.toggle_class("-pictures")
        self._recount()

    def action_leave(self) -> None:
        """Go from a field to the tree; from there, stop reading and leave."""
        tree = self._tree
        if isinstance(self.focused, Input) and not self.has_class("-reading"):
            self.set_focus(tree)
        else:
            self.dismiss()

    async def on_unmount(self) -> None:
        """Close the index."""
        if self._counting is not None:
            await self._counting.close()


def _row(name: str, *fields: Widget) -> Horizontal:
    return Horizontal(Label(Content(name.capitalize())), *fields, classes="row")
