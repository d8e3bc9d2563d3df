"""A retry policy whose time is made up: it waits for nothing and notes what it would have waited."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from mlhub_tui.http.errors import RetryPolicy


@dataclass
class Patience:
    """A clock that moves when somebody sleeps."""

    now: float = 0.0
    waits: list[float] = field(default_factory=list)

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds

    def policy(self, **options: Any) -> RetryPolicy:
        """Return a policy over this clock, with chance at its upper end."""
        return RetryPolicy(random=lambda: 1.0, sleep=self.sleep, clock=lambda: self.now, **options)
