"""What waits to be fetched, host by host: whose turn it is, what is put off, which paths are taken."""

from __future__ import annotations

import heapq
import itertools
import os
from collections import deque

from ...http.urls import Origin
from ...transfer.limits import HostLimits
from ..tuning import Patience
from .feed import Result, Wish
from .hosts import Host, SharedBackoff
from .item import Item


class Pending:
    """Items by host, served in turn.

    Parameters
    ----------
    per_host
        Slots that may ask one host at once.
    patience
        How long hosts are waited for.
    holds
        Who else asks them.
    share
        What all runs of this program may ask of them together.
    """

    def __init__(
        self,
        per_host: int,
        patience: Patience,
        holds: SharedBackoff | None = None,
        share: HostLimits | None = None,
    ) -> None:
        self._per_host = per_host
        self._patience = patience
        self._holds = holds
        self._share = share
        self.hosts: dict[Origin, Host] = {}
        self._ready: dict[Origin, deque[Item]] = {}
        self._later: list[tuple[float, int, Item]] = []
        self._numbers = itertools.count()
        self.ready = 0

    def host(self, place: Origin) -> Host:
        """Return how a host fares."""
        host = self.hosts.get(place)
        if host is None:
            host = self.hosts[place] = Host(place, self._per_host, self._patience, self._holds, self._share)
        return host

    def add(self, item: Item) -> None:
        """Take an item that may be fetched now."""
        self._ready.setdefault(item.place, deque()).append(item)
        self.ready += 1

    def put_off(self, item: Item, until: float) -> None:
        """Take an item that may be fetched from a moment on (monotonic, seconds)."""
        heapq.heappush(self._later, (until, next(self._numbers), item))

    def next(self, now: float) -> Item | None:
        """Return an item whose host may be asked now, with one of its slots taken; None if there is none."""
        while self._later and self._later[0][0] <= now:
            item = heapq.heappop(self._later)[2]
            self._ready.setdefault(item.place, deque()).appendleft(item)
            self.ready += 1
        for place, items in self._ready.items():
            if self.host(place).begin(now):
                item = items.popleft()
                del self._ready[place]
                if items:
                    self._ready[place] = items  # at the end: the other hosts come first now
                self.ready -= 1
                return item
        return None

    def close(self) -> None:
        """Leave all hosts to the others."""
        for host in self.hosts.values():
            host.leave()

    def well(self, but: Host) -> bool:
        """Return whether another host gave files and has not failed since."""
        return any(host.answered and host.rounds == 0 for host in self.hosts.values() if host is not but)

    def held(self, now: float) -> float | None:
        """Return until when all that waits has to wait (monotonic, seconds); None if something need not."""
        moments = [self.host(place).until for place in self._ready]
        moments += [self._later[0][0]] if self._later else []
        return min(moments) if moments and min(moments) > now else None


class Paths:
    """The paths that are being worked on, each for one wish at a time."""

    def __init__(self) -> None:
        self._keys: dict[int, str] = {}
        self._waiting: dict[str, deque[Wish]] = {}
        self._held_back = 0

    def __len__(self) -> int:
        return len(self._keys) + self._held_back

    def claim(self, wish: Wish) -> bool:
        """Take a path for a wish; False if another one has it, and this one waits for it now."""
        if wish.key in self._keys:
            raise ValueError(f"the feed gave wish {wish.key} twice")
        path = os.path.normcase(wish.path)
        if path in self._waiting:
            self._waiting[path].append(wish)
            self._held_back += 1
            return False
        self._waiting[path] = deque()
        self._keys[wish.key] = path
        return True

    def release(self, result: Result) -> Wish | None:
        """Give up the path of a result; return the wish that waited for it first."""
        path = self._keys.pop(result.key)
        waiting = self._waiting.pop(path)
        if not waiting:
            return None
        following = waiting.popleft()
        self._held_back -= 1
        self._waiting[path] = waiting
        self._keys[following.key] = path
        return following
