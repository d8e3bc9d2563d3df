"""How a host fares: how many slots it bears, when it may be asked again, and when it is given up for now."""

from __future__ import annotations

from typing import Protocol

from ... import errors
from ...errors import RequestError
from ...http.urls import Origin
from ...transfer.limits import HostLimits
from ..tuning import Patience

_GROW = 32  # files in a row after which a host that refused is asked by one more slot
_REFUSALS = frozenset({429, 503})
_SILENT = 3  # rounds without any answer after which it looks as if the network were gone
_LONG = 8  # rounds after which a host is given up while others are well


class SharedBackoff(Protocol):
    """What others who ask the same hosts have found out; callable from any thread, at once."""

    def blocked_until(self, host: Origin, /) -> float:
        """Return the monotonic time in seconds before which a host is not to be asked."""
        ...

    def block(self, host: Origin, until: float, /) -> None:
        """Have nobody ask a host before a monotonic time."""
        ...


class Host:
    """One host, as its answers show it.

    A failure that is the host's (it refuses, it cannot be reached, file after file breaks) makes all slots
    wait together, with full jitter and by its Retry-After; such a wait is a round. A success ends that.

    Parameters
    ----------
    place
        Scheme, host and port.
    most
        Slots that may ask it at once.
    patience
        How long rounds are, and how many there may be.
    holds
        Who else asks it, and waits when this one has to and the other way round.
    share
        What all runs of this program may ask of it together; nobody else asks by default.

    Attributes
    ----------
    active
        Slots that ask it at the moment.
    until
        Monotonic time in seconds before which it is not asked.
    rounds
        Rounds since it last gave a file.
    successes
        Files that it gave.
    error
        Why it was given up; None while it is not.
    """

    def __init__(
        self,
        place: Origin,
        most: int,
        patience: Patience,
        holds: SharedBackoff | None = None,
        share: HostLimits | None = None,
    ) -> None:
        self.place = place
        self._most = self._allowed = most
        self._patience = patience
        self._holds = holds
        self._share = share
        self._lent = 0
        self._good = 0
        self._streak = 0
        self._culprits: set[str] = set()
        self._since = 0.0
        self.active = 0
        self.until = 0.0
        self.rounds = 0
        self.successes = 0
        self.answered = False
        self.error: RequestError | None = None

    def free(self, now: float) -> bool:
        """Return whether one more slot may ask it."""
        if self._holds is not None:
            self.until = max(self.until, self._holds.blocked_until(self.place))
        return self.active < self._allowed and now >= self.until

    def begin(self, now: float) -> bool:
        """Take a slot if one more may ask it; of a host that was given up there is always one."""
        if self.error is None:
            if not self.free(now):
                return False
            if self._share is not None:
                if not self._share.try_acquire(self.place, self, self._most):
                    return False
                self._lent += 1
        self.active += 1
        return True

    def end(self) -> None:
        """Give a slot back."""
        self.active -= 1
        if self._share is not None and self._lent:
            self._lent -= 1
            self._share.release(self.place, self)

    def leave(self) -> None:
        """Leave it to the others: nothing more is asked of it."""
        if self._share is not None:
            self._share.forget(self)

    def gave(self) -> None:
        """Take note of a good answer."""
        self.answered = True
        self.successes += 1
        self.rounds = self._streak = 0
        if self._culprits:
            self._culprits.clear()
        self._good += 1
        if self._good >= _GROW and self._allowed < self._most:
            self._allowed, self._good = self._allowed + 1, 0

    def failed(self, error: RequestError, path: str, began: float, now: float, *, reached: bool) -> None:
        """Take note of a failure of a request for a path that began at a moment.

        Parameters
        ----------
        reached
            Whether it took a connection at all.
        """
        if began < self._since:
            return  # asked before the wait began: what is known already
        self._streak += 1
        self._culprits.add(path)
        own = error.status in _REFUSALS or not reached
        if own or (len(self._culprits) > 1 and self._streak >= 2 * self._allowed):
            self._hold(now, error.retry_after)

    def exhausted(self, error: RequestError, *, reached: bool, others_well: bool) -> bool:
        """Return whether it is to be given up, or the run to end, with an error."""
        if self.rounds == 0:
            return False
        if not reached and not others_well:
            return self.rounds >= _SILENT
        if others_well and self.rounds >= _LONG:
            return True
        doubtful = isinstance(error, errors.UnexpectedAnswer)
        return self._patience.exhausted(self.rounds, doubtful=doubtful)

    def _hold(self, now: float, retry_after: float | None) -> None:
        self.rounds += 1
        self._streak = self._good = 0
        self._allowed = max(1, self._allowed // 2)
        self.until = now + self._patience.delay(self.rounds, retry_after)
        self._since = self.until
        if self._holds is not None:
            self._holds.block(self.place, self.until)
