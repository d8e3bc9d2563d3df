"""Hosts of a batch: how their files take turns, and what failures mean for a file, its host and the run."""

from __future__ import annotations

import heapq
import itertools
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from .. import errors, text
from ..errors import MLHubException, RequestError
from ..fileio import translate_os_error
from ..http.errors import PASSING, BeingPrepared, ConnectionLost, ConnectTimeout, LinkRejected, RetryPolicy
from ..http.limits import HostLimits
from ..http.urls import origin_of

if TYPE_CHECKING:  # needed by batches only
    from ..http.credentials import Link
    from ..http.urls import Origin
    from .config import TransferProgress
    from .work_source import BatchStats, FileResult, FileTask

_ENDING = (errors.NoSpaceError, errors.APIKeyNotFound, errors.AuthenticationError)
_PASSING = (*PASSING, errors.RemoteChanged, errors.UnexpectedAnswer, errors.TargetBusy)
_TRIES = 6  # failures of a file's own after which it has failed
_GROW = 32  # files in a row after which a host that refused is asked by one more slot
_SILENT = 3  # rounds without any response after which it looks as if the network were gone
_FINAL_FAILURES = 4  # in a row: requests that a host answers so that nobody would wait for it
_LONG = 8  # rounds after which a host is given up while others are well
_FEW = 8  # files that may fail one by one where their host has given none at all
_REFUSALS = frozenset({429, 503})
PROGRESS = 16 << 10
"""Bytes of a file that count: a trickle that dies again and again is no progress."""


class SharedBackoff(Protocol):
    """What others who ask the same hosts have found out; callable from any thread, at once."""

    def blocked_until(self, host: Origin, /) -> float:
        """Return the monotonic time in seconds before which a host is not to be asked."""
        ...

    def block(self, host: Origin, until: float, /) -> None:
        """Have nobody ask a host before a monotonic time."""


def was_reached(error: BaseException) -> bool:
    """Return whether a server took the connection of a request that failed."""
    silent = isinstance(error, errors.ServerUnreachable) and not isinstance(error, ConnectionLost)
    return not silent and not isinstance(error, ConnectTimeout)


class HostState:
    """One host of a batch, as its responses show it, asked by `most` slots at once.

    A failure that is the host's (it refuses, it cannot be reached, file after file fails) makes all slots
    wait together, with full jitter and by its Retry-After; such a wait is a round. A success ends that.
    """

    def __init__(
        self, origin: Origin, most: int, waits: RetryPolicy, backoff: SharedBackoff, limits: HostLimits
    ) -> None:
        self.origin = origin
        self._most = self._allowed = most
        self._waits, self._backoff, self._limits = waits, backoff, limits
        self._lent = self._good = self._streak = 0
        self._culprits: set[str] = set()
        self._since = 0.0
        self.final_failures = 0  # in a row: requests that it answered so that nobody would wait for it
        self.left = self.fresh = 0  # its files that are not done; those of them that did not fail yet
        self.rounds = 0  # since it last gave a file, or bytes of a large one
        self.successes = 0  # files that it gave, and failures before which a large one had grown
        self.awaited = 0  # large files that did not fail yet and wait for a slot
        self._growing: dict[TransferProgress, int] = {}  # large files in progress, with bytes that were seen
        self.until = 0.0  # monotonic time in seconds before which it is not asked
        self.error: RequestError | None = None  # why it was given up

    def begin(self, now: float, *, fresh: bool = True) -> bool:
        """Take a slot if one more may ask it; of a host that was given up there is always one.

        - `fresh`: Whether it is for a file that did not fail yet; any other one lets large files pass that
          wait, whose turn would never come while the host refuses small ones.
        """
        if self.error is None:
            self.until = max(self.until, self._backoff.blocked_until(self.origin))
            taken = self._lent if fresh else self._lent + self.awaited
            if taken >= self._allowed or now < self.until:
                return False
            if not self._limits.try_acquire(self.origin, self, self._most):
                return False
            self._lent += 1
        return True

    def end(self) -> None:
        """Give a slot back."""
        if self._lent:
            self._lent -= 1
            self._limits.release(self.origin, self)

    def admit(self, task: FileTask) -> None:
        """Count a file that is to be fetched from it."""
        self.left, self.fresh = self.left + 1, self.fresh + task.fresh

    def dismiss(self, task: FileTask) -> None:
        """Count a file as done, failed, or fetched from elsewhere."""
        self.left, self.fresh = self.left - 1, self.fresh - task.fresh

    def suspects(self, task: FileTask) -> None:
        """Count a file as one that failed."""
        self.fresh, task.fresh = self.fresh - task.fresh, False

    def succeeded(self) -> None:
        """Record a good response."""
        self.successes += 1
        self.rounds = self._streak = self.final_failures = 0
        self._culprits.clear()
        self._good += 1
        if self._good >= _GROW and self._allowed < self._most:
            self._allowed, self._good = self._allowed + 1, 0

    def is_elsewhere(self, error: RequestError) -> bool:
        """Return whether another host could not be reached, to which this one redirects a file."""
        return not was_reached(error) and origin_of(error.url or "") not in (None, self.origin)

    def progressed(self) -> None:
        """Record bytes of a file that is not whole yet."""
        self.rounds = self._streak = 0
        self._culprits.clear()

    def watch(self, progress: TransferProgress) -> None:
        """Have the bytes of a large file count while it is in progress."""
        self._growing[progress] = progress.done

    def unwatch(self, progress: TransferProgress) -> None:
        """End to watch a large file."""
        self._growing.pop(progress, None)

    def notice_growth(self) -> None:
        """Record that a large file has grown since the last failure, if so: what failed did so alone."""
        if grown := [each for each, seen in self._growing.items() if each.done >= seen + PROGRESS]:
            self._growing.update((each, each.done) for each in grown)
            self.successes += 1
            self.progressed()

    def failed(self, error: RequestError, path: str, began: float, now: float) -> None:
        """Record a failure of a request for a path that began at a moment; it may begin a round."""
        if began < self._since:
            return  # asked before the wait began: what is known already
        self._streak += 1
        self._culprits.add(path)
        silent = not was_reached(error) and not self.is_elsewhere(error)
        refuses = error.status in _REFUSALS or silent
        if refuses or (len(self._culprits) > 1 and self._streak >= 2 * self._allowed):
            self.rounds += 1
            self._streak = self._good = 0
            self._allowed = max(1, self._allowed // 2)
            wait = self._waits.wait(self.rounds, retry_after=error.retry_after) or 0.0
            self.until = self._since = now + wait
            self._backoff.block(self.origin, self.until)


class HostScheduler:
    """Files by host, served in turn: files that failed come after those that were not tried yet.

    `ready` files wait for a slot; `complete` is whether the work source is exhausted. `record` is called with
    the result of a file that has failed, `end` with an error that ends the run, `relink` with a file that
    needs another link.
    """

    def __init__(
        self,
        per_host: int,
        retries: RetryPolicy,
        backoff: SharedBackoff | None,
        limits: HostLimits,
        record: Callable[[FileTask, FileResult], None],
        end: Callable[[BaseException], None],
        relink: Callable[[FileTask], None],
    ) -> None:
        self._per_host, self._retries = per_host, retries
        self._record, self._end, self._relink = record, end, relink
        self._tries = min(_TRIES, retries.tries or _TRIES)
        self._why: RequestError | None = None
        self._backoff, self._limits = backoff or limits, limits
        self.waits = replace(retries, tries=None, doubtful_tries=None, budget=None)
        self.hosts: dict[Origin, HostState] = {}
        self._ready: dict[Origin, deque[FileTask]] = {}
        self._later: list[tuple[float, int, FileTask]] = []
        self._numbers = itertools.count()
        self.ready = 0
        self.complete = False

    def host(self, origin: Origin) -> HostState:
        """Return the state of a host."""
        if (host := self.hosts.get(origin)) is None:
            host = HostState(origin, self._per_host, self.waits, self._backoff, self._limits)
            self.hosts[origin] = host
        return host

    def add(self, task: FileTask) -> None:
        """Add a file that may be fetched now."""
        self._ready.setdefault(task.origin, deque()).append(task)
        self.ready += 1

    def put_off(self, task: FileTask, until: float) -> None:
        """Add a file that may be fetched from a moment on (monotonic, seconds)."""
        heapq.heappush(self._later, (until, next(self._numbers), task))

    def next(self, now: float) -> FileTask | None:
        """Return a file whose host may be asked now, with one of its slots taken; None if there is none."""
        while self._later and self._later[0][0] <= now:
            self.add(heapq.heappop(self._later)[2])
        for origin, tasks in self._ready.items():
            if self.host(origin).begin(now, fresh=tasks[0].fresh):
                task = tasks.popleft()
                if len(self._ready) > 1 or not tasks:
                    del self._ready[origin]
                    if tasks:
                        self._ready[origin] = tasks  # at the end: the other hosts come first now
                self.ready -= 1
                return task
        return None

    def close(self) -> None:
        """Leave all hosts to the others."""
        for host in self.hosts.values():
            self._limits.forget(host)

    def others_well(self, but: HostState) -> bool:
        """Return whether another host gave files and has not failed since."""
        return any(host.successes and not host.rounds for host in self.hosts.values() if host is not but)

    def waits_until(self, now: float) -> float | None:
        """Return until when all that waits has to wait (monotonic, seconds); None if something need not."""
        moments = [self.host(origin).until for origin in self._ready]
        moments += [self._later[0][0]] if self._later else []
        return min(moments) if moments and min(moments) > now else None

    def failed(self, task: FileTask, error: MLHubException | OSError, began: float, done: int = 0) -> None:
        """Judge a failure of a file whose request began at a moment; of which so many bytes are there."""
        if done >= task.reached + PROGRESS:
            task.reached, task.tries, task.relinked = done, 0, False
            self.host(task.origin).progressed()
        if isinstance(error, OSError):
            error = translate_os_error(error, Path(task.target))
        if isinstance(error, _ENDING):
            self._end(error)
        elif isinstance(error, RequestError) and (
            error.status == HTTPStatus.NETWORK_AUTHENTICATION_REQUIRED
            or self.waits.asks_too_much(error.retry_after)
        ):
            self._give_up(task, error)
        elif isinstance(error, BeingPrepared):
            self._await_preparation(task, error)
        elif isinstance(error, LinkRejected) and not task.relinked:
            task.relinked, task.rejection = True, error
            self._relink(task)
        elif isinstance(error, errors.VerificationFailed) and not task.refetched:
            task.refetched = True
            self.add(task)
        elif isinstance(error, _PASSING):
            self._retry(task, error, began)
        else:
            self._record(task, task.failed(error))

    def relinked(self, task: FileTask, link: Link | None) -> None:
        """Continue with a file whose link was rejected, or not, if there is no other one.

        RequestError if the other one is none.
        """
        assert task.rejection is not None
        if link is None or link.url == task.link.url:
            return self._record(task, task.failed(task.rejection))
        moved = replace(task, link=link, origin=link.origin)
        self.host(task.origin).dismiss(task)
        self.host(moved.origin).admit(moved)
        return self.add(moved)

    def show(self, stats: BatchStats) -> None:
        """Report the reason and time of the next request while all files have to wait."""
        until = self.waits_until(time.monotonic())
        stats.next_try = until
        stats.reason = text.one_line(text.redact(self._why.message), 300) if until and self._why else ""

    def _give_up(self, task: FileTask, error: RequestError) -> None:
        """Fail a file that nobody would wait for, and its host where it answers like that again and again."""
        host = self.host(task.origin)
        host.suspects(task)
        host.final_failures += not isinstance(error, BeingPrepared)
        if host.final_failures >= _FINAL_FAILURES:
            if not self.others_well(host):
                return self._end(error)
            host.error = error
        return self._record(task, task.failed(error))

    def _await_preparation(self, task: FileTask, error: BeingPrepared) -> None:
        """Try again when the server says; where it does not, so many times. It is no failure of its host."""
        self.host(task.origin).suspects(task)
        task.preparing, self._why = task.preparing + 1, error
        task.tries += error.retry_after is None
        if task.tries >= self._tries:
            return self._record(task, task.failed(error))
        wait = self.waits.wait(task.preparing, retry_after=error.retry_after) or 0.0
        return self.put_off(task, time.monotonic() + wait)

    def _retry(self, task: FileTask, error: MLHubException, began: float) -> None:
        """Try again later: the file alone, or all files of its host together."""
        now, host = time.monotonic(), self.host(task.origin)
        host.notice_growth()
        host.suspects(task)
        wait: float | None = None
        own = True
        if isinstance(error, RequestError):
            self._why = error
            # Once nothing can show any more whether a host is well, as all that is left of it failed, a file
            # that is refused again and again has failed, rather than hold up the run for good.
            known = host.successes > 0 or host.left <= _FEW
            answered = was_reached(error) or host.is_elsewhere(error)
            if answered and known and self.complete and not host.fresh:
                wait = self.waits.wait(task.tries + 1, retry_after=error.retry_after)
            else:
                host.failed(error, task.target, began, now)
                own = host.rounds == 0 or host.successes != task.seen
                if self._is_exhausted(host, error):
                    if not self.others_well(host):
                        return self._end(error)
                    host.error = error
        task.tries += own  # while the host is ill, that is not held against its files
        task.seen = host.successes
        if host.error is not None or task.tries >= self._tries:
            return self._record(task, task.failed(error))
        if wait is None:
            wait = 0.0 if host.until > now else self.waits.wait(max(task.tries, 1))
        return self.put_off(task, now + (wait or 0.0))

    def _is_exhausted(self, host: HostState, error: RequestError) -> bool:
        """Return whether a host is to be given up, or the run to end."""
        if host.rounds == 0:
            return False
        others_well = self.others_well(host)
        if not others_well and any(each.left and not each.rounds for each in self.hosts.values()):
            return False  # one that was asked has yet to show what it is, and may take minutes
        if not was_reached(error) and not others_well:
            return host.rounds >= _SILENT
        if others_well and host.rounds >= _LONG:
            return True
        return self._retries.exhausted(host.rounds, doubtful=isinstance(error, errors.UnexpectedAnswer))
