"""The form of a search: what the items of a collection, or of a whole source, are to have in common."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Input, Label, Static

from ...auth import Kind
from ...errors import InvalidSearch, MLHubException
from ...models import BBox, Collection, Entry, EntryKind, JsonDict, Search
from ...models.area import read_geometry
from ...sources.base import Source
from ...text import count, one_line
from ..document_cache import Documents, why
from ..map.footprint_map import FootprintMap
from ..search_criteria import ROWS, Reading, box_text, quoted, read, why_not, written
from ..terminal.characters import content, line
from ..terminal.dispatch import Dialog
from ..widgets.form import PathField, TextButton, TextField
from ..widgets.pick_list import PickLine, PickList

FILE_DELAY = 0.15
"""Seconds after the last key before a file is looked at."""


class SearchForm(Dialog[Search | str | None]):
    """Asks; Enter searches, Esc does not. Dismissed with a search, or `saved` to choose a saved one.

    Parameters
    ----------
    source
        Where to search.
    documents
        Its documents, for the extent of a collection.
    before
        What stands in the fields at first.
    names
        What collections are called in the form, where that is not what the source knows them by.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "cancel", show=False),
        Binding("down", "app.focus_next", "next", show=False),
        Binding("up", "app.focus_previous", "previous", show=False),
    ]
    CSS = """
    SearchForm > .dialog { width: 90; padding: 0 1; }
    SearchForm VerticalScroll { height: auto; max-height: 100%; scrollbar-size-vertical: 1; }
    SearchForm .note { margin-left: 14; height: auto; display: none; }
    SearchForm .note.-said { display: block; }
    SearchForm #foot { margin-top: 1; height: 1; }
    SearchForm.-short #foot { margin-top: 0; }
    SearchForm #said { width: 1fr; height: 1; color: $muted; }
    """
    AUTO_FOCUS = "#text"

    def __init__(
        self,
        source: Source,
        documents: Documents,
        before: Search | None = None,
        names: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__()
        self._source, self._documents = source, documents
        self._before = before or Search()
        self._names = dict(names or {})
        self._readings: dict[str, Reading] = {}
        self._kept = self._before.intersects
        self._offered: frozenset[str] | None = None
        typed = written(self._before)
        shown = {identity: name for name, identity in self._names.items()}
        typed["collections"] = ", ".join(one_line(shown.get(c, c)) for c in self._before.collections)
        self._fields = {
            row.name: (PathField if row.name == "intersects" else TextField)(
                typed.get(row.name, ""), placeholder=row.example, id=row.name
            )
            for row in ROWS
        }
        self._notes = {row.name: Static(id=f"note-{row.name}", classes="note") for row in ROWS}
        self._names_press, self._said = TextButton("names", id="names"), Static(id="said")

    def compose(self) -> ComposeResult:
        """Lay out the fields."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = line("Search")
            dialog.border_subtitle = line("enter searches, tab moves, esc cancels")
            with VerticalScroll(can_focus=False):
                for row in ROWS:
                    with Horizontal(classes="row"):
                        yield Label(Content(row.label), classes="name")
                        yield self._fields[row.name]
                        if row.name == "bbox":
                            yield TextButton("extent", id="extent")
                            yield TextButton("map", id="map")
                        if row.name == "filter":
                            yield self._names_press
                    yield self._notes[row.name]
                with Horizontal(id="foot"):
                    yield self._said
                    yield TextButton("saved searches", id="saved")
                    yield TextButton("search", id="search")

    def on_mount(self) -> None:
        """Read what stands there; learn what the source can be asked for."""
        for row in ROWS:
            self._read(row.name)
        self._learn()

    @work(group="about")
    async def _learn(self) -> None:
        """Disable what the source cannot be asked for, and say why; until it answers all is open."""
        self._say("asking the source what it can be searched by…")
        try:
            about = await self._source.about()
        except MLHubException as error:
            self._say(f"! {why(error)}", bad=True)
            return
        self._offered = about.search
        self._say("")
        for row in ROWS:
            field = self._fields[row.name]
            if field.disabled is (row.name in about.search):
                if field.has_focus:
                    self.focus_next()
                field.disabled = row.name not in about.search
            self._show_note(row.name)
        self._names_press.disabled = "filter" not in about.search

    # Reading

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        event.stop()
        if event.input.id is not None:
            self._read(event.input.id)

    def _read(self, name: str) -> None:
        if name == "intersects":
            self._read_file()
            return
        typed = self._typed(name)
        reading = read(name, typed)
        if name == "collections" and reading.value:
            found = tuple(self._names.get(part, part) for part in reading.value)
            reading = replace(reading, value=found)
        self._take(name, reading)

    @work(group="file", exclusive=True)
    async def _read_file(self) -> None:
        """Read the file that was typed, once the keys rest: a disk far away takes its time."""
        typed = self._typed("intersects").strip()
        if not typed:
            kept = self._kept
            words = f"a {one_line(kept.get('type'), 30)} from before; a file takes its place" if kept else ""
            self._take("intersects", Reading(kept, words))
            return
        self._take("intersects", Reading(words="looking at the file…", bad=True))
        await asyncio.sleep(FILE_DELAY)
        self._take("intersects", await asyncio.to_thread(_geometry, typed))

    def _take(self, name: str, reading: Reading) -> None:
        self._readings[name] = reading
        self._show_note(name)
        if name in ("bbox", "intersects"):
            self._show_note("intersects" if name == "bbox" else "bbox")

    def _typed(self, name: str) -> str:
        return self._fields[name].value

    def _fault(self, name: str) -> str:
        """Return what is wrong with a field; empty where nothing is."""
        reading = self._readings.get(name, Reading())
        if reading.bad:
            return reading.words
        if name not in (self._offered or {name}):
            return why_not(name, self._source.kind) if reading.value else ""
        other = self._readings.get("bbox", Reading())
        if name == "intersects" and reading.value and other.value:
            return "a box or a file, not both: empty one of them"
        if name == "collections" and not reading.value and self._source.kind is Kind.MLHUB:
            return "this API is searched in its collections: name one or more"
        return ""

    def _show_note(self, name: str) -> None:
        note, fault, reading = self._notes[name], self._fault(name), self._readings.get(name, Reading())
        missing = self._offered is not None and name not in self._offered
        if fault:
            note.update(content(f"! {fault}", "$warning"))
        else:
            words = why_not(name, self._source.kind) if missing else reading.words
            note.update(content(words, "$muted"))
        note.set_class(bool(fault or missing or reading.words), "-said")

    def _say(self, words: str, *, bad: bool = False) -> None:
        self._said.update(line(words, "bold $error" if bad else "$muted"))

    # Acting

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        # Keys that came in one go: the news of the last change may still be on its way.
        if event.input.id not in (None, "intersects"):
            self._read(str(event.input.id))
        self.action_search()

    @on(TextButton.Pressed)
    def _pressed(self, message: TextButton.Pressed) -> None:
        message.stop()
        match message.press.id:
            case "extent":
                self._take_extent()
            case "map":
                self._choose_box()
            case "names":
                self._offer_names()
            case "saved":
                self.dismiss("saved")
            case _:
                self.action_search()

    def action_search(self) -> None:
        """Close with the search, unless something is wrong: then go there."""
        for row in ROWS:
            if self._fault(row.name):
                self._fields[row.name].focus()
                self._say(f"! look at {row.label}", bad=True)
                return
        given: dict[str, Any] = {
            name: reading.value for name, reading in self._readings.items() if reading.value is not None
        }
        self.dismiss(Search(**given))

    @work(group="extent", exclusive=True)
    async def _take_extent(self) -> None:
        """Fill in the box of the collections that are named."""
        wanted: tuple[str, ...] = self._readings.get("collections", Reading()).value or ()
        if len(wanted) != 1:
            self._say("! name one collection to take its extent", bad=True)
            return
        self._say("looking up the extent…")
        box = await self._extent_of(wanted[0])
        if box is None:
            self._say("! this collection does not say where it is", bad=True)
            return
        self._say("")
        self._fields["bbox"].value = box_text(box)
        self._fields["bbox"].focus()

    @work(group="extent", exclusive=True)
    async def _choose_box(self) -> None:
        """Let the box be chosen on a map, beginning with the one that is typed."""
        wanted: tuple[str, ...] = self._readings.get("collections", Reading()).value or ()
        extent = await self._extent_of(wanted[0]) if len(wanted) == 1 else None
        start = self._readings.get("bbox", Reading()).value
        box = await self.app.push_screen_wait(BoxScreen(start, [extent] if extent is not None else []))
        if box is not None:
            self._fields["bbox"].value = box_text(box)
        self._fields["bbox"].focus()

    async def _extent_of(self, identity: str) -> BBox | None:
        static = self._source.kind is Kind.STATIC and "://" in identity
        entry = Entry(EntryKind.COLLECTION, "" if static else identity, url=identity if static else "")
        document = self._documents.of(entry) or await self._documents.load(entry)
        boxes = document.extent.bboxes if isinstance(document, Collection) else ()
        return boxes[0] if boxes else None

    @work(group="names", exclusive=True)
    async def _offer_names(self) -> None:
        """Offer the properties that a filter may name, and write the chosen one where the cursor is."""
        wanted: tuple[str, ...] = self._readings.get("collections", Reading()).value or ()
        self._say("asking what a filter may name…")
        try:
            schema = await self._source.queryables(wanted[0] if len(wanted) == 1 else None)
        except MLHubException as error:
            self._say(f"! {why(error)}", bad=True)
            return
        self._say("")
        name = await self.app.push_screen_wait(NamesScreen(names_of(schema)))
        field = self._fields["filter"]
        field.focus()
        if name is not None:
            field.insert_text_at_cursor(quoted(name))


def _geometry(typed: str) -> Reading:
    """Return the geometry of a file; runs in a thread."""
    try:
        path = Path(typed).expanduser()
    except RuntimeError:
        path = Path(typed)
    try:
        geometry = read_geometry(path)
    except InvalidSearch as error:
        return Reading(words=f"{error.message}: {error.hint}" if error.hint else error.message, bad=True)
    return Reading(geometry, f"a {geometry['type']}")


_MOST_WORDS = 8  # values of a property that are named


class NamesScreen(Dialog[str | None]):
    """Asks; what is typed narrows the list, Enter chooses, Esc does not.

    Parameters
    ----------
    names
        The lines, whose keys are the names.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "cancel", show=False),
        Binding("down", "step(1)", "down", show=False, priority=True),
        Binding("up", "step(-1)", "up", show=False, priority=True),
    ]
    CSS = """
    NamesScreen > .dialog { width: 84; padding: 0 1; }
    NamesScreen PickList { height: auto; min-height: 3; max-height: 16; }
    NamesScreen.-short PickList { max-height: 8; }
    """
    AUTO_FOCUS = "TextField"

    def __init__(self, names: Sequence[PickLine]) -> None:
        super().__init__()
        self._names = names
        self._picks = PickList()

    def compose(self) -> ComposeResult:
        """Lay out the list below its filter."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = line(f"Properties: {count(len(self._names), 'name')}")
            dialog.border_subtitle = line("type to narrow, enter chooses, esc cancels")
            yield TextField(placeholder="part of a name", id="part")
            yield self._picks

    def on_mount(self) -> None:
        """Show all."""
        self._picks.show(self._names)

    @on(Input.Changed)
    def _narrow(self, event: Input.Changed) -> None:
        event.stop()
        terms = event.value.casefold().split()
        hits = [one for one in self._names if all(t in f"{one.name} {one.words}".casefold() for t in terms)]
        self._picks.show(hits)

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self._choose()

    @on(PickList.Picked)
    def _picked(self, message: PickList.Picked) -> None:
        message.stop()
        self._choose()

    def _choose(self) -> None:
        current = self._picks.current
        if current is not None:
            self.dismiss(current.key)

    def action_step(self, step: int) -> None:
        """Move the cursor while the field keeps the keys."""
        self._picks.cursor_line += step


def names_of(schema: JsonDict) -> list[PickLine]:
    """Return the properties of a JSON schema; names that hold what cannot be typed are left out."""
    properties = schema.get("properties")
    lines: list[PickLine] = []
    for name, about in properties.items() if isinstance(properties, dict) else ():
        if not isinstance(name, str) or not name or one_line(name) != name:
            continue
        told = about if isinstance(about, dict) else {}
        lines.append(PickLine(name, _words(name, told), _kind(told), name))
    return lines


def _words(name: str, told: JsonDict) -> str:
    title = one_line(told.get("title"), 60)
    values = told.get("enum")
    several = (
        ", ".join(one_line(value, 20) for value in values[:_MOST_WORDS]) if isinstance(values, list) else ""
    )
    least, most = told.get("minimum"), told.get("maximum")
    bounds = (
        f"{one_line(least, 12)} to {one_line(most, 12)}" if least is not None and most is not None else ""
    )
    return "  ".join(filter(None, ("" if title == name else title, several, bounds)))


def _kind(told: JsonDict) -> str:
    kind = told.get("format") or told.get("type")
    return one_line("/".join(map(str, kind)) if isinstance(kind, list) else kind, 20)


class BoxScreen(Dialog[BBox | None]):
    """Asks for a box; Esc on the map takes none.

    Parameters
    ----------
    start
        The box to begin with; without one the map is moved first, and `b` begins one where it is.
    extents
        What to show on the map.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", "cancel", show=False)]
    CSS = "BoxScreen > .dialog { width: 96%; height: 94%; padding: 0; }"

    def __init__(self, start: BBox | None = None, extents: Sequence[BBox] = ()) -> None:
        super().__init__()
        self._start, self._extents = start, tuple(extents)
        self._chart = FootprintMap()

    def compose(self) -> ComposeResult:
        """Lay out the map."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = line("Choose a box")
            dialog.border_subtitle = line("b begins, arrows, + -, enter takes, esc cancels")
            yield self._chart

    def on_mount(self) -> None:
        """Show the box to begin with."""
        chart = self._chart
        chart.note = "b starts a box here"
        chart.show(self._extents or ([self._start] if self._start is not None else []))
        if self._start is not None:
            chart.choose_box(self._start)
        chart.focus()

    @on(FootprintMap.BoxChosen)
    def _chosen(self, message: FootprintMap.BoxChosen) -> None:
        message.stop()
        self.dismiss(message.box)
