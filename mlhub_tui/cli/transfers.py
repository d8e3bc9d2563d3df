"""The transfers of one `download` command: queued, shown until all are at rest, paused on a signal."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import replace

import click

from .. import paths
from ..auth import Credentials
from ..errors import MLHubException, TargetBusy
from ..http.retry import COMMAND_RETRIES
from ..planning.requests import DatasetRequest, DownloadRequest
from ..planning.resolver import JobSource, SourceResolver
from ..queue.job import IDLE_STATES, Job, JobState
from ..queue.run_job import open_for_job
from ..queue.runner import transfer_config
from ..queue.service import QueueService
from ..text import count, one_line
from .failures import FAILED, NO_CREDENTIALS, exit_code, report
from .options import first_byte_timeout
from .progress import reporter
from .signals import listen

_REDRAW = 0.25
_PAUSE_LIMIT = 1.0


async def transfer(requests: Sequence[DownloadRequest], credentials: Credentials) -> int:
    """Fetch everything and return the exit code: 0, 1, 3, or 128 and the number of a signal."""
    return await _Transfers(requests, credentials).run()


class _Transfers:
    """One command's share of the queue.

    The queue is the app's own, so that what is interrupted here can go on there and the other way round;
    jobs that others put into it are left alone.

    Parameters
    ----------
    requests
        What to fetch.
    credentials
        The key and root URL that all of it is fetched with.
    """

    def __init__(self, requests: Sequence[DownloadRequest], credentials: Credentials) -> None:
        self._requests = requests
        self._credentials = credentials
        self._reporter = reporter()
        self._changed = asyncio.Event()
        self._signal: int | None = None
        self._ids: list[int] = []
        self._printed: set[int] = set()
        self._worst = 0
        self._notice = ""

    async def run(self) -> int:
        loop = asyncio.get_running_loop()

        def changed() -> None:
            loop.call_soon_threadsafe(self._changed.set)

        listen(self._stop)
        queue = QueueService(
            paths.queue(),
            SourceResolver(self._open),
            on_change=changed,
            only_own=True,
            retries=COMMAND_RETRIES,
            config=transfer_config(first_byte_timeout(click.get_current_context())),
        )
        queue.start()
        try:
            await self._add(queue)
            await self._watch(queue)
            if self._signal is not None:
                await self._pause(queue)
                return 128 + self._signal
        finally:
            self._reporter.clear()
            await asyncio.to_thread(queue.stop)
        return self._worst

    async def _open(self, request: DownloadRequest) -> JobSource:
        return await open_for_job(request, lambda: self._credentials)

    def _stop(self, number: int) -> None:
        self._signal = number
        self._changed.set()

    async def _add(self, queue: QueueService) -> None:
        """Queue the requests; report those that cannot be queued and queue the others."""
        await queue.add_many([])  # raises, once, if the queue cannot be opened
        for request in self._requests:
            try:
                job = await queue.add(request)
                _refuse_another(job, request)
                self._ids.append(job.id)
            except MLHubException as error:
                report(error)
                self._note(exit_code(error))

    async def _watch(self, queue: QueueService) -> None:
        """Show the jobs until all of them are at rest, or a signal came."""
        while self._signal is None:
            self._changed.clear()
            await self._heed(queue)
            jobs = self._mine(queue)
            self._reporter.update(jobs)
            self._print_paths(jobs)
            if all(job.state in IDLE_STATES for job in jobs):
                return
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), timeout=1.0)
            if self._signal is None:
                await asyncio.sleep(_REDRAW)

    async def _heed(self, queue: QueueService) -> None:
        """Pass on what the queue says of itself; an engine that ended raises its DownloadError."""
        if queue.notice == self._notice:
            return
        self._notice = queue.notice
        if self._notice:
            self._reporter.clear()
            click.echo(f"note: {one_line(self._notice)}", err=True)
        await queue.add_many([])

    def _mine(self, queue: QueueService) -> list[Job]:
        known = {job.id: job for job in queue.snapshot()}
        return [known[job_id] for job_id in self._ids if job_id in known]

    def _print_paths(self, jobs: Sequence[Job]) -> None:
        """Print the paths of whole files, and note what went wrong with the others."""
        for job in jobs:
            if job.state not in IDLE_STATES or job.id in self._printed:
                continue
            self._printed.add(job.id)
            if job.state is JobState.DONE:
                self._reporter.clear()
                for path in _paths(job):
                    click.echo(path)
            else:
                self._note(NO_CREDENTIALS if job.state is JobState.NEEDS_KEY else FAILED)

    def _note(self, code: int) -> None:
        self._worst = max(self._worst, code)

    async def _pause(self, queue: QueueService) -> None:
        """Stop what is not done, keep its parts, and say how it goes on."""
        left = [job for job in self._mine(queue) if job.state not in IDLE_STATES and not job.elsewhere]
        with contextlib.suppress(TimeoutError, MLHubException):
            async with asyncio.timeout(_PAUSE_LIMIT):
                for job in left:
                    await queue.pause(job.id)
        self._reporter.clear()
        click.echo(
            f"interrupted: the progress of {count(len(left), 'transfer')} is saved\n"
            "  give the command again to resume, or resume in the app",
            err=True,
        )


def _refuse_another(job: Job, request: DownloadRequest) -> None:
    """Raise TargetBusy where something else of a dataset is under way to the same folder."""
    known = job.request
    if isinstance(known, DatasetRequest) and isinstance(request, DatasetRequest):
        wanted = replace(request, folder=known.folder, request_id=known.request_id, title=known.title)
        if wanted != known:
            words = f"another download of {one_line(known.dataset_id, 80)} to this folder is under way"
            raise TargetBusy(words, hint=f"wait until it is done, or `mlhub-tui queue cancel {job.id}`")


def _paths(job: Job) -> Sequence[str]:
    """Return what is whole: a file, or the folders of a dataset, which may be URLs."""
    request = job.request
    if isinstance(request, DatasetRequest):
        catalog = [] if request.collections else [job.place]
        assets = [] if request.filters.catalog_only else [request.asset_place]
        return list(dict.fromkeys([*catalog, *assets]))
    return [job.place]
