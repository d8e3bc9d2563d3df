"""Jobs: their states and the legal moves between them, the actions of people, and entries of their logs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from ..planning.requests import DatasetRequest, DownloadRequest
from ..text import count, one_line


class JobState(StrEnum):
    """The state of a transfer."""

    QUEUED = "queued"
    CONNECTING = "connecting"
    PREPARING = "preparing"
    DOWNLOADING = "downloading"
    STALLED = "stalled"
    RETRYING = "retrying"
    VERIFYING = "verifying"
    PAUSED = "paused"
    NEEDS_KEY = "needs a key"
    NO_SPACE = "no space"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def running(self) -> bool:
        """Whether it transfers, or waits for its own next try."""
        return self in ACTIVE_STATES or self is JobState.RETRYING

    @property
    def finished(self) -> bool:
        """Whether nothing more happens to it by itself or by a resume."""
        return self in _FINISHED


_FINISHED = frozenset({JobState.DONE, JobState.FAILED, JobState.CANCELLED})
_WAITING = frozenset({JobState.PAUSED, JobState.NEEDS_KEY, JobState.NO_SPACE})

IDLE_STATES = _FINISHED | _WAITING
"""States in which a job stays until somebody does something."""

ACTIVE_STATES = frozenset(
    {JobState.CONNECTING, JobState.PREPARING, JobState.DOWNLOADING, JobState.STALLED, JobState.VERIFYING}
)
"""States in which a transfer counts against the limits (a wait for the next try does not)."""

NEXT_STATES: Mapping[JobState, frozenset[JobState]] = {
    JobState.QUEUED: frozenset({JobState.CONNECTING, JobState.PAUSED, JobState.CANCELLED}),
    **{state: frozenset(JobState) - {state} for state in ACTIVE_STATES},
    JobState.RETRYING: frozenset({JobState.QUEUED, JobState.PAUSED, JobState.CANCELLED}),
    JobState.PAUSED: frozenset({JobState.QUEUED, JobState.CANCELLED, JobState.DONE}),
    JobState.NEEDS_KEY: frozenset({JobState.QUEUED, JobState.PAUSED, JobState.CANCELLED}),
    JobState.NO_SPACE: frozenset({JobState.QUEUED, JobState.PAUSED, JobState.CANCELLED}),
    JobState.DONE: frozenset({JobState.QUEUED}),
    JobState.FAILED: frozenset({JobState.QUEUED, JobState.CANCELLED}),
    JobState.CANCELLED: frozenset({JobState.QUEUED, JobState.DONE}),
}
"""From each state, the states it may go to; a program that ends puts what it ran back to queued.

What was paused or cancelled while it got its final name is done: the file exists.
"""


FILE_COUNTS = ("files_done", "files_failed", "files_total")
"""Fields of jobs that have many files."""


@dataclass(frozen=True, slots=True)
class Job:
    """A transfer as the queue knows it.

    `bytes_done` counts what is safely in the part file; `rate` is in bytes per second and `eta` in seconds,
    None while unknown. `reason` says why it is in its state and `hint` what to do next; `next_try` is the
    time of the next try (seconds since the epoch) while it is retrying. `connections` is how many it has
    while bytes come, and `sums` are the checksums that the whole file was verified with (`md5:… sha-256:…`,
    in hex). `elsewhere` is set while another running program owns it, and `where` says which, in words for
    people. `files_done` and `files_failed` count the files of a dataset, of `files_total`; that is None for a
    job of a single file, and until it is known.
    """

    id: int
    request: DownloadRequest
    name: str
    state: JobState
    position: int
    bytes_done: int = 0
    bytes_total: int | None = None
    reason: str = ""
    hint: str = ""
    rate: float | None = None
    eta: float | None = None
    tries: int = 0
    next_try: float | None = None
    connections: int = 0
    sums: str = ""
    files_done: int = 0
    files_failed: int = 0
    files_total: int | None = None
    elsewhere: bool = False
    where: str = ""

    @property
    def path(self) -> Path:
        """Where the whole file will be; of a dataset, its catalog's folder."""
        return self.request.folder / self.name

    @property
    def place(self) -> str:
        """The same as people know it: a path, or the URL of a dataset that goes to a store."""
        url = self.request.url if isinstance(self.request, DatasetRequest) else ""
        return f"{url}/{self.name}" if url else str(self.path)

    @property
    def part(self) -> Path:
        """Its part file; of a dataset, that of the archive of its catalog."""
        name = f"{self.name}.tar.gz" if isinstance(self.request, DatasetRequest) else self.name
        return self.request.folder / f"{name}.part"

    @property
    def disk(self) -> Path:
        """The folder on whose disk most of its bytes are."""
        request = self.request
        return request.assets or request.folder if isinstance(request, DatasetRequest) else request.folder


class JobAction(StrEnum):
    """What a person can do to a job."""

    PAUSE = "pause"
    RESUME = "resume"
    RETRY = "retry"
    CANCEL = "cancel"


@dataclass(frozen=True, slots=True)
class Transition:
    """The states an action applies to, the one it leads to, and the fields of the job that it sets."""

    starts: frozenset[JobState]
    end: JobState
    fields: Mapping[str, object]


_NO_REASON: Mapping[str, object] = {"reason": "", "hint": ""}
_STUCK = _WAITING - {JobState.PAUSED}

TRANSITIONS: Mapping[JobAction, Transition] = {
    JobAction.PAUSE: Transition(
        frozenset(state for state in JobState if JobState.PAUSED in NEXT_STATES[state]),
        JobState.PAUSED,
        {**_NO_REASON, "next_try": None},
    ),
    JobAction.RESUME: Transition(_WAITING, JobState.QUEUED, _NO_REASON),
    JobAction.RETRY: Transition(
        _STUCK | {JobState.RETRYING, JobState.FAILED, JobState.CANCELLED},
        JobState.QUEUED,
        {**_NO_REASON, "next_try": None, "tries": 0},
    ),
    JobAction.CANCEL: Transition(frozenset(JobState) - _FINISHED, JobState.CANCELLED, _NO_REASON),
}


def applies(action: JobAction, job: Job, *, named: bool = True) -> bool:
    """Whether an action does something to a job.

    One that is done can be retried where it is named: what is gone of its files, or has another size, is
    fetched.
    """
    again = named and action is JobAction.RETRY and job.state is JobState.DONE
    return again or job.state in TRANSITIONS[action].starts


def left_of(job: Job) -> dict[str, Any]:
    """Return the fields of a job that was cancelled and whose part was deleted: of a dataset, files stay."""
    if not isinstance(job.request, DatasetRequest):
        return {"bytes_done": 0}
    if not job.files_done:
        return {}
    folder = one_line(job.request.asset_place, 200)
    return {"reason": f"{count(job.files_done, 'file')} are saved in {folder}"}


@dataclass(frozen=True, slots=True)
class Event:
    """One entry of a job's log: its number from 1, seconds since the epoch, one clean line without keys.

    Where numbers are missing, entries were left out.
    """

    number: int
    at: float
    words: str
