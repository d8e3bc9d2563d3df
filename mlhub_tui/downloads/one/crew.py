"""Further connections to a file that is on its way, as long as they make it come faster."""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Callable

import httpx

from ... import errors
from ..content_coding import codings
from ..line import Line
from ..live import Live
from ..trouble import Broken, Interrupted
from ..tuning import Tuning
from . import piece
from .body import Body
from .lane import Lane
from .piece import StartOver
from .pour import Pace, pour
from .ramp import Ramp
from .sink import SEAM, Sink
from .wire import Wire, refuse

_PASSING = (errors.ServerUnreachable, errors.ServerTimeout, errors.ServerError)
_WORTH = 2.0  # windows that one more connection must have something to do for
_SETTLE = 0.25  # of a window, after which new connections have found their speed


class Crew:
    """The connections of one transfer beside its first.

    A thread of its own measures and decides; each connection is a thread that takes stretches from the
    sink until none is left, or until there are more connections than wanted. A connection that fails gives
    its stretch back. When ranges are not answered right before any byte of them was written, the first
    connection goes on alone; after that, it is a doubt about what is there, and the file starts over.

    Parameters
    ----------
    sink
        The file.
    connect
        Opens a connection; it is closed here.
    name
        The file, as the user knows it.
    line
        What all transfers share.
    coded
        The content codings that the first answer is labelled with.
    """

    def __init__(
        self,
        sink: Sink,
        connect: Callable[[], Wire],
        name: str,
        live: Live,
        tuning: Tuning,
        line: Line,
        coded: tuple[str, ...] = (),
    ) -> None:
        self._sink = sink
        self._version = sink.version
        self._connect = connect
        self._name = name
        self._live = live
        self._tuning = tuning
        self._line = line
        self._coded = coded
        self._ramp = Ramp(self._most(), tuning.gain)
        self._lock = threading.Condition()
        self._workers: dict[threading.Thread, Wire] = {}
        self._first = True
        self._wrote = False
        self._closed = False
        self._refused = 0.0
        self._error: Exception | None = None
        self._over = threading.Event()

    def run(self, first: Callable[[], None]) -> None:
        """Let the first connection do its stretch, and others help; returns when nobody can go on.

        Raises
        ------
        StartOver
            If there is a doubt about what was written.
        RequestError, DownloadError
            What made the last of them end while something is missing.
        """
        watch = threading.Thread(target=self._watch, name="connections", daemon=True)
        watch.start()
        try:
            try:
                first()
                self._error = None
            except _PASSING as error:
                self._failed(error)
            self._first = False
            self._wait()
        finally:
            self._first = False
            self._end()
            watch.join()
        if self._sink.failure is not None:
            raise self._sink.failure
        if not self._sink.whole and self._error is not None:
            raise self._error
        if not self._sink.seams_agree():
            raise StartOver("the bytes of two connections do not agree where they meet")

    def _wait(self) -> None:
        """Wait for the others, who take over what the first one has left."""
        while self._sink.failure is None:
            if self._error is None or self._workers:
                self._staff()
            with self._lock:
                if not self._workers:
                    return
                self._lock.wait(self._tuning.tick)

    def _end(self) -> None:
        self._over.set()
        with self._lock:
            self._closed = True
            workers = dict(self._workers)
        for wire in workers.values():
            wire.drop()
        for worker in workers:
            worker.join()
        self._live.connections = 1

    def _watch(self) -> None:
        """Measure, and have as many connections as pay."""
        while not self._over.wait(self._tuning.window * _SETTLE) and not self._closed:
            before, start = self._live.done, time.monotonic()
            if self._over.wait(self._tuning.window):
                return
            rate = (self._live.done - before) / (time.monotonic() - start)
            if self._ramp.cap(self._most()):
                with self._lock:
                    self._sink.retire(self._working() - self._ramp.level)
            ending = self._sink.total - self._sink.done < rate * _WORTH * self._tuning.window
            if ending or self._line.limit.rate is not None:
                continue
            with self._lock:
                if self._working() >= self._ramp.level or not self._sink.claimable():
                    self._sink.retire(self._working() - self._ramp.feed(rate))
            self._staff()

    def _most(self) -> int:
        return min(self._tuning.connections, self._line.connections)

    def _working(self) -> int:
        return len(self._workers) + self._first

    def _staff(self) -> None:
        """Bring the number of connections to what is wanted."""
        with self._lock:
            while self._working() < self._ramp.level and not self._closed:
                if not self._line.spare.acquire(blocking=False):
                    break
                lane = self._sink.claim()
                if lane is None:
                    self._line.spare.release()
                    break
                wire = self._connect()
                worker = threading.Thread(
                    target=functools.partial(self._work, wire, lane), name="connection", daemon=True
                )
                self._workers[worker] = wire
                worker.start()
            self._live.connections = self._working()

    def _work(self, wire: Wire, lane: Lane | None) -> None:
        try:
            while lane is not None:
                try:
                    self._fetch(wire, lane)
                finally:
                    lane.active = False
                self._error = None
                lane = self._next()
        except Interrupted as error:
            self._sink.failure = error
        except _PASSING as error:
            self._failed(error)
        except Exception as error:
            self._doubted(error)
        finally:
            wire.close()
            self._line.spare.release()
            with self._lock:
                self._workers.pop(threading.current_thread(), None)
                self._lock.notify_all()

    def _next(self) -> Lane | None:
        with self._lock:
            if self._closed or self._sink.failure is not None or self._working() > self._ramp.level:
                return None
            return self._sink.claim()

    def _fetch(self, wire: Wire, lane: Lane) -> None:
        """Ask for a stretch, what is there before it, and a little of what comes after it."""
        sink, tuning = self._sink, self._tuning
        known = sink.before(lane.start, tuning.overlap)
        first, last = lane.start - known, min(lane.end + SEAM, sink.total) - 1
        with wire.ask("GET", piece.headers(self._version, first, last)) as response:
            refuse(response, self._name, page=wire.page)
            if response.status_code != httpx.codes.PARTIAL_CONTENT:
                raise StartOver("the server does not give ranges")
            if codings(response.headers) != self._coded:
                raise StartOver("the server sends ranges in another content coding")
            lane.reach = piece.check(response, self._version, first)
            body = Body(response, wire, tuning.tick)
            piece.compare(body, sink.part, lane.start, known, tuning.stall)
            self._begin()
            view = memoryview(bytearray(tuning.buffer))
            pour(body, sink, lane, view, 0, Pace(tuning, lane.at), self._line.limit)
            if lane.at == lane.start and not lane.retired:
                raise Broken("the connection ended before a byte came")

    def _begin(self) -> None:
        """Before the first byte beyond a gap: make the part longer than the file can be.

        So a part with holes whose record is lost is never taken for one that is half done.
        """
        with self._lock:
            if not self._wrote:
                self._sink.part.truncate(self._sink.total + 1)
                self._wrote = True

    def _failed(self, error: Exception) -> None:
        """Want half as many: the server refused one, or broke it off."""
        with self._lock:
            if self._over.is_set():
                return
            self._error = error
            now = time.monotonic()
            if now - self._refused >= self._tuning.window:  # those that fail together count once
                self._refused = now
                self._live.tell(f"a connection failed: {error}")
                self._sink.retire(self._working() - 1 - self._ramp.refused())

    def _doubted(self, error: Exception) -> None:
        """Go on alone if it was a refusal, or if nothing came of the others yet; else end everything."""
        with self._lock:
            self._closed = True
            if isinstance(error, errors.RequestError) and not isinstance(error, errors.UnexpectedAnswer):
                self._error = error
            elif self._wrote or not isinstance(error, StartOver | errors.UnexpectedAnswer):
                self._sink.failure = error
