"""Patience: when to try again."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Patience:
    """When to try again: full jitter (the wait is drawn from the whole range), refilled by progress.

    Parameters
    ----------
    tries
        Tries in a row without progress before giving up; None for as long as it takes.
    doubtful
        The same where the answer does not make sense (a portal's page, a refused link).
    base, cap
        Seconds: the first range is `base`, each next one twice that, up to `cap`.
    longest
        Seconds up to which a server's Retry-After is followed.
    draw
        Returns a number between two, for tests.
    """

    tries: int | None = None
    doubtful: int = 4
    base: float = 1.0
    cap: float = 60.0
    longest: float = 3600.0
    draw: Callable[[float, float], float] = field(default=random.uniform, repr=False)

    def delay(self, failures: int, retry_after: float | None = None) -> float:
        """Return the seconds to wait after so many failures in a row (1 or more)."""
        ceiling = min(self.cap, self.base * 2.0 ** min(failures - 1, 16))
        wait = self.draw(min(0.2, ceiling) / 2, ceiling)
        return max(wait, min(retry_after, self.longest)) if retry_after else wait

    def exhausted(self, failures: int, *, doubtful: bool) -> bool:
        """Return whether so many failures in a row are enough."""
        limits = [limit for limit in (self.tries, self.doubtful if doubtful else None) if limit is not None]
        return bool(limits) and failures >= min(limits)


BOUNDED = Patience(tries=6, cap=20.0, longest=120.0)
"""For commands and scripts, which must come to an end."""
