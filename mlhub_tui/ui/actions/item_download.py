"""Downloads of items and assets, from the key press to the queue."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...errors import MLHubException
from ...models import Collection, CollectionRef, Document, Entry, EntryKind
from ...planning.requests import ArchiveRequest
from ...text import clean, count, one_line
from .item_supplier import ItemSupplier, of_documents, of_entries, of_items, of_several

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from ...queue.service import QueueService
    from ..catalog.nodes import TreeEntry
    from ..context import AppContext
    from ..dialogs.asset_dialog import AssetChoice
    from ..dialogs.questions import ProgressScreen
    from ..document_cache import Documents
    from ..source_connection import Connection


async def download(app: AppContext, subjects: Sequence[TreeEntry], documents: Documents) -> bool:
    """Ask about what is to be had of some entries and queue it; False where nothing was queued.

    MLHub has archives of collections, and a dataset stands for all of its own; its items, and all of other
    sources, have assets.
    """
    only_items = bool(subjects) and all(subject.entry.kind is EntryKind.ITEM for subject in subjects)
    if only_items or not documents.has_archives:
        return await choose_assets(app, subjects, documents)
    dataset = subjects[0].dataset if len(subjects) == 1 else None
    if dataset is not None and dataset.collections and subjects[0].entry.kind is EntryKind.DATASET:
        from .dataset_download import download_dataset

        return await download_dataset(app, dataset)
    refs: dict[str, CollectionRef] = {}
    for subject in subjects:
        entry = subject.entry
        if entry.kind is EntryKind.COLLECTION:
            refs[entry.id] = subject.ref or CollectionRef(entry.id)
        elif entry.kind is EntryKind.DATASET and subject.dataset is not None:
            refs |= {ref.id: ref for ref in subject.dataset.collections}
    if not refs:
        words = "This dataset names no collections, so there is nothing to download."
        app.notify(words if subjects else "Put the cursor on a collection or a dataset first.", markup=False)
        return False
    return await ask_and_queue(app, list(refs.values()))


async def ask_and_queue(app: AppContext, refs: Sequence[CollectionRef]) -> bool:
    """Ask about the archives of collections and queue them; False where the user thought better of it."""
    from ..dialogs.archive_dialog import DownloadScreen
    from .dataset_download import wants_profiles

    connection, queue = app.connection, app.queue
    if connection is None or queue is None:
        why = app.queue_error.message if app.queue_error else "the download queue is not open yet: try again"
        app.notify(clean(why), severity="error", markup=False)
        return False
    if not connection.credentials.api_key and await wants_profiles(app):
        app.action_go("profiles")
        return False
    choice = await app.push_screen_wait(DownloadScreen(connection.source, refs, app.output_dir))
    if choice is None:
        return False
    app.output_dir = choice.folder
    queued = 0
    for ref in refs:
        request = ArchiveRequest(
            source=connection.job_source,
            profile=connection.credentials.profile,
            collection_id=ref.id,
            folder=choice.folder,
            if_exists=choice.if_exists,
            title=ref.label,
            size=choice.sizes.get(ref.id),
        )
        try:
            await queue.add(request)
            queued += 1
        except MLHubException as error:
            app.report(error)
    if queued:
        app.notify(f"{count(queued, 'archive')} queued. 2 shows the downloads.", markup=False)
    return queued > 0


_FEW = 25
"""Documents that are queued without a dialog on how far it is."""


@dataclass
class Queued:
    """What came of it."""

    files: int = 0
    left_out: int = 0
    why: str = ""
    """Why the first of those was left out, or not all were gone through."""


async def choose_assets(app: AppContext, subjects: Sequence[TreeEntry], documents: Documents) -> bool:
    """Ask which assets of some entries are wanted and queue them; False where nothing was queued.

    Parameters
    ----------
    app
        The app.
    subjects
        The items, collections or catalogs that were chosen, in order.
    documents
        Where their documents are.
    """
    if not subjects:
        app.notify("Put the cursor on an item or a collection first.", markup=False)
        return False
    supplies, licence = await _supplies([subject.entry for subject in subjects], documents)
    if not supplies:
        words = documents.why_not(subjects[0].entry) or "There is nothing here that could hold assets."
        app.notify(clean(words), severity="error", markup=False)
        return False
    return await ask_and_queue_assets(app, supplies, documents, licence)


async def _supplies(entries: Sequence[Entry], documents: Documents) -> tuple[list[ItemSupplier], str]:
    """Return what is to be had of some entries, and their licence where it is one."""
    source = documents.source
    items = [entry for entry in entries if entry.kind is EntryKind.ITEM]
    holders = [e for e in entries if e.kind in (EntryKind.COLLECTION, EntryKind.CATALOG)]
    supplies: list[ItemSupplier] = []
    licences: dict[str, None] = {}
    if items:
        words = f"item {items[0].label}" if len(items) == 1 else f"{len(items):,} selected items"
        supplies.append(of_entries(words, items, documents))
    if holders and source is not None:
        all_items = [of_items(f"all items of {holder.label}", source, holder) for holder in holders]
        several = f"all items of {len(holders):,} collections"
        supplies.append(all_items[0] if len(holders) == 1 else of_several(several, all_items))
        own: list[Document] = []
        for holder in holders:
            document = documents.of(holder) or await documents.load(holder)
            if isinstance(document, Collection):
                licences |= {document.license: None} if document.license else {}
                own += [document] if document.assets else []
        if own:
            supplies.append(of_documents("its own assets" if len(own) == 1 else "their own assets", own))
    for name in dict.fromkeys(item.collection_id for item in items):
        found = documents.of(Entry(EntryKind.COLLECTION, name)) if name else None
        licences |= {found.license: None} if found is not None and found.license else {}
    return supplies, ", ".join(licences)


async def ask_and_queue_assets(
    app: AppContext, supplies: Sequence[ItemSupplier], documents: Documents, licence: str = ""
) -> bool:
    """Ask which assets of some documents are wanted and queue them; False where nothing was queued."""
    from ..dialogs.asset_dialog import AssetsScreen
    from ..dialogs.questions import ProgressScreen

    connection, queue = app.connection, app.queue
    if connection is None or queue is None:
        words = (
            app.queue_error.message if app.queue_error else "the download queue is not open yet: try again"
        )
        app.notify(clean(words), severity="error", markup=False)
        return False
    choice = await app.push_screen_wait(AssetsScreen(supplies, app.output_dir, licence, documents))
    if choice is None:
        return False
    app.output_dir = choice.folder
    done = Queued()
    if not choice.supply.whole and (choice.supply.total or 0) <= _FEW:
        try:
            await _queue(connection, queue, choice, done, _never)
        except MLHubException as error:
            app.report(error)
    else:

        async def task(progress: ProgressScreen[Queued]) -> Queued:
            await _queue(connection, queue, choice, done, progress.again, progress.say)
            return done

        if await app.push_screen_wait(ProgressScreen("Queueing assets", task)) is None:
            done.why = done.why or "it was stopped before the end"
    _tell(app, done)
    return done.files > 0


async def _queue(
    connection: Connection,
    queue: QueueService,
    choice: AssetChoice,
    done: Queued,
    again: Callable[[MLHubException], Awaitable[bool]],
    say: Callable[[str], None] = lambda _: None,
) -> None:
    """Queue what was chosen, a page of documents in memory at a time."""
    from ...planning.assets import DocumentOrigin, requests_for

    origin = DocumentOrigin(connection.job_source, connection.source.kind, connection.credentials.profile)
    looked = 0
    async for page in choice.supply.pages(again, choice.most):
        selection = await asyncio.to_thread(
            requests_for,
            origin,
            page.entries,
            choice.folder,
            keys=choice.keys,
            roles=choice.roles,
            if_exists=choice.if_exists,
            collection_id=choice.supply.belongs,
        )
        if selection.requests:
            await queue.add_many(selection.requests)
        looked += len(page.entries)
        done.files += len(selection.requests)
        done.left_out += len(selection.left_out) + page.skipped
        reasons = (*(entry.why for entry in selection.left_out[:1]), *page.notes[:1], page.stopped)
        done.why = done.why or next(filter(None, reasons), "")
        total = page.matched if page.matched is not None else choice.supply.total
        of = f" of {min(total, choice.most or total):,}" if total is not None else ""
        say(f"{looked:,}{of} items, {count(done.files, 'file')} queued")


def _tell(app: AppContext, done: Queued) -> None:
    words = (
        f"{count(done.files, 'file')} queued. 2 shows the downloads." if done.files else "Nothing was queued."
    )
    if done.left_out:
        words += f"\n{done.left_out:,} left out: {one_line(done.why, 200)}"
    elif done.why:
        words += f"\n{one_line(done.why, 200)}"
    good = done.files > 0 and not done.why
    app.notify(clean(words), severity="information" if good else "warning", markup=False, timeout=8)


async def _never(_: MLHubException) -> bool:
    return False
