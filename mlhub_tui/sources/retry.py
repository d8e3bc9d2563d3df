"""When to try again: full-jitter exponential back-off, `Retry-After`, and a budget of seconds."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

PASSING_STATUSES = frozenset({408, 429, 500, 502, 503, 504})
"""Statuses that may be gone at the next try; 400, 401, 403 and 404 never are."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how patiently a request is tried; made for a person who waits.

    Parameters
    ----------
    tries
        Requests in all, the first one counted.
    base, cap
        Seconds: the wait after the n-th failure is random between 0 and `min(cap, base * 2**(n-1))`.
        Full jitter keeps many clients from coming back at the same moment.
    longest_wait
        Seconds a server may ask to wait (`Retry-After`); when it asks for more, the error is raised at once.
    budget
        Seconds since the first try after which no new try starts.
    random, sleep, clock
        Where chance and time come from.
    """

    tries: int = 3
    base: float = 0.4
    cap: float = 4.0
    longest_wait: float = 5.0
    budget: float = 10.0
    random: Callable[[], float] = random.random
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    clock: Callable[[], float] = time.monotonic

    def wait(self, failures: int, elapsed: float, retry_after: float | None = None) -> float | None:
        """Return the seconds to wait after the n-th failure, or None to give up."""
        if failures >= self.tries:
            return None
        jitter = self.random() * min(self.cap, self.base * 2 ** (failures - 1))
        if retry_after is not None and retry_after > self.longest_wait:
            return None
        seconds = jitter if retry_after is None else retry_after + self.random() * self.base
        return seconds if elapsed + seconds <= self.budget else None


NO_RETRIES = RetryPolicy(tries=1)


def parse_retry_after(value: str | None, now: Callable[[], datetime] | None = None) -> float | None:
    """Return the seconds of a `Retry-After` header (RFC 9110, section 10.2.3), None where it is none.

    Parameters
    ----------
    value
        A number of seconds or an HTTP date.
    now
        The current UTC time, for dates; a date in the past means no wait.
    """
    text = (value or "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:12])
    try:
        moment = parsedate_to_datetime(text)
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - (now() if now else datetime.now(UTC))).total_seconds())
