"""A shelf of what was used last: bounded by weight, the longest unused goes first."""

from __future__ import annotations

from collections import OrderedDict
from typing import Generic, TypeVar

V = TypeVar("V")


class LRUCache(Generic[V]):
    """Values by key, none of which is kept that would alone fill a half of it.

    Parameters
    ----------
    most
        The largest weight of all values together, in whatever unit `put` is told.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._weight = 0
        self._values: OrderedDict[str, tuple[V, int]] = OrderedDict()

    def get(self, key: str) -> V | None:
        """Return a value, None where it is not there (any more)."""
        found = self._values.get(key)
        if found is None:
            return None
        self._values.move_to_end(key)
        return found[0]

    def put(self, key: str, value: V, weight: int) -> None:
        """Keep a value."""
        self.drop(key)
        if weight > self._most // 2:
            return
        self._values[key] = (value, weight)
        self._weight += weight
        while self._weight > self._most:
            _, (_, dropped) = self._values.popitem(last=False)
            self._weight -= dropped

    def drop(self, key: str) -> None:
        """Forget a value."""
        found = self._values.pop(key, None)
        if found is not None:
            self._weight -= found[1]

    def clear(self) -> None:
        """Forget all."""
        self._values.clear()
        self._weight = 0
