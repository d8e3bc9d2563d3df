"""What the runs of one program share of each host: how many requests at once, and when it is left alone."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

_WANTS = 1.0  # seconds after its last question that a run still counts as one that wants a host


@dataclass(slots=True)
class _Guests:
    """Who is at a host: requests by run, and when each asked last."""

    active: dict[Hashable, int] = field(default_factory=dict)
    asked: dict[Hashable, float] = field(default_factory=dict)
    until: float = 0.0


class Share:
    """Keeps the requests of all runs to one host within what one run alone may have, in equal parts.

    Callable from any thread.

    Parameters
    ----------
    clock
        Monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._places: dict[Hashable, _Guests] = {}

    def take(self, place: Hashable, run: Hashable, most: int) -> bool:
        """Begin a request of a run if there is room for it.

        Parameters
        ----------
        most
            Requests at once to the place, of all runs.
        """
        now = self._clock()
        with self._lock:
            guests = self._places.setdefault(place, _Guests())
            guests.asked[run] = now
            wanting = {
                other for other, at in guests.asked.items() if now - at < _WANTS
            } | guests.active.keys()
            mine, all_of_them = guests.active.get(run, 0), sum(guests.active.values())
            if all_of_them >= most or (mine and mine >= most // len(wanting)):
                return False
            guests.active[run] = mine + 1
            return True

    def give(self, place: Hashable, run: Hashable) -> None:
        """End a request."""
        with self._lock:
            guests = self._places[place]
            guests.active[run] -= 1
            if not guests.active[run]:
                del guests.active[run]

    def leave(self, run: Hashable) -> None:
        """Forget a run that has ended."""
        with self._lock:
            for place, guests in list(self._places.items()):
                guests.active.pop(run, None)
                guests.asked.pop(run, None)
                if not guests.asked and guests.until <= self._clock():
                    del self._places[place]

    def until(self, place: Hashable) -> float:
        """Return the moment before which a place is not to be asked, as any run has found out."""
        guests = self._places.get(place)
        return guests.until if guests is not None else 0.0

    def hold(self, place: Hashable, until: float) -> None:
        """Have all runs leave a place alone before a moment."""
        with self._lock:
            guests = self._places.setdefault(place, _Guests())
            guests.until = max(guests.until, until)
