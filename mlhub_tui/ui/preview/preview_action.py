"""From `p` to a preview: what is under the cursor, and what can be leafed through from there."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING

from ...errors import MLHubException
from ...models import Document, Entry, EntryKind
from ...text import clean
from ..document_cache import why
from .image_sequence import ImageSequence, pictures
from .preview_screen import PreviewScreen

if TYPE_CHECKING:
    from ..context import AppContext
    from ..document_cache import Documents


_HOLDERS = (EntryKind.COLLECTION, EntryKind.CATALOG, EntryKind.DATASET)


async def preview(
    app: AppContext, documents: Documents, entries: Sequence[Entry], current: Entry | None, key: str = ""
) -> Entry | None:
    """Show an image of an entry, of a collection without one those of its items; return the last one seen.

    Parameters
    ----------
    documents
        What was loaded of the source.
    entries
        What the keys of the preview go through; the current one is among them, or stands alone.
    current
        What is under the cursor.
    key
        The asset to begin with; empty for the one that shows it best.
    """
    if not draws(app):
        return None
    if current is None or documents.source is None:
        app.notify("Put the cursor on an item or a collection first.", markup=False)
    else:
        return await _show(app, documents, entries, current, key)
    return None


def draws(app: AppContext) -> bool:
    """Whether images can be drawn and are wanted; where not, the status line shows why."""
    if app.loaded.config.images == "off":
        app.notify("Previews are off: images in the settings (, opens them).", markup=False)
        return False
    if find_spec("PIL") is None:
        app.notify("Previews need Pillow: pip install 'mlhub-tui[images]'", severity="warning", markup=False)
        return False
    return True


async def _show(
    app: AppContext, documents: Documents, entries: Sequence[Entry], current: Entry, key: str
) -> Entry | None:
    assert documents.source is not None
    document = documents.of(current) or await documents.load(current)
    if not pictures(document) and current.kind in _HOLDERS:
        entries = await _items(app, documents, current)
        if not entries:
            return None
        current = entries[0]
    elif not pictures(document):
        _none(app, documents, current, document)
        return None
    places = [number for number, entry in enumerate(entries) if entry is current or entry == current]
    sequence = ImageSequence(entries if places else [current], documents, places[0] if places else 0, key)
    await app.push_screen_wait(PreviewScreen(documents.source, sequence))
    return sequence.entry


def _none(app: AppContext, documents: Documents, current: Entry, document: Document | None) -> None:
    words = documents.why_not(current) if document is None else ""
    app.notify(clean(words or "There is no image among the assets here."), markup=False)


async def _items(app: AppContext, documents: Documents, holder: Entry) -> list[Entry]:
    """Return the items of the first page of a collection that have images."""
    assert documents.source is not None
    if holder.kind is EntryKind.DATASET:
        app.notify("A dataset has no images: open one of its collections.", markup=False)
        return []
    app.notify("It has no image: searching its items…", markup=False, timeout=3)
    try:
        page = await documents.source.entries(holder)
    except MLHubException as error:
        app.notify(clean(why(error)), severity="error", markup=False)
        return []
    documents.keep(page.entries)
    items = [entry for entry in page.entries if entry.kind is EntryKind.ITEM]
    shown = [entry for entry in items if (there := documents.of(entry)) is None or pictures(there)]
    if not shown:
        app.notify("There is no image among the assets here, nor in its first items.", markup=False)
    return shown
