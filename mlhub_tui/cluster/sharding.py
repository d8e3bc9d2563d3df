"""Cuts a plan into shards: files of one host, in the order of the catalog, so many and so large at most."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from ..errors import MLHubException
from ..planning.manifest_queue import Row, TwinRow
from ..sources.stores import https_of
from .payloads import ShardPayload, pack

LARGE = 64 << 20
"""Bytes from which on a file is a shard of its own."""
_MOST_FILES, _LEAST_FILES, _MOST_BYTES = 500, 25, 256 << 20
_SHARDS_EACH = 8  # of a small plan, for each thread, so that all end at about the same time
_SHARDS_ALL = 4000  # of a very large plan: more would be work for the scheduler
_HOSTS = 64  # whose files are gathered at the same time
_TAKE = 512


@dataclass(frozen=True, slots=True)
class Limits:
    """How large a shard may be: files, and bytes as far as they are known."""

    files: int = _MOST_FILES
    bytes: int = _MOST_BYTES

    @classmethod
    def of(cls, wanted: int, threads: int) -> Limits:
        """Return the limits for a plan of so many files, on so many threads."""
        fair = -(-wanted // max(1, threads * _SHARDS_EACH))
        return cls(max(min(_MOST_FILES, max(_LEAST_FILES, fair)), -(-wanted // _SHARDS_ALL)))


@dataclass(slots=True)
class Shard:
    """Files that one worker fetches in one go.

    Attributes
    ----------
    check
        Whether some may be there already, unrecorded.
    tries
        How often it came back with files that were not settled.
    """

    rows: Sequence[Row | TwinRow]
    host: str = ""
    check: bool = False
    tries: int = 0
    ids: frozenset[int] = field(init=False)

    def __post_init__(self) -> None:
        self.ids = frozenset(row.id for row in self.rows)

    @property
    def last(self) -> int:
        """The highest id in it."""
        return max(self.ids)

    def parcel(self) -> ShardPayload:
        """Return it as a worker gets it."""
        copies = isinstance(self.rows[0], TwinRow)
        alone = len(self.rows) == 1 and (self.rows[0].size or 0) >= LARGE
        return ShardPayload(pack(self.rows), len(self.rows), self.host, self.check, alone, copies)

    def without(self, ids: frozenset[int]) -> Shard | None:
        """Return what is left of it when some files are settled; None if nothing is."""
        rows = [row for row in self.rows if row.id not in ids]
        return Shard(rows, self.host, True, self.tries + 1) if rows else None

    def halves(self) -> list[Shard]:
        """Return two of half the files, to find the one that makes trouble."""
        middle = len(self.rows) // 2
        return [Shard(part, self.host, True) for part in (self.rows[:middle], self.rows[middle:]) if part]


@dataclass(slots=True)
class _Open:
    rows: list[Row] = field(default_factory=list)
    size: int = 0


class Sharder:
    """Gives shards one after the other.

    Parameters
    ----------
    take
        Returns the next rows of the plan, so many at most.
    limits
        How large shards are.
    checked
        The id up to which files may be there already, unrecorded, as an earlier run had sent them out; None
        if that is so of all.
    """

    def __init__(
        self, take: Callable[[int], Sequence[Row]], limits: Limits, checked: int | None = None
    ) -> None:
        self._take = take
        self._limits = limits
        self._checked = checked
        self._open: dict[str, _Open] = {}
        self._ready: deque[Shard] = deque()
        self._ended = False

    def next(self) -> Shard | None:
        """Return the next shard; None if there is none any more."""
        while not self._ready and not self._ended:
            self._pull()
        return self._ready.popleft() if self._ready else None

    def _pull(self) -> None:
        rows = self._take(_TAKE)
        if not rows:
            self._ended = True
            for host in list(self._open):
                self._close(host)
            return
        for row in rows:
            self._put(row)

    def _put(self, row: Row) -> None:
        host = host_of(row.href)
        if (row.size or 0) >= LARGE:
            return self._cut([row], host)
        batch = self._open.setdefault(host, _Open())
        batch.rows.append(row)
        batch.size += row.size or 0
        if len(batch.rows) >= self._limits.files or batch.size >= self._limits.bytes:
            self._close(host)
        elif len(self._open) > _HOSTS:
            self._close(max(self._open, key=lambda name: len(self._open[name].rows)))
        return None

    def _close(self, host: str) -> None:
        self._cut(self._open.pop(host).rows, host)

    def _cut(self, rows: Sequence[Row], host: str) -> None:
        check = self._checked is None or min(row.id for row in rows) <= self._checked
        self._ready.append(Shard(rows, digest_of(host) if host else "", check))


def twin_shards(
    take: Callable[[int, int], Sequence[TwinRow]], limits: Limits, check: bool
) -> Callable[[], Shard | None]:
    """Return what gives the shards of files that are copies of others; `check`: some may be there."""
    last = 0

    def following() -> Shard | None:
        nonlocal last
        rows = take(last, limits.files)
        if not rows:
            return None
        last = rows[-1].id
        return Shard(rows, check=check)

    return following


def host_of(href: str) -> str:
    """Return scheme, host and port that an href is asked for at; empty where nobody is asked."""
    try:
        parts = urlsplit(https_of(href))
    except (MLHubException, ValueError):
        return ""
    if parts.scheme not in ("http", "https"):
        return ""
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2].lower()}"


def digest_of(host: str) -> str:
    """Return the name of a host among the cluster's own things, which do not name it."""
    return hashlib.sha256(host.encode()).hexdigest()[:16]
