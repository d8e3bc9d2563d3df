"""Downloads of archives, datasets, items and assets, from the key press to the queue."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ... import planning, queue
from ...auth import Kind
from ...errors import MLHubException
from ...fileio import free_space
from ...metadata.citation import Attribution, words_of
from ...models import Collection, CollectionRef, Dataset, Document, Entry, EntryKind, MLModel
from ...planning.requests import ArchiveRequest
from ...text import count, link_names, one_line, size
from .. import dialogs
from ..catalog.nodes import identity
from ..widgets.bars import TO_DOWNLOADS
from ..widgets.plan_tree import PlanSubject, reading_words, sizes
from .item_supplier import ItemSupplier, never, of_documents, supplies_of, with_terms

if TYPE_CHECKING:
    from ...planning.filters import Filters
    from ...planning.index import Index
    from ...planning.requests import DatasetRequest
    from ...queue.service import QueueService
    from ..catalog.loader import Documents
    from ..catalog.nodes import TreeEntry
    from ..context import AppContext
    from ..dialogs.asset_dialog import AssetChoice
    from ..dialogs.download_dialog import DownloadChoice
    from ..map.plan_pictures import SelectionCount
    from ..source_connection import Connection

_FEW = 25
"""Documents that are queued without a dialog on how far it is."""
_WITH_ASSETS_ALONE = (EntryKind.ITEM, EntryKind.MODEL)


async def download(
    app: AppContext, subjects: Sequence[TreeEntry], documents: Documents, around: TreeEntry | None = None
) -> bool:
    """Ask about what is to be had of some entries and queue it; False where nothing was queued.

    MLHub has archives of collections, and a dataset stands for all of its own; its items, and all of other
    sources, have assets.
    """
    only_items = bool(subjects) and all(subject.entry.kind in _WITH_ASSETS_ALONE for subject in subjects)
    if only_items or not documents.has_archives:
        return await choose_assets(app, subjects, documents, around=around)
    dataset = subjects[0].dataset if len(subjects) == 1 else None
    if dataset is not None and dataset.collections and subjects[0].entry.kind is EntryKind.DATASET:
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
        app.refuse(words if subjects else "Put the cursor on a collection or a dataset first.")
        return False
    licence, citation = words_of(await documents.attributions(subjects))
    title = next(iter(refs.values())).label if len(refs) == 1 else count(len(refs), "archive")
    plan_of = PlanSubject("", title, tuple(refs), licence=licence, citation=citation)
    choice = await _ask(app, plan_of, (dialogs.download_dialog.ARCHIVES,))
    return choice is not None and await _queue_archives(app, [*refs.values()], choice)


@dataclass
class Queued:
    """What came of it; `why` is why the first was left out, or not all were gone through."""

    files: int = 0
    left_out: int = 0
    why: str = ""


async def choose_assets(
    app: AppContext,
    subjects: Sequence[TreeEntry],
    documents: Documents,
    *,
    keys: Sequence[str] = (),
    around: TreeEntry | None = None,
) -> bool:
    """Ask which assets of some items, collections or catalogs are wanted; False where nothing was queued.

    - `keys`: The assets that are selected at first.
    - `around`: What holds the items, of which all may be chosen as well.
    """
    if not subjects:
        app.refuse("Put the cursor on an item or a collection first.")
        return False
    entries = [subject.entry for subject in (*subjects, *([around] if around is not None else []))]
    supplies = await _supplies(entries, documents, own_first=bool(keys))
    if not supplies:
        words = documents.why_not(entries[0]) or "There is nothing here that could hold assets."
        app.notify(words, severity="error")
        return False
    return await ask_and_queue_assets(app, supplies, documents, await documents.attributions(subjects), keys)


async def _supplies(entries: Sequence[Entry], documents: Documents, *, own_first: bool) -> list[ItemSupplier]:
    """Return what is to be had of some entries."""
    supplies = supplies_of(entries, documents)
    own: list[Document] = []
    for entry in entries:
        if entry.kind in (EntryKind.COLLECTION, EntryKind.CATALOG, EntryKind.MODEL):
            document = documents.of(entry) or await documents.load(entry)
            own += [document] if isinstance(document, Collection | MLModel) and document.assets else []
    if own:
        of_own = of_documents("its own assets" if len(own) == 1 else "their own assets", own)
        supplies.insert(0 if own_first else len(supplies), of_own)
    return supplies


async def ask_and_queue_assets(
    app: AppContext,
    supplies: Sequence[ItemSupplier],
    documents: Documents,
    stated: Sequence[Attribution] = (),
    keys: Sequence[str] = (),
) -> bool:
    """Ask which assets of some documents are wanted and queue them; False where nothing was queued.

    Where no attributions are `stated`, those of the first items are looked up.
    """
    there = opened(app)
    if there is None:
        return False
    supplies = [with_terms(supply, there[0].source) for supply in supplies]
    choice = await app.push_screen_wait(
        dialogs.asset_dialog.AssetsScreen(supplies, app.output_dir, documents, stated, keys)
    )
    if choice is None:
        return False
    app.output_dir = choice.folder
    done = Queued()
    if not choice.supply.whole and (choice.supply.total or 0) <= _FEW:
        try:
            await _queue(*there, choice, done, never)
        except MLHubException as error:
            app.report(error)
    else:

        async def task(progress: dialogs.base.ProgressScreen[Queued]) -> Queued:
            await _queue(*there, choice, done, progress.again, progress.say)
            return done

        if await app.push_screen_wait(dialogs.base.ProgressScreen("Queueing assets", task)) is None:
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
    origin = planning.assets.DocumentOrigin(
        connection.job_source, connection.source.kind, connection.credentials.profile
    )
    looked = 0
    async for page in choice.supply.pages(again, choice.most):
        selection = await asyncio.to_thread(
            planning.assets.requests_for,
            origin,
            page.entries,
            choice.folder,
            keys=choice.keys,
            roles=choice.roles,
            if_exists=choice.if_exists,
            collection_id=choice.supply.belongs,
        )
        if selection.requests:
            await queue.add_many([replace(one, licence=choice.licence) for one in selection.requests])
        looked += len(page.entries)
        done.files += len(selection.requests)
        done.left_out += len(selection.left_out) + page.skipped
        reasons = (*(entry.why for entry in selection.left_out[:1]), *page.notes[:1], page.stopped)
        done.why = done.why or next(filter(None, reasons), "")
        total = page.matched if page.matched is not None else choice.supply.total
        of = f" of {min(total, choice.most or total):,}" if total is not None else ""
        say(f"{looked:,}{of} items, {count(done.files, 'file')} queued")


def _tell(app: AppContext, done: Queued) -> None:
    files = count(done.files, "file")
    words = f"{files} queued. {TO_DOWNLOADS}" if done.files else "Nothing was queued."
    if done.left_out or done.why:
        left_out = f"{done.left_out:,} left out: " if done.left_out else ""
        words += f"\n{left_out}{one_line(done.why, 200)}"
    good = done.files > 0 and not done.why
    app.notify(words, severity="information" if good else "warning", timeout=8)


async def download_dataset(
    app: AppContext, dataset: Dataset, *, ticked: Sequence[str] = (), assets: bool = False
) -> bool:
    """Ask how a dataset of MLHub is to be downloaded; True where archives were queued.

    - `ticked`: Ids of the collections that are ticked in the plan at first; none: all.
    - `assets`: Whether its assets are chosen at first, not its archives.
    """
    refs = list(dataset.collections)
    subject = PlanSubject(
        dataset.id,
        dataset.title or dataset.label,
        tuple(ref.id for ref in refs),
        tuple(ticked),
        dataset.license,
        dataset.citation,
    )
    ways = [dialogs.download_dialog.ARCHIVES, dialogs.download_dialog.ASSETS]
    if assets or not refs:
        ways.reverse()
    choice = await _ask(app, subject, ways)
    if choice is None:
        return False
    if choice.way == dialogs.download_dialog.ASSETS:
        _show_plan(app, subject, choice)
        return False
    return await _queue_archives(app, refs, choice)


async def plan(app: AppContext, subjects: Sequence[TreeEntry], documents: Documents) -> None:
    """Plan the download of what is selected or under the cursor: a dataset, or collections."""
    if documents.has_archives:
        dataset = next((subject.dataset for subject in subjects if subject.dataset is not None), None)
        if dataset is None:
            app.refuse("Put the cursor on a dataset or a collection first.")
            return
        of_it = [s for s in subjects if s.dataset is not None and s.dataset.id == dataset.id]
        if len(of_it) < len(subjects):
            app.notify(f"A plan is of one dataset: this one is of {dataset.label}.")
        ticked = [s.entry.id for s in of_it if s.entry.kind is EntryKind.COLLECTION]
        whole = any(s.entry.kind is EntryKind.DATASET for s in of_it)
        await download_dataset(app, dataset, ticked=() if whole else ticked, assets=True)
        return
    of_them = [s for s in subjects if s.entry.kind is EntryKind.COLLECTION]
    if not of_them or documents.source is None:
        app.refuse("Put the cursor on a collection first.")
        return
    licence, citation = words_of(await documents.attributions(of_them))
    holders = [s.entry for s in of_them]
    one = len(holders) == 1
    subject = PlanSubject(
        " + ".join(holder.id for holder in holders),
        holders[0].label if one else f"{count(len(holders), 'collection')} together",
        tuple(identity(holder, documents.kind) for holder in holders),
        licence=licence,
        citation=citation,
    )
    choice = await _ask(app, subject, (dialogs.download_dialog.ASSETS,))
    if choice is not None:
        _show_plan(app, subject, choice)


async def _ask(app: AppContext, subject: PlanSubject, ways: Sequence[str]) -> DownloadChoice | None:
    there = opened(app)
    if there is None:
        return None
    connection = there[0]
    if connection.source.kind is Kind.MLHUB and not connection.credentials.secret:
        question = "Archives need an API key, and none is in use."
        detail = "Without one the transfers wait until there is."
        if await dialogs.base.confirm(app, question, detail, yes="Open profiles"):
            app.action_go("profiles")
            return None
    choice = await app.push_screen_wait(
        dialogs.download_dialog.DownloadScreen(subject, connection.source, ways, app.output_dir)
    )
    if choice is not None and not choice.url:
        app.output_dir = choice.folder
    return choice


def _show_plan(app: AppContext, subject: PlanSubject, choice: DownloadChoice) -> None:
    connection, service = app.connection, app.queue
    if connection is None or service is None:
        return

    def requested(filters: Filters | None = None) -> DatasetRequest:
        return planning.requests.dataset_request(
            subject.id,
            choice.folder,
            filters,
            source=connection.job_source,
            profile=connection.credentials.profile,
            kind=connection.source.kind,
            assets=choice.assets,
            collections=subject.collections,
            if_exists=choice.if_exists,
            title=subject.title,
            cluster=choice.cluster,
            url=choice.url,
            licence=link_names(subject.licence),
        )

    async def opening(say: Callable[[str], None]) -> Index:
        context = queue.run_job.job_context
        source, tell = connection.source, lambda *far: say(reading_words(*far))
        return await planning.dataset_plan.plan_dataset(requested(), source, context, tell)

    async def queueing(counted: SelectionCount) -> bool:
        target = choice.url or str(choice.assets or choice.folder)
        amount, catalog_only = counted.chosen.all, counted.filters.catalog_only
        files = 0 if catalog_only else amount.files
        dialog, words = dialogs.download_dialog, f"{count(files, 'file')}, {sizes(amount)}"
        if files > dialog.UNASKED and not await dialog.confirm_download(app, words, target):
            return False
        known, request = amount.bytes, requested(counted.filters)
        words = "The catalog" if catalog_only else count(files, "file")
        added = service.add(replace(request, size=known) if known else request)
        return await _done(app, added, f"{words} queued as one job. {TO_DOWNLOADS}")

    is_mlhub = connection.source.kind is Kind.MLHUB
    app.show_plan(subject, opening, queueing, where=_target_words(choice), catalog=is_mlhub)


def _target_words(choice: DownloadChoice) -> str:
    """Return where the files of a plan go, with the free space there, and by which cluster."""
    assets = choice.assets or choice.folder
    left = None if choice.url else free_space(assets)
    words = f"into {choice.url or assets}" + (f", free space {size(left)}" if left is not None else "")
    if choice.cluster is not None:
        words = f"by {choice.cluster.words}, {words}"
    if choice.costs is not None and choice.costs.estimated_size:
        words += f"; all of the dataset is about {size(choice.costs.estimated_size)}"
    return words


async def _done(app: AppContext, added: Awaitable[object], words: str) -> bool:
    """Wait until something is queued, and say so; False, with a message shown, if that failed."""
    try:
        await added
    except MLHubException as error:
        app.report(error)
        return False
    app.notify(words)
    return True


def opened(app: AppContext) -> tuple[Connection, QueueService] | None:
    """Return the source and the queue; None, with a message shown, while one of them is not open."""
    if app.connection is not None and app.queue is not None:
        return app.connection, app.queue
    why = app.queue_error.message if app.queue_error else "the download queue is not open yet: try again"
    app.notify(why, severity="error")
    return None


async def _queue_archives(app: AppContext, refs: Sequence[CollectionRef], choice: DownloadChoice) -> bool:
    """Queue the archives that were chosen of collections; False if that failed."""
    there = opened(app)
    if there is None:
        return False
    connection, queue = there
    archives = choice.costs.archives if choice.costs else {}
    requests = [
        ArchiveRequest(
            source=connection.job_source,
            profile=connection.credentials.profile,
            collection_id=ref.id,
            folder=choice.folder,
            if_exists=choice.if_exists,
            title=ref.label,
            size=archives.get(ref.id),
        )
        for ref in refs
        if ref.id in choice.archives
    ]
    words, left_out = f"{count(len(requests), 'archive')} queued", len(refs) - len(requests)
    rest = f", {left_out} not there yet." if left_out else f". {TO_DOWNLOADS}"
    return await _done(app, queue.add_many(requests), words + rest)
