"""Jobs: the states a transfer is in, the legal moves between them, and the actions people take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from ..auth.kind import Kind
from ..planning.requests import SAMPLE, AssetRequest, DatasetRequest, DownloadRequest


class JobState(StrEnum):
    """The state of a transfer, in the words of the field."""

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
        """Whether it is being worked on: transferring, or waiting for its own next try."""
        return self in _RUNNING

    @property
    def finished(self) -> bool:
        """Whether nothing more happens to it by itself or by a resume."""
        return self in _FINISHED


_RUNNING = frozenset(
    {
        JobState.CONNECTING,
        JobState.PREPARING,
        JobState.DOWNLOADING,
        JobState.STALLED,
        JobState.RETRYING,
        JobState.VERIFYING,
    },
)
_FINISHED = frozenset({JobState.DONE, JobState.FAILED, JobState.CANCELLED})

IDLE_STATES = _FINISHED | {JobState.PAUSED, JobState.NEEDS_KEY, JobState.NO_SPACE}
"""States in which a job stays until somebody does something."""

_ENDS = frozenset(
    {
        JobState.RETRYING,
        JobState.PAUSED,
        JobState.NEEDS_KEY,
        JobState.NO_SPACE,
        JobState.FAILED,
        JobState.CANCELLED,
        JobState.QUEUED,
    }
)

_AT_WORK = frozenset(
    {JobState.CONNECTING, JobState.PREPARING, JobState.DOWNLOADING, JobState.STALLED, JobState.VERIFYING}
)

NEXT_STATES: Mapping[JobState, frozenset[JobState]] = {
    JobState.QUEUED: frozenset({JobState.CONNECTING, JobState.PAUSED, JobState.CANCELLED}),
    **{state: (_ENDS | _AT_WORK | {JobState.DONE}) - {state} for state in _AT_WORK},
    JobState.RETRYING: frozenset({JobState.QUEUED, JobState.PAUSED, JobState.CANCELLED}),
    JobState.PAUSED: frozenset({JobState.QUEUED, JobState.CANCELLED, JobState.DONE}),
    JobState.NEEDS_KEY: frozenset({JobState.QUEUED, JobState.PAUSED, JobState.CANCELLED}),
    JobState.NO_SPACE: frozenset({JobState.QUEUED, JobState.PAUSED, JobState.CANCELLED}),
    JobState.DONE: frozenset({JobState.QUEUED}),
    JobState.FAILED: frozenset({JobState.QUEUED, JobState.CANCELLED}),
    JobState.CANCELLED: frozenset({JobState.QUEUED, JobState.DONE}),
}
"""From each state, the states it may go to. A program that ends puts what it was at back to queued.

What was paused or cancelled while it got its final name is done: the file is there.
"""

ACTIVE_STATES = _AT_WORK
"""States in which a transfer holds one of the places at work (a wait for the next try holds none)."""


class IllegalTransition(ValueError):
    """A move that is not in the table."""

    def __init__(self, start: JobState, end: JobState) -> None:
        super().__init__(f"a transfer cannot go from {start} to {end}")
        self.start = start
        self.end = end


def check_transition(start: JobState, end: JobState) -> None:
    """Raise IllegalTransition unless a transfer may go from `start` to `end`."""
    if end not in NEXT_STATES[start]:
        raise IllegalTransition(start, end)


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
        """Where the whole file will stand; of a dataset, its catalog's folder."""
        return self.request.folder / self.name

    @property
    def place(self) -> str:
        """Where that is, as people know it: a path, or the URL of a dataset that goes to a store."""
        request = self.request
        url = request.url if isinstance(request, DatasetRequest) else ""
        return f"{url}/{self.name}" if url else str(self.path)

    @property
    def near(self) -> bool:
        """Whether its bytes are on this machine, so that no network is needed for them."""
        match self.request:
            case AssetRequest(href=href):
                local = href.startswith("file:")
            case DatasetRequest(kind=Kind.STATIC, source=source):
                local = "://" not in source and not self.request.url
            case _:
                local = False
        return local or self.request.source == SAMPLE

    @property
    def part(self) -> Path:
        """Where it grows until then; of a dataset, the archive of its catalog."""
        name = f"{self.name}.tar.gz" if isinstance(self.request, DatasetRequest) else self.name
        return self.request.folder / f"{name}.part"

    @property
    def disk(self) -> Path:
        """The folder on whose disk most of its bytes are."""
        request = self.request
        return request.assets or request.folder if isinstance(request, DatasetRequest) else request.folder


class JobAction(StrEnum):
    """What a person can ask of a job."""

    PAUSE = "pause"
    RESUME = "resume"
    RETRY = "retry"
    CANCEL = "cancel"


@dataclass(frozen=True, slots=True)
class Transition:
    """From which states a verb leads to which one, and what of the job it sets besides."""

    starts: frozenset[JobState]
    end: JobState
    fields: Mapping[str, object]


_SAID: Mapping[str, object] = {"reason": "", "hint": ""}

TRANSITIONS: Mapping[JobAction, Transition] = {
    JobAction.PAUSE: Transition(
        frozenset(state for state in JobState if JobState.PAUSED in NEXT_STATES[state]),
        JobState.PAUSED,
        {**_SAID, "next_try": None},
    ),
    JobAction.RESUME: Transition(
        frozenset({JobState.PAUSED, JobState.NEEDS_KEY, JobState.NO_SPACE}), JobState.QUEUED, _SAID
    ),
    JobAction.RETRY: Transition(
        frozenset(
            {JobState.RETRYING, JobState.NEEDS_KEY, JobState.NO_SPACE, JobState.FAILED, JobState.CANCELLED}
        ),
        JobState.QUEUED,
        {**_SAID, "next_try": None, "tries": 0},
    ),
    JobAction.CANCEL: Transition(
        frozenset(
            state for state in JobState if JobState.CANCELLED in NEXT_STATES[state] and not state.finished
        ),
        JobState.CANCELLED,
        _SAID,
    ),
}
"""Which states an action applies to, where it leads, and which fields it sets."""


def applies(verb: JobAction, job: Job) -> bool:
    """Whether a verb does something to a job that is named.

    A dataset that is done can be retried: what is gone of its files, or has another size, is fetched. It is
    not among those that are retried without a name.
    """
    again = verb is JobAction.RETRY and job.state is JobState.DONE and isinstance(job.request, DatasetRequest)
    return again or job.state in TRANSITIONS[verb].starts
