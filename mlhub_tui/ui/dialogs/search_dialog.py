"""Dialogs of searches: the form, with collections and a box to choose, and the name to save one under."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from time import monotonic
from typing import Any, ClassVar

from textual import on, work
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.widget import Widget
from textual.widgets import Input, Static

from ...auth import Kind
from ...errors import MLHubException
from ...models import BBox, Collection, Entry, EntryKind, JsonDict, Search
from ...sources.base import Source
from ...text import count, one_line
from ..catalog.loader import Documents
from ..catalog.nodes import identity
from ..map.footprint_map import CONTEXT, FootprintMap
from ..search_criteria import ROWS, Reading, box_text, quoted, read, read_file, why_not, written
from ..terminal.characters import content, line
from ..widgets.form import FormRow, ListField, PathField, TextButton, TextField
from ..widgets.line_view import PickLine
from .base import FormDialog, FramedDialog, ListScreen, choose

LISTED_EVERY = 0.3
"""Seconds between two drawings of a list that still grows."""
FILE_DELAY = 0.15
"""Seconds after the last key before a file is looked at."""


class SearchForm(FormDialog[Search | str | None]):
    """Asks; dismissed with a search, or `saved` to choose a saved one.

    - `documents`: Those of the source, for the extent of a collection.
    - `before`: What stands in the fields at first.
    - `names`: What collections are called in the form, where that is not what the source knows them by.
    """

    CSS = """
    SearchForm > .dialog { width: 90; padding: 0 1; }
    SearchForm VerticalScroll { height: auto; max-height: 100%; scrollbar-size-vertical: 1; }
    SearchForm .note { margin-left: 14; height: auto; }
    SearchForm #foot { margin-top: 1; height: 1; }
    SearchForm.-short #foot { margin-top: 0; }
    SearchForm #said { width: 1fr; height: 1; color: $muted; }
    """
    AUTO_FOCUS = "#text"
    heading, keys = "Search", "enter next field, ctrl+s searches, esc cancels"

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
        self._previous = self._before.intersects
        self._offered: frozenset[str] | None = None
        typed = written(self._before)
        shown = {identity: name for name, identity in self._names.items()}
        typed["collections"] = ", ".join(one_line(shown.get(c, c)) for c in self._before.collections)
        kinds = {"collections": ListField, "ids": ListField, "intersects": PathField}
        self._fields: dict[str, TextField] = {
            name: kinds.get(name, TextField)(typed.get(name, ""), placeholder=row.example, id=name)
            for name, row in ((row.name, row) for row in ROWS)
        }
        self._notes = {one.name: Static(classes="note") for one in ROWS}
        self._names_button, self._said = TextButton("names", id="names"), Static(id="said")
        buttons: dict[str, list[Widget]] = {
            "collections": [TextButton("list", id="list")],
            "bbox": [TextButton("extent", id="extent"), TextButton("map", id="map")],
            "filter": [self._names_button],
        }
        lines: list[Widget] = []
        for one in ROWS:
            row = FormRow(one.label, self._fields[one.name], *buttons.get(one.name, []), id=f"row-{one.name}")
            lines += [row, self._notes[one.name]]
            self._notes[one.name].display = False
        saved, search = TextButton("saved searches", id="saved"), TextButton("search", id="submit")
        foot = Horizontal(self._said, saved, search, id="foot")
        self.rows = (VerticalScroll(*lines, foot, id="lines", can_focus=False),)

    def on_mount(self) -> None:
        """Read what stands there; learn what the source can be asked for."""
        for one in ROWS:
            self._read(one.name)
        self._learn()

    @work(group="about")
    async def _learn(self) -> None:
        """Disable what the source cannot be asked for, and say why; until it answers all is open."""
        self._say("requesting what the source can be searched by…")
        try:
            about = await self._source.about()
        except MLHubException as error:
            self._say(f"! {error.full_message}", bad=True)
            return
        self._offered = about.search
        self._say("")
        for one in ROWS:
            field = self._fields[one.name]
            if field.disabled is (one.name in about.search):
                if field.has_focus:
                    self.focus_next()
                field.disabled = one.name not in about.search
            self._show_note(one.name)
        self._names_button.disabled = "filter" not in about.search

    # Reading

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
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
            kind = one_line(self._previous.get("type"), 30) if self._previous else ""
            words = f"a {kind} from before; a file takes its place" if self._previous else ""
            self._take("intersects", Reading(self._previous, words))
            return
        self._take("intersects", Reading(words="looking at the file…", bad=True))
        await asyncio.sleep(FILE_DELAY)
        self._take("intersects", await asyncio.to_thread(read_file, typed))

    def _take(self, name: str, reading: Reading) -> None:
        self._readings[name] = reading
        self._show_note(name)
        if name in ("bbox", "intersects"):
            self._show_note("intersects" if name == "bbox" else "bbox")

    def _typed(self, name: str) -> str:
        return self._fields[name].value

    def _value(self, name: str) -> Any:
        return self._readings.get(name, Reading()).value

    @property
    def _collection(self) -> str | None:
        """The collection that is named; None where that is not one alone."""
        named: tuple[str, ...] = self._value("collections") or ()
        return named[0] if len(named) == 1 else None

    def _fault(self, name: str) -> str:
        """Return what is wrong with a field; empty where nothing is."""
        reading = self._readings.get(name, Reading())
        if reading.bad:
            return reading.words
        if name not in (self._offered or {name}):
            return why_not(name, self._source.kind) if reading.value else ""
        if name == "intersects" and reading.value and self._value("bbox"):
            return "a box or a file, not both: empty one of them"
        if name == "collections" and not reading.value and self._source.kind is Kind.MLHUB:
            return "this API is searched in its collections: name one or more"
        return ""

    def _show_note(self, name: str) -> None:
        fault, missing = self._fault(name), self._offered is not None and name not in self._offered
        about = why_not(name, self._source.kind) if missing else self._readings.get(name, Reading()).words
        words = content(f"! {fault}", "$warning") if fault else content(about, "$muted")
        note = self._notes[name]
        note.update(words)
        note.display = bool(words)

    def _say(self, words: str, *, bad: bool = False) -> None:
        self._said.update(line(words, "bold $error" if bad else "$muted"))

    # Acting

    @property
    def _typed_names(self) -> tuple[str, ...]:
        """The collections as they are typed."""
        return tuple(part.strip() for part in self._typed("collections").split(",") if part.strip())

    def _take_names(self, names: Sequence[str], known: Mapping[str, str]) -> None:
        """Take collections from the list; `known` has what the source knows them by, by name."""
        self._names |= known
        self._fields["collections"].value = ", ".join(names)

    @on(TextButton.Pressed)
    def _pressed(self, message: TextButton.Pressed) -> None:
        match message.button.id:
            case "extent":
                self._take_extent()
            case "map":
                self._choose_box()
            case "list":
                self.app.push_screen(CollectionsScreen(self._source, self._typed_names, self._take_names))
            case "names":
                self._offer_names()
            case "saved":
                self.dismiss("saved")

    def action_submit(self) -> None:
        """Close with the search, unless something is wrong: then go there."""
        # Keys that came in one go: the news of the last change may still be on its way.
        if self.focused is not None and self.focused.id in self._fields and self.focused.id != "intersects":
            self._read(self.focused.id)
        for one in ROWS:
            if self._fault(one.name):
                self._fields[one.name].focus()
                self._say(f"! look at {one.label}", bad=True)
                return
        given = {name: reading.value for name, reading in self._readings.items() if reading.value is not None}
        self.dismiss(Search(**given))

    @work(group="extent", exclusive=True)
    async def _take_extent(self) -> None:
        """Fill in the box of the collections that are named."""
        if (wanted := self._collection) is None:
            self._say("! name one collection to take its extent", bad=True)
            return
        self._say("looking up the extent…")
        box = await self._extent_of(wanted)
        self._say("" if box is not None else "! this collection does not say where it is", bad=box is None)
        if box is not None:
            self._fields["bbox"].value = box_text(box)
            self._fields["bbox"].focus()

    @work(group="extent", exclusive=True)
    async def _choose_box(self) -> None:
        """Let the box be chosen on a map, beginning with the one that is typed."""
        extent = await self._extent_of(self._collection) if self._collection is not None else None
        shown = [extent] if extent is not None else []
        box = await self.app.push_screen_wait(BoxScreen(self._value("bbox"), shown))
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
        self._say("requesting what a filter may name…")
        try:
            schema = await self._source.queryables(self._collection)
        except MLHubException as error:
            self._say(f"! {error.full_message}", bad=True)
            return
        self._say("")
        names = names_of(schema)
        name = await choose(self.app, f"Properties: {count(len(names), 'name')}", names, narrows=True)
        field = self._fields["filter"]
        field.focus()
        if name is not None:
            field.insert_text_at_cursor(quoted(name))


_MOST_WORDS = 8  # values of a property that are named


def names_of(schema: JsonDict) -> list[PickLine]:
    """Return the properties of a JSON schema; names that hold what cannot be typed are left out."""
    properties = schema.get("properties")
    lines: list[PickLine] = []
    for name, about in properties.items() if isinstance(properties, dict) else ():
        if not isinstance(name, str) or not name or one_line(name) != name:
            continue
        own = about if isinstance(about, dict) else {}
        lines.append(PickLine(name, _words(name, own), _kind(own), name))
    return lines


def _words(name: str, schema: JsonDict) -> str:
    title, values = one_line(schema.get("title"), 60), schema.get("enum")
    several = [one_line(value, 20) for value in values[:_MOST_WORDS]] if isinstance(values, list) else []
    bounds = [one_line(schema.get(end), 12) for end in ("minimum", "maximum") if schema.get(end) is not None]
    range_ = " to ".join(bounds) if len(bounds) == 2 else ""
    parts = ("" if title == name else title, ", ".join(several), range_)
    return "  ".join(filter(None, parts))


def _kind(schema: JsonDict) -> str:
    kind = schema.get("format") or schema.get("type")
    return one_line("/".join(map(str, kind)) if isinstance(kind, list) else kind, 20)


class CollectionsScreen(ListScreen):
    """Lists the collections of a source as they come; Enter selects one, and the form behind has it at once.

    - `chosen`: The names of those that are selected at first.
    - `take`: Called with the names of those that are selected, and with what the source knows them by.
    """

    keys = "type to narrow, enter selects, esc closes"
    CSS = """
    CollectionsScreen > .dialog { width: 92; padding: 0 1; }
    CollectionsScreen PickList { height: 16; }
    CollectionsScreen.-short PickList { height: 7; }
    """

    def __init__(
        self, source: Source, chosen: Sequence[str], take: Callable[[Sequence[str], Mapping[str, str]], None]
    ) -> None:
        box = {True: "[x]", False: "[ ]"}
        super().__init__("Collections", narrows=True, tick=lambda key: box[key in self._chosen])
        self._source, self._chosen, self._take = source, [*chosen], take
        self._known: dict[str, str] = {}

    def on_mount(self) -> None:
        """Begin to list them."""
        super().on_mount()
        self._load()

    @work(group="collections", exclusive=True)
    async def _load(self) -> None:
        state = "loading…"
        self.frame.border_title = line("Collections: loading…")
        shown = 0.0
        try:
            async for collection in self._source.walk_collections():
                entry = Entry.of(collection)
                name = one_line(entry.label).replace(",", " ")
                self._known[name] = identity(entry, self._source.kind)
                self.offered.append(PickLine(name, "" if entry.title == name else entry.title, key=name))
                if (now := monotonic()) - shown > LISTED_EVERY:
                    shown = now
                    self._refresh(state)
                    await asyncio.sleep(0)
        except MLHubException as error:
            state = f"not all: {error.full_message}"
            self._refresh(state)
        else:
            self._refresh("")

    def _refresh(self, state: str) -> None:
        words = ", ".join(filter(None, (count(len(self.offered), "collection"), state)))
        self.frame.border_title = line(words, limit=70)
        self.narrow(self.part.value)

    def choose(self, key: str) -> None:
        """Select a collection, or unselect it."""
        if key in self._chosen:
            self._chosen.remove(key)
        else:
            self._chosen.append(key)
        self.picks.refresh()
        self._take(self._chosen, {name: self._known[name] for name in self._chosen if name in self._known})


class BoxScreen(FramedDialog[BBox | None]):
    """Asks for a box; Esc on the map takes none.

    - `start`: The box to begin with; without one the map is moved first, and `b` begins one where it is.
    - `extents`: What to show on the map.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", "cancel", show=False)]
    CSS = "BoxScreen > .dialog { width: 96%; height: 94%; padding: 0; }"
    heading, keys = "Choose a box", "b begins, arrows, + -, enter takes, esc cancels"

    def __init__(self, start: BBox | None = None, extents: Sequence[BBox] = ()) -> None:
        super().__init__()
        self._start, self._extents = start, tuple(extents)
        self._chart = FootprintMap(least=CONTEXT)
        self.rows = (self._chart,)

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
        self.dismiss(message.box)


LONGEST = 60
"""Characters of a name."""


class SaveScreen(FormDialog[str | None]):
    """Asks; dismissed with the name.

    - `name`: What stands in the field at first.
    - `taken`: Names that there are; saving under one replaces it.
    - `found`: How many items the search finds; None where that is not known.
    """

    heading, keys = "Save search", "enter saves, esc cancels"
    is_prompt: ClassVar[bool] = True

    def __init__(self, name: str, taken: frozenset[str], found: int | None) -> None:
        super().__init__()
        self._taken = taken
        self._field = TextField(one_line(name), placeholder="a name for it", id="name")
        words = count(found, "item") if found is not None else "not known yet"
        self.rows = (Static(content(f"Found: {words}", "$muted")), FormRow("Name", self._field))

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        taken = one_line(event.value) in self._taken
        self.warn("a search of this name is replaced" if taken else "", "$warning")

    def action_submit(self) -> None:
        """Close with the name."""
        if name := one_line(self._field.value, LONGEST):
            self.dismiss(name)
        else:
            self.warn("! type a name")
