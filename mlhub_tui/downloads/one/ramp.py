"""How many connections a file is worth: more as long as they make it faster, half when they are refused."""

from __future__ import annotations

_PATIENCE = 2  # windows that more connections get to prove themselves
_AGAIN = 20  # windows after which it is tried again: lines change while 70 GB go by


class Ramp:
    """1, 2, 4, 8 connections while the throughput of all together grows.

    Parameters
    ----------
    most
        Connections at most; may be changed on the way, see `cap`.
    gain
        How many times as fast it must have become to try still more.
    """

    def __init__(self, most: int, gain: float) -> None:
        self.level = 1
        self.most = most
        self._gain = gain
        self._before: float | None = None  # bytes per second with half as many
        self._rates: list[float] = []
        self._rest = 0

    def feed(self, rate: float) -> int:
        """Take the bytes per second of one window; return the connections from now on."""
        if self._rest:
            self._rest -= 1
            return self.level
        self._rates.append(rate)
        mean = sum(self._rates) / len(self._rates)
        if self._before is not None and mean < self._before * self._gain:
            if len(self._rates) >= _PATIENCE:
                self._go(max(1, self.level // 2), None, _AGAIN)
        elif self.level < self.most:
            self._go(min(self.level * 2, self.most), mean, 0)
        else:
            self._go(self.level, None, 0)
        return self.level

    def cap(self, most: int) -> bool:
        """Have so many at most from now on; return whether that is fewer than there are."""
        raised, self.most = most > self.most, most
        if self.level > most:
            self._go(most, None, 0)
            return True
        if raised:
            self._go(self.level, None, 0)
        return False

    def refused(self) -> int:
        """Halve them: the server does not want so many; return the connections from now on."""
        self._go(max(1, self.level // 2), None, _AGAIN)
        return self.level

    def _go(self, level: int, before: float | None, rest: int) -> None:
        self.level, self._before, self._rest, self._rates = level, before, rest, []
