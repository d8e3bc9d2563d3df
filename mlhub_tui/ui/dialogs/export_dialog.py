"""Export of items or a document: the dialog before it, and the writing of the file."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.widgets import Static

from ... import planning, sources
from ...errors import MLHubException
from ...fileio import expanded, make_folder
from ...models import Document, Item
from ...sources.base import without_id
from ...text import count, file_name, one_line, size
from ..actions.item_supplier import ItemSupplier, supplies_of
from ..terminal.characters import content
from ..widgets.form import ChoiceField, FormRow, ListField, PathField
from ..widgets.line_view import PickLine, PickList
from .base import FormDialog, ProgressScreen, confirm

if TYPE_CHECKING:
    from ...sources.base import Source
    from ...sources.export import Exporter, Written
    from ..catalog.loader import Documents
    from ..catalog.nodes import TreeEntry
    from ..context import AppContext

FORMS = {
    "GeoJSON": (".geojson", "one feature collection of the items, hrefs absolute"),
    "CSV": (".csv", "a row for each item: id, dates, box, properties"),
    "URLs": (".txt", "the addresses of the assets, one on a line"),
    "aria2": (".aria2.txt", "the same for `aria2c --input-file`, with names and checksums"),
}
"""The forms of items: what their files end in, and what they are."""
JSON = (".json", "the document as received")
_ASSETS = ("URLs", "aria2")


@dataclass(frozen=True, slots=True)
class ExportChoice:
    """What the user decided.

    - `supply`: The items; None for the one document.
    - `form`: One of `FORMS`.
    - `path`: The file.
    - `assets`: Keys and roles of the assets that are meant; all where there are none.
    """

    supply: ItemSupplier | None
    form: str
    path: Path
    assets: tuple[str, ...] = ()


class ExportScreen(FormDialog[ExportChoice | None]):
    """Asks; dismissed with the choice. A file that is there is replaced only after a question.

    - `supplies`, `document`: Items, and the document alone as received, that can be written.
    - `folder`, `name`: Where the file is to be at first, and what it is called without its end.
    """

    CSS = """
    ExportScreen > .dialog { width: 84; padding: 0 1; }
    ExportScreen PickList { height: auto; min-height: 1; max-height: 5; margin-bottom: 1; }
    ExportScreen.-short PickList { margin-bottom: 0; }
    ExportScreen #form-words { margin-left: 14; color: $muted; }
    """
    AUTO_FOCUS = "PickList"
    heading, keys = "Export", "enter next field, ctrl+s exports, esc cancels"
    button: ClassVar[str] = "export"

    def __init__(
        self, supplies: Sequence[ItemSupplier], document: Document | None, folder: Path, name: str
    ) -> None:
        super().__init__()
        self._supplies = supplies
        self._suggested = str(folder / file_name(name[:80] or "items"))
        self._lines = [PickLine(supply.words, key=str(number)) for number, supply in enumerate(supplies)]
        if document is not None:
            self._lines.append(PickLine(f"the JSON of {document.label}", key="document"))
        self._picks = PickList(lambda key: "(•)" if key == self._current else "( )")
        self._form_choice = ChoiceField([*FORMS], id="form")
        self._form_words = Static(id="form-words")
        self._assets = ListField(id="assets", placeholder="keys or roles, with commas; empty: all")
        self._path_field = PathField(self._suggested, id="path")
        self.rows = (
            self._picks,
            FormRow("As", self._form_choice),
            self._form_words,
            FormRow("Assets", self._assets),
            FormRow("File", self._path_field),
        )

    def on_mount(self) -> None:
        """Show the items and formats to choose from."""
        self._picks.show(self._lines)
        self._adapt_fields()

    @property
    def _current(self) -> str:
        """The key of what is to be written."""
        return self._picks.current.key if self._picks.current is not None else ""

    @property
    def _takes_assets(self) -> bool:
        return self._form_choice.value in _ASSETS and self._current != "document"

    @on(PickList.Moved)
    @on(ChoiceField.Changed)
    def _adapt_fields(self) -> None:
        """Let the fields suit what is to be written; a name that was typed stays."""
        self._picks.refresh()
        end, words = JSON if self._current == "document" else FORMS[self._form_choice.value]
        self._form_choice.disabled = self._current == "document"
        self._assets.disabled = not self._takes_assets
        self._form_words.update(content(words))
        path = self._path_field
        ends = [known for known, _ in (*FORMS.values(), JSON)]
        if path.value in (self._suggested, *(self._suggested + known for known in ends)):
            path.value = self._suggested + end

    @on(PickList.Picked)
    def _picked(self) -> None:
        self.commit_field()

    @work(group="write", exclusive=True)
    async def action_submit(self) -> None:
        """Close with the choice; ask before a file that is there is replaced."""
        current, typed = self._current, self._path_field.value.strip()
        path = expanded(Path(typed)).absolute()
        if not current or not typed:
            self.warn("! type the path of a file" if current else "! there is nothing to write")
            return
        there, folder = await asyncio.to_thread(lambda: (path.exists(), path.is_dir()))
        if folder:
            self.warn(f"! {one_line(path)} is a folder: add the name of a file")
            return
        question = f"Replace {one_line(path)}?"
        if there and not await confirm(self.app, question, "There is a file of this name.", yes="Replace"):
            return
        supply = None if current == "document" else self._supplies[int(current)]
        named = self._assets.value.split(",") if self._takes_assets else []
        assets = tuple(part.strip() for part in named if part.strip())
        self.dismiss(ExportChoice(supply, self._form_choice.value, path, assets))


_MOST_NOTES = 3


async def export_subjects(app: AppContext, subjects: Sequence[TreeEntry], documents: Documents) -> None:
    """Write what is selected or under the cursor: items, all items of collections, or a document."""
    source = documents.source
    entries = [subject.entry for subject in subjects]
    if not entries or source is None:
        app.refuse("Put the cursor on a collection or an item first.")
        return
    supplies = supplies_of(entries, documents)
    document = documents.of(entries[0]) or await documents.load(entries[0]) if len(entries) == 1 else None
    if not supplies and document is None:
        app.refuse(documents.why_not(entries[0]) or "There is nothing here to export.")
        return
    await export(app, supplies, source, entries[0].label, document)


async def export(
    app: AppContext,
    supplies: Sequence[ItemSupplier],
    source: Source,
    name: str,
    document: Document | None = None,
) -> None:
    """Ask which items, or the document alone, are to be written and where, and write them."""
    if not supplies and document is None:
        app.refuse("There is nothing here to export.")
        return
    choice = await app.push_screen_wait(ExportScreen(supplies, document, app.output_dir, name))
    if choice is None:
        return
    try:
        await asyncio.to_thread(make_folder, choice.path.parent)
        if choice.supply is not None:
            await _write_items(app, choice, choice.supply, source)
        elif document is not None:
            written = await asyncio.to_thread(_write_document, choice.path, document)
            app.notify(f"{choice.path}, {size(written)}", title="Written")
    except MLHubException as error:
        app.report(error)


def _write_document(path: Path, document: Document) -> int:
    try:
        text = json.dumps(document.raw, indent=2)
    except (RecursionError, ValueError):
        raise sources.export.ExportError(
            f"{document.label} is nested too deep to be written", hint=""
        ) from None
    return sources.export.write_text(path, text + "\n")


async def _write_items(app: AppContext, choice: ExportChoice, supply: ItemSupplier, source: Source) -> None:
    exporter = _exporter(choice, source)
    notes: dict[str, None] = {}
    total, skipped = supply.total, 0

    async def task(progress: ProgressScreen[Written]) -> Written:
        async def items() -> AsyncGenerator[Item, None]:
            nonlocal total, skipped
            async with aclosing(supply.pages(progress.again)) as pages:
                async for page in pages:
                    notes.update(dict.fromkeys(filter(None, (*page.notes, page.stopped))))
                    total = page.matched if page.matched is not None else total
                    skipped += 0 if page.notes else page.skipped  # notes say it themselves
                    for document in page.entries:
                        if isinstance(document, Item):
                            yield document

        def tell(done: int, amount: int) -> None:
            of = f" of {total:,}" if total is not None else ""
            progress.say(f"{done:,}{of} items, {size(amount)}")

        async with aclosing(items()) as found:
            return await sources.export.export_file(found, exporter, choice.path, tell)

    screen = ProgressScreen(f"Writing {one_line(choice.path.name, 50)}", task)
    written = await app.push_screen_wait(screen)
    if written is None:
        app.notify("Nothing was written: the export was stopped.", severity="warning")
        return
    said = [f"{choice.path}: {count(written.items, 'item')}, {size(written.size)}"]
    said += [without_id(skipped)] if skipped else []
    said += [one_line(note, 200) for note in (*written.notes, *notes)][:_MOST_NOTES]
    severity = "warning" if len(said) > 1 else "information"
    app.notify("\n".join(said), title="Written", severity=severity, timeout=8)  # type: ignore[arg-type]


def _exporter(choice: ExportChoice, source: Source) -> Exporter:
    if choice.form == "GeoJSON":
        return sources.export.GeoJSON()
    if choice.form == "CSV":
        return sources.export.CSVTable()
    session = getattr(source, "session", None)  # a source on this machine may have none
    urls = sources.export.URLs(
        sources.export.Chosen(choice.assets, choice.assets), session.bare if session else str
    )
    return urls if choice.form == "URLs" else planning.assets.Aria2(urls)
