"""Whether the network is down for all: then the queue waits, and one transfer at a time tries for all."""

from __future__ import annotations

import errno
import re
import socket
import time
from collections.abc import Callable, Iterable, Iterator

from ..errors import RequestError, ServerTimeout, ServerUnreachable
from ..http.retry import RetryPolicy
from .job import Job, JobState

NO_NETWORK = "no network, it seems"
"""How the reason of what waits for the network begins."""

_NOWHERE = frozenset(
    getattr(errno, name)
    for name in ("ENETUNREACH", "EHOSTUNREACH", "ENETDOWN", "EHOSTDOWN")
    if hasattr(errno, name)
)
_ERRNO = re.compile(r"\[Errno (\d+)\]")
_SEVERAL = 2


class ConnectivityMonitor:
    """Judges by what becomes of the transfers themselves, so that proxies and portals need no rule here.

    Two transfers in a row that find no way out, and none that hears anything, mean that it is down. One
    transfer then tries at a time, each time one of another source if there is one, so that a single host
    that is gone does not hold up the others. Any answer ends it. `retries` has the waits between two tries.
    """

    def __init__(self, retries: RetryPolicy, clock: Callable[[], float] = time.monotonic) -> None:
        self._retries = retries
        self._clock = clock
        self._suspects: set[int] = set()
        self._failures = 0
        self._next = 0.0
        self._probe: int | None = None
        self._source = ""
        self.down = False

    def failed(self, job: Job, error: BaseException, *, alive: bool) -> float | None:
        """Take note of a failure; return the seconds until the next try for all if the network is down.

        It is not if another transfer is `alive`: it receives something at the moment.
        """
        if job.near or alive or not no_way_out(error):
            return None
        self._suspects.add(job.id)
        if not self.down and len(self._suspects) < _SEVERAL:
            return None
        if not self.down or job.id == self._probe:
            self.down, self._probe = True, None
            self._failures += 1
            self._next = self._clock() + self._retries.delay(self._failures)
        return max(0.0, self._next - self._clock())

    def worked(self, job: Job) -> bool:
        """Take note that a server was heard; return whether the network was down until now."""
        if job.near:
            return False
        was_down, self.down, self._probe = self.down, False, None
        self._suspects.clear()
        self._failures = 0
        return was_down

    def ended(self, job_id: int) -> None:
        """Take note that a transfer ended without a word on the network."""
        if self._probe == job_id:
            self._probe = None

    def allowed(self, jobs: Iterable[Job]) -> frozenset[int] | None:
        """Return the ids of the queued jobs that may start; None for all."""
        if not self.down:
            return None
        queued = [job for job in jobs if job.state is JobState.QUEUED]
        local = {job.id for job in queued if job.near}
        if self._probe is None and self._clock() >= self._next:
            far = [job for job in queued if job.id not in local]
            chosen = next((job for job in far if job.request.source != self._source), None)
            local.update(job.id for job in [chosen or (far[0] if far else None)] if job is not None)
        return frozenset(local)

    def started(self, job: Job) -> None:
        """Take note of a transfer that begins: while the network is down, it is the one that tries."""
        if self.down and not job.near:
            self._probe, self._source = job.id, job.request.source


def no_way_out(error: BaseException) -> bool:
    """Return whether an error means that no way leads out: a name that nobody knows, no route."""
    return any(_leads_nowhere(cause) for cause in _chain(error))


def _leads_nowhere(cause: BaseException) -> bool:
    if isinstance(cause, socket.gaierror):
        return True
    if not isinstance(cause, OSError):
        return False
    # asyncio joins the errors of several addresses in one text.
    numbers = [cause.errno] if cause.errno else [int(one) for one in _ERRNO.findall(str(cause))]
    return bool(numbers) and all(number in _NOWHERE for number in numbers)


def heard(error: BaseException) -> bool:
    """Return whether a server answered, though not as it should."""
    if isinstance(error, ServerUnreachable | ServerTimeout):
        return False
    return isinstance(error, RequestError) and error.status is not None


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__
