"""Shards of a plan: files of one host in the order of the catalog, limited in number and bytes."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from ..errors import MLHubException
from ..planning.manifest_queue import DuplicateRow, Row
from ..sources.asset_hrefs import https_of
from .payloads import ShardPayload, pack

LARGE = 64 << 20
"""Bytes from which on a file is a shard of its own."""
_MOST_FILES, _LEAST_FILES, _MOST_BYTES = 500, 25, 256 << 20
_SHARDS_EACH = 8  # of a small plan, for each thread, so that all end at about the same time
_SHARDS_ALL = 4000  # of a very large plan: more would keep the scheduler busy
_HOSTS = 64  # whose files are gathered at the same time
_TAKE = 512


@dataclass(frozen=True, slots=True)
class ShardLimits:
    """How large a shard may be: files, and bytes as far as they are known."""

    files: int = _MOST_FILES
    bytes: int = _MOST_BYTES

    @classmethod
    def of(cls, wanted: int, threads: int) -> ShardLimits:
        """Return the limits for a plan of so many files, on so many threads."""
        fair = -(-wanted // max(1, threads * _SHARDS_EACH))
        return cls(max(min(_MOST_FILES, max(_LEAST_FILES, fair)), -(-wanted // _SHARDS_ALL)))


@dataclass(slots=True)
class Shard:
    """Files that one worker fetches together.

    Parameters
    ----------
    host
        The host's digest; empty if no server is asked.
    check
        Whether some files may exist already, unrecorded.
    tries
        How often it came back with files that were not settled.
    """

    rows: Sequence[Row | DuplicateRow]
    host: str = ""
    check: bool = False
    tries: int = 0
    ids: frozenset[int] = field(init=False)

    def __post_init__(self) -> None:
        self.ids = frozenset(row.id for row in self.rows)

    def payload(self) -> ShardPayload:
        """Return it as a worker gets it."""
        copies = isinstance(self.rows[0], DuplicateRow)
        alone = len(self.rows) == 1 and (self.rows[0].size or 0) >= LARGE
        return ShardPayload(pack(self.rows), self.host, self.check, alone, copies)

    def without(self, ids: frozenset[int]) -> Shard | None:
        """Return what is left of it when some files are settled; None if nothing is."""
        rows = [row for row in self.rows if row.id not in ids]
        return Shard(rows, self.host, True, self.tries + 1) if rows else None

    def halves(self) -> list[Shard]:
        """Return two of half the files, to find the one that ends its worker."""
        middle = len(self.rows) // 2
        return [Shard(part, self.host, True) for part in (self.rows[:middle], self.rows[middle:]) if part]


def shards(
    take: Callable[[int], Sequence[Row]], limits: ShardLimits, checked: int | None = None
) -> Iterator[Shard]:
    """Yield the shards of a plan.

    Parameters
    ----------
    take
        Returns the next rows of the plan, so many at most.
    checked
        The id up to which files may exist already, as an earlier run had sent them out; None for all.
    """
    gathered: dict[str, list[Row]] = {}
    sizes: Counter[str] = Counter()

    def cut(host: str, rows: Sequence[Row]) -> Shard:
        check = checked is None or min(row.id for row in rows) <= checked
        return Shard(rows, digest_of(host) if host else "", check)

    while rows := take(_TAKE):
        for row in rows:
            host, size = host_of(row.href), row.size or 0
            if size >= LARGE:
                yield cut(host, [row])
                continue
            gathered.setdefault(host, []).append(row)
            sizes[host] += size
            if len(gathered) > _HOSTS:
                host = max(gathered, key=lambda name: len(gathered[name]))
            elif len(gathered[host]) < limits.files and sizes[host] < limits.bytes:
                continue
            del sizes[host]
            yield cut(host, gathered.pop(host))
    for host, rest in gathered.items():
        yield cut(host, rest)


def copy_shards(
    take: Callable[[int, int], Sequence[DuplicateRow]], limits: ShardLimits, check: bool
) -> Iterator[Shard]:
    """Yield the shards of files that are copies of others; `check`: some may exist already."""
    last = 0
    while rows := take(last, limits.files):
        last = rows[-1].id
        yield Shard(rows, check=check)


def host_of(href: str) -> str:
    """Return scheme, host and port that an href is requested from; empty if no server is asked."""
    try:
        parts = urlsplit(https_of(href))
    except (MLHubException, ValueError):
        return ""
    if parts.scheme not in ("http", "https"):
        return ""
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2].lower()}"


def digest_of(host: str) -> str:
    """Return the name of a host on the cluster, whose dashboards are not to show it."""
    return hashlib.sha256(host.encode()).hexdigest()[:16]
