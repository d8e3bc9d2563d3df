"""Export of items to a file, and citations for the clipboard."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING

from ... import planning, sources
from ...errors import MLHubException
from ...fileio import make_folder
from ...models import Document, Item
from ...sources.base import without_id
from ...text import count, one_line, size
from .. import dialogs
from .item_supplier import ItemSupplier, supplies_of

if TYPE_CHECKING:
    from pathlib import Path

    from ...sources.base import Source
    from ...sources.export import Exporter, Written
    from ..catalog.nodes import TreeEntry
    from ..context import AppContext
    from ..dialogs.export_dialog import ExportChoice
    from ..document_cache import Documents


_MOST_NOTES = 3


async def export_subjects(app: AppContext, subjects: Sequence[TreeEntry], documents: Documents) -> None:
    """Write what is selected or under the cursor: items, all items of collections, or a document."""
    source = documents.source
    entries = [subject.entry for subject in subjects]
    if not entries or source is None:
        app.notify("Put the cursor on a collection or an item first.")
        return
    supplies = supplies_of(entries, documents)
    document = documents.of(entries[0]) or await documents.load(entries[0]) if len(entries) == 1 else None
    if not supplies and document is None:
        app.notify(documents.why_not(entries[0]) or "There is nothing here to export.")
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
        app.notify("There is nothing here to export.")
        return
    choice = await app.push_screen_wait(
        dialogs.export_dialog.ExportScreen(supplies, document, app.output_dir, name)
    )
    if choice is None:
        return
    try:
        await asyncio.to_thread(_make_folder, choice.path)
        if choice.supply is not None:
            await _write_items(app, choice, choice.supply, source)
        elif document is not None:
            written = await asyncio.to_thread(_write_document, choice.path, document)
            app.notify(f"{choice.path}, {size(written)}", title="Written")
    except MLHubException as error:
        app.report(error)


def _make_folder(path: Path) -> None:
    make_folder(path.parent)


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

    async def task(progress: dialogs.questions.ProgressScreen[Written]) -> Written:
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

    screen = dialogs.questions.ProgressScreen(f"Writing {one_line(choice.path.name, 50)}", task)
    written = await app.push_screen_wait(screen)
    if written is None:
        app.notify("Nothing was written: the export was stopped.", severity="warning")
        return
    said = [f"{choice.path}: {count(written.items, 'item')}, {size(written.size)}"]
    if skipped:
        said.append(without_id(skipped))
    said += [one_line(note, 200) for note in (*written.notes, *notes)][:_MOST_NOTES]
    app.notify(
        "\n".join(said),
        title="Written",
        severity="warning" if len(said) > 1 else "information",
        timeout=8,
    )


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
