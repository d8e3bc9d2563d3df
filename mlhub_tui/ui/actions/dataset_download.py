"""Downloads of datasets, collections and their archives, from the key press to the queue."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ... import planning, queue
from ...auth import Kind
from ...errors import MLHubException
from ...metadata.citation import words_of
from ...models import CollectionRef, Dataset, EntryKind
from ...planning.requests import ArchiveRequest
from ...text import clean, count, size
from .. import dialogs, widgets
from ..catalog.nodes import identity
from ..widgets.plan_tree import PlanSubject, reading_words, sizes

if TYPE_CHECKING:
    from ...planning.filters import Filters
    from ...planning.index import Index
    from ...planning.requests import DatasetRequest
    from ...queue.service import QueueService
    from ..catalog.nodes import TreeEntry
    from ..context import AppContext
    from ..dialogs.download_dialog import DownloadChoice
    from ..document_cache import Documents
    from ..map.plan_pictures import SelectionCount
    from ..source_connection import Connection

_UNASKED = 10
"""Files of a plan that are queued without a question."""


async def download_dataset(
    app: AppContext, dataset: Dataset, *, ticked: Sequence[str] = (), assets: bool = False
) -> bool:
    """Ask how a dataset of MLHub is to be downloaded; True where archives were queued.

    Parameters
    ----------
    ticked
        Ids of the collections that are ticked in the plan at first; none: all.
    assets
        Whether its assets are chosen at first, not its archives.
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
    ways = (
        (dialogs.download_dialog.ASSETS, dialogs.download_dialog.ARCHIVES)
        if assets or not refs
        else (dialogs.download_dialog.ARCHIVES, dialogs.download_dialog.ASSETS)
    )
    choice = await _ask(app, subject, ways)
    if choice is None:
        return False
    if choice.way == dialogs.download_dialog.ARCHIVES:
        missing = choice.costs.missing if choice.costs else ()
        there = [ref for ref in refs if ref.id not in missing]
        queued = await _queue_archives(app, there, choice)
        if queued and len(there) < len(refs):
            left_out = len(refs) - len(there)
            app.notify(f"{count(len(there), 'archive')} queued, {left_out} not there yet.", markup=False)
        return queued
    _show_plan(app, subject, choice)
    return False


async def plan(app: AppContext, subjects: Sequence[TreeEntry], documents: Documents) -> None:
    """Plan the download of what is selected or under the cursor: a dataset, or collections."""
    if documents.has_archives:
        dataset = next((subject.dataset for subject in subjects if subject.dataset is not None), None)
        if dataset is None:
            app.notify("Put the cursor on a dataset or one of its collections first.", markup=False)
            return
        of_it = [s for s in subjects if s.dataset is not None and s.dataset.id == dataset.id]
        if len(of_it) < len(subjects):
            app.notify(f"A plan is of one dataset: this one is of {dataset.label}.", markup=False)
        ticked = [s.entry.id for s in of_it if s.entry.kind is EntryKind.COLLECTION]
        whole = any(s.entry.kind is EntryKind.DATASET for s in of_it)
        await download_dataset(app, dataset, ticked=() if whole else ticked, assets=True)
        return
    of_them = [s for s in subjects if s.entry.kind is EntryKind.COLLECTION]
    holders = [s.entry for s in of_them]
    if not holders or documents.source is None:
        app.notify("Put the cursor on a collection first.", markup=False)
        return
    licence, citation = words_of(await documents.attributions(of_them))
    one = len(holders) == 1
    subject = PlanSubject(
        holders[0].id if one else " + ".join(holder.id for holder in holders),
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
    keyless = connection.source.kind is Kind.MLHUB and not connection.credentials.api_key
    if keyless and await wants_profiles(app):
        return None
    choice = await app.push_screen_wait(
        dialogs.download_dialog.DownloadScreen(subject, connection.source, ways, app.output_dir)
    )
    if choice is not None and not choice.url:
        app.output_dir = choice.folder
    return choice


def _show_plan(app: AppContext, subject: PlanSubject, choice: DownloadChoice) -> None:
    from ..screens.plan_screen import PlanScreen  # when the plan is shown

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
        )

    async def opening(say: Callable[[str], None]) -> Index:
        def tell(words: str, done: int, total: int | None) -> None:
            say(reading_words(words, done, total))

        return await planning.dataset_plan.plan_dataset(
            requested(), connection.source, queue.run_job.job_context, tell
        )

    async def queueing(counted: SelectionCount) -> bool:
        target = choice.url or str(choice.assets or choice.folder)
        return await _confirmed(app, counted, target) and await _queue_job(
            app, service, requested(counted.filters), counted
        )

    is_mlhub = connection.source.kind is Kind.MLHUB
    app.push_screen(PlanScreen(subject, opening, queueing, where=_target_words(choice), catalog=is_mlhub))


def _target_words(choice: DownloadChoice) -> str:
    """Return where the files of a plan go, with the free space there, and by which cluster."""
    assets = choice.assets or choice.folder
    left = None if choice.url else widgets.form_rows.look_at(assets)[1]
    words = f"into {choice.url or assets}" + (f", free space {size(left)}" if left is not None else "")
    if choice.cluster is not None:
        words = f"by {choice.cluster.words}, {words}"
    if choice.costs is not None and choice.costs.estimated_size:
        words += f"; all of the dataset is about {size(choice.costs.estimated_size)}"
    return words


async def _confirmed(app: AppContext, counted: SelectionCount, target: str) -> bool:
    """Ask before more than a few files are downloaded, naming files, bytes and folder."""
    amount = counted.chosen.all
    if amount.files <= _UNASKED or counted.filters.catalog_only:
        return True
    home = str(Path.home())
    folder = target.replace(home, "~", 1) if target.startswith(home + os.sep) else target
    # The folder has a line of its own: a long one would be broken in the middle of a name.
    question = f"Download {count(amount.files, 'file')}, {sizes(amount)}\nto {folder}?"
    return await dialogs.questions.confirm(app, question, yes="Download")


async def _queue_job(
    app: AppContext, queue: QueueService, request: DatasetRequest, counted: SelectionCount
) -> bool:
    known = counted.chosen.all.bytes
    try:
        await queue.add(replace(request, size=known) if known else request)
    except MLHubException as error:
        app.report(error)
        return False
    words = "The catalog" if counted.filters.catalog_only else count(counted.chosen.all.files, "file")
    app.notify(f"{words} queued as one job. 2 shows the downloads.", markup=False)
    return True


def opened(app: AppContext) -> tuple[Connection, QueueService] | None:
    """Return the source and the queue; None, with a message shown, while one of them is not open."""
    if app.connection is not None and app.queue is not None:
        return app.connection, app.queue
    why = app.queue_error.message if app.queue_error else "the download queue is not open yet: try again"
    app.notify(clean(why), severity="error", markup=False)
    return None


async def wants_profiles(app: AppContext) -> bool:
    """Offer the profiles where archives need a key and none is in use; True where the user goes there."""
    question = "Archives need an API key, and none is in use."
    detail = "Without one the transfers wait until there is."
    if not await dialogs.questions.confirm(app, question, detail, yes="Open profiles"):
        return False
    app.action_go("profiles")
    return True


async def ask_and_queue(app: AppContext, refs: Sequence[CollectionRef], stated: tuple[str, str]) -> bool:
    """Ask about the archives of collections and queue them; False where the user thought better of it.

    What is `stated` of them is their licence and their citation.
    """
    title = refs[0].label if len(refs) == 1 else count(len(refs), "archive")
    licence, citation = stated
    subject = PlanSubject("", title, tuple(ref.id for ref in refs), licence=licence, citation=citation)
    choice = await _ask(app, subject, (dialogs.download_dialog.ARCHIVES,))
    return choice is not None and await _queue_archives(app, refs, choice)


async def _queue_archives(app: AppContext, refs: Sequence[CollectionRef], choice: DownloadChoice) -> bool:
    """Queue the archives of collections; False, with a message shown, if that failed."""
    there = opened(app)
    if there is None:
        return False
    connection, queue = there
    sizes = choice.costs.archives if choice.costs else {}
    requests = [
        ArchiveRequest(
            source=connection.job_source,
            profile=connection.credentials.profile,
            collection_id=ref.id,
            folder=choice.folder,
            if_exists=choice.if_exists,
            title=ref.label,
            size=sizes.get(ref.id),
        )
        for ref in refs
    ]
    try:
        await queue.add_many(requests)
    except MLHubException as error:
        app.report(error)
        return False
    app.notify(f"{count(len(requests), 'archive')} queued. 2 shows the downloads.", markup=False)
    return True
