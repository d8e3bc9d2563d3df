"""A work source in memory."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice

from mlhub_tui.http.link import Link
from mlhub_tui.transfer.work_source import FileRequest, FileResult


@dataclass
class MemorySource:
    """A work source in memory, for scripts and tests; requests are taken one by one, a generator will do."""

    requests: Iterable[FileRequest]
    results: dict[int, FileResult] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._next = iter(self.requests)

    def take(self, most: int) -> Sequence[FileRequest]:
        """Return the next requests."""
        return list(islice(self._next, most))

    def settle(self, results: Sequence[FileResult]) -> None:
        """Save results."""
        self.results.update((result.key, result) for result in results)

    def relink(self, request: FileRequest) -> Link | None:
        """Return None: there is no other link in memory."""
        return None
