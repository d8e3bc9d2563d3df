"""One keep-alive connection to a place, with one request on it at a time; all in one event loop."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import time

from ... import errors, text
from ...errors import RequestError
from ..limit import Limit
from ..one.pour import Pace
from ..trouble import Broken
from ..tuning import Tuning
from .place import Place
from .reading import HEAD, Answer, Reading

_WAITS = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class Connection:
    """A connection that is open.

    Its socket is watched by the loop all the time, so that one the server has closed is noticed while
    nothing is asked. Where the bytes go is up to a `Reading`.

    Parameters
    ----------
    opened
        The socket, connected, not blocking; TLS is set up.

    Attributes
    ----------
    closed
        Whether it is of no more use.
    used
        Whether it has brought an answer already.
    heard
        Bytes it has taken in all.
    """

    def __init__(self, opened: socket.socket, place: Place, tuning: Tuning, limit: Limit) -> None:
        self._loop = asyncio.get_running_loop()
        self._socket = opened
        self._place = place
        self._tuning = tuning
        self._limit = limit
        self._secure = isinstance(opened, ssl.SSLSocket)
        self._buffer = bytearray(HEAD)
        self._unsent = b""
        self._writing = False
        self._reading: Reading | None = None
        self._waiter: asyncio.Future[Answer] | None = None
        self._asked = self._due = 0.0
        self._pace: Pace | None = None
        self._received = self.heard = 0
        self.closed = self.used = False
        self._loop.add_reader(opened.fileno(), self._readable)

    async def ask(self, method: str, request: bytes, most: int) -> Answer:
        """Send a request and return its answer, with a body of up to `most` bytes.

        Raises
        ------
        Broken
            If the connection ends before the answer does.
        ServerTimeout
            If it does not come in time, or next to nothing comes for too long.
        """
        if self._due:
            await self._pay()
            if self.closed:
                raise Broken("the connection ended before an answer", url=self._url())
        self._reading = Reading(method, self._buffer, most)
        self._waiter = waiter = self._loop.create_future()
        self._asked, self._pace, self._received = time.monotonic(), None, 0
        self._unsent = request
        self._send()
        try:
            answer: Answer = await waiter
        except BaseException:
            self.close()
            raise
        self.used = True
        if not answer.keep:
            self.close()
        return answer

    def check(self, now: float) -> None:
        """Look at the clock, now and then: end what has come to a stand."""
        waiter, reading = self._waiter, self._reading
        if waiter is None or waiter.done() or reading is None:
            return
        if now < self._due:
            if self._pace is not None:
                self._pace.excuse()
            self._asked = now
            return
        try:
            if not reading.begun:
                if now - self._asked > self._tuning.answer:
                    raise errors.ServerTimeout(f"{self._where()} did not answer in time", url=self._url())
            elif self._pace is None:
                self._pace = Pace(self._tuning, self._received)
            else:
                self._pace.check(self._received)
        except RequestError as error:
            self._fail(error)

    def close(self) -> None:
        """Close it."""
        if not self.closed:
            self.closed = True
            self._loop.remove_reader(self._socket.fileno())
            self._loop.remove_writer(self._socket.fileno())
            self._socket.close()

    def _send(self) -> None:
        try:
            self._unsent = self._unsent[self._socket.send(self._unsent) :]
        except _WAITS:
            pass
        except OSError as error:
            return self._fail(self._broken(error))
        if self._unsent and not self._writing:
            self._loop.add_writer(self._socket.fileno(), self._send)
        elif self._writing and not self._unsent:
            self._loop.remove_writer(self._socket.fileno())
        self._writing = bool(self._unsent)
        return None

    def _readable(self) -> None:
        try:
            while self._receive():
                pass
        except _WAITS:
            pass
        except OSError as error:
            self._fail(self._broken(error))
        except RequestError as error:
            self._fail(error)

    def _receive(self) -> bool:
        """Take what is there; return whether to look for more at once, as TLS may hold some back."""
        reading, waiter = self._reading, self._waiter
        if reading is None or waiter is None or waiter.done():
            self._end_idle()
            return False
        space = reading.space()
        limited = self._limit.rate is not None
        if limited:
            space = space[: self._limit.share(len(space))]
        count = self._socket.recv_into(space)
        self._received += count
        self.heard += count
        if limited:
            self._due = self._limit.book(count)
        if reading.filled(count) if count else reading.ended():
            self._reading = self._waiter = None
            if not count:
                reading.answer.keep = False
            waiter.set_result(reading.answer)
            return False
        rests = limited and self._rests()
        return self._secure and not rests

    def _rests(self) -> bool:
        """Return whether the speed limit lets nothing be read now; a change is noticed within a tick."""
        wait = self._due - time.monotonic()
        if wait <= 0:
            return False
        self._loop.remove_reader(self._socket.fileno())
        self._loop.call_later(min(wait, self._tuning.tick), self._resume, self._limit.rate)
        return True

    def _resume(self, rate: float | None) -> None:
        if self.closed or (self._limit.rate == rate and self._rests()):
            return
        self._due = 0.0
        self._loop.add_reader(self._socket.fileno(), self._readable)
        self._readable()

    async def _pay(self) -> None:
        """Wait until the speed limit lets more come: small answers are whole before they are paid."""
        while (rate := self._limit.rate) is not None and (wait := self._due - time.monotonic()) > 0:
            await asyncio.sleep(min(wait, self._tuning.tick))
            if self._limit.rate != rate:
                break
        self._due = 0.0

    def _end_idle(self) -> None:
        """Notice the end, or bytes that nobody asked for: either way nothing more is asked here."""
        with contextlib.suppress(ssl.SSLWantReadError, BlockingIOError):
            self._socket.recv(1)  # TLS 1.3 also sends what is not for us: session tickets
            self.close()

    def _fail(self, error: RequestError) -> None:
        waiter, self._waiter, self._reading = self._waiter, None, None
        self.close()
        if waiter is not None and not waiter.done():
            waiter.set_exception(error)

    def _broken(self, error: OSError) -> Broken:
        why = text.one_line(text.redact(error.strerror or str(error)), 160) or type(error).__name__
        broken = Broken(f"the connection to {self._where()} broke: {why}", url=self._url())
        broken.__cause__ = error
        return broken

    def _where(self) -> str:
        return text.one_line(self._place.authority, 100)

    def _url(self) -> str:
        return f"{self._place.scheme}://{self._place.authority}/"
