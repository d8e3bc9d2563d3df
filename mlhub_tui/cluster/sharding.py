"""Shards of a plan, and what client and workers send each other: small, and without anything secret.

A shard has files of one host in the order of the catalog, limited in number and bytes.
"""

from __future__ import annotations

import hashlib
import pickle
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from .. import errors
from ..errors import MLHubException
from ..planning.manifest_queue import Row
from ..planning.requests import DatasetRequest
from ..sources.asset_links import https_of
from ..text import holds_secret, one_line, redact
from ..transfer.work_source import FileResult

_LARGE = 64 << 20  # bytes from which on a file is a shard of its own
_MOST_FILES, _LEAST_FILES, _MOST_BYTES = 500, 25, 256 << 20
_SHARDS_EACH = 8  # of a small plan, for each thread, so that all end at about the same time
_SHARDS_ALL = 4000  # of a very large plan: more would keep the scheduler busy
_HOSTS = 64  # whose files are gathered at the same time
_TAKE = 512
_LONGEST = 500
_REMOVED = "#secret-left-out"


@dataclass(frozen=True, slots=True)
class RunConfig:
    """What all shards of a run have in common.

    `run` is its id, and the topic of its news; `request` the dataset, whose source each worker opens with its
    own credentials; `place` an absolute folder that all workers have mounted, or a URL. Of `most` connections
    to one host that the whole cluster has, `connections` are for one shard. `interval` is in seconds between
    two pieces of news of a worker, and `store` host and port of the sample catalog's store, else empty.
    """

    run: str
    request: DatasetRequest
    place: str
    most: int
    connections: int = 1
    interval: float = 0.5
    store: str = ""

    @property
    def folder(self) -> Path | None:
        """The folder; None for a URL."""
        return None if self.request.url else Path(self.place)


@dataclass(frozen=True, slots=True)
class Shard:
    """Files that one worker fetches together.

    `host` is the digest of their host, empty if no server is asked; `check` whether some files may exist
    already, unrecorded; `tries` how often it came back with files that were not settled.
    """

    rows: Sequence[Row]
    host: str = ""
    check: bool = False
    tries: int = 0

    @property
    def alone(self) -> bool:
        """Whether it is one large file, which may have all connections."""
        return len(self.rows) == 1 and (self.rows[0].size or 0) >= _LARGE

    def again(self, settled: frozenset[int] = frozenset()) -> Shard:
        """Return what is left of it for another try, when some files are settled."""
        rows = [row for row in self.rows if row.id not in settled]
        return Shard(rows, self.host, True, self.tries + 1)

    def halves(self) -> list[Shard]:
        """Return two of half the files, to find the one that ends its worker."""
        middle = len(self.rows) // 2
        return [Shard(part, self.host, True) for part in (self.rows[:middle], self.rows[middle:]) if part]

    def pack(self) -> bytes:
        """Return it as bytes, so that no dashboard shows files; hrefs without credentials and signatures."""
        return zlib.compress(pickle.dumps(replace(self, rows=[_without_secret(row) for row in self.rows])), 1)

    @staticmethod
    def unpack(data: bytes) -> Shard:
        """Return a shard that was packed by a client of this cluster, whom workers trust as it runs code."""
        found: Shard = pickle.loads(zlib.decompress(data))  # noqa: S301
        return found


@dataclass(frozen=True, slots=True)
class ShardResult:
    """What became of a shard on a worker: its settled files, and what ended it before its end."""

    worker: str
    files: Sequence[FileResult]
    error: MLHubException | None = None


def plain_error(error: MLHubException) -> MLHubException:
    """Return an error as one of the common tree, which every process knows, without secrets."""
    message, hint = (one_line(redact(text), _LONGEST) for text in (error.message, error.hint))
    kind = next(each for each in type(error).__mro__ if getattr(errors, each.__name__, None) is each)
    made: MLHubException = kind(message, hint=hint)
    if isinstance(made, errors.RequestError) and isinstance(error, errors.RequestError):
        made.retry_after = error.retry_after
    return made


def shard_files(wanted: int, threads: int) -> int:
    """Return the files of a shard at most, for a plan of so many files on so many threads."""
    fair = -(-wanted // max(1, threads * _SHARDS_EACH))
    return max(min(_MOST_FILES, max(_LEAST_FILES, fair)), -(-wanted // _SHARDS_ALL))


def shards(take: Callable[[int], Sequence[Row]], most: int, checked: int | None = None) -> Iterator[Shard]:
    """Yield the shards of a plan, of `most` files each, whose next rows `take` returns, so many at most.

    `checked` is the id up to which files may exist already, sent out by an earlier run; None for all.
    """
    gathered: dict[str, list[Row]] = {}
    sizes: Counter[str] = Counter()

    def cut(host: str, rows: Sequence[Row]) -> Shard:
        check = checked is None or min(row.id for row in rows) <= checked
        return Shard(rows, digest_of(host) if host else "", check)

    while rows := take(_TAKE):
        for row in rows:
            host, size = host_of(row.href), row.size or 0
            if size >= _LARGE:
                yield cut(host, [row])
                continue
            gathered.setdefault(host, []).append(row)
            sizes[host] += size
            if len(gathered) > _HOSTS:
                host = max(gathered, key=lambda name: len(gathered[name]))
            elif len(gathered[host]) < most and sizes[host] < _MOST_BYTES:
                continue
            del sizes[host]
            yield cut(host, gathered.pop(host))
    for host, rest in gathered.items():
        yield cut(host, rest)


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


def split_mark(href: str) -> tuple[str, bool]:
    """Return an href as it was packed, and whether a secret was removed from it."""
    return href.removesuffix(_REMOVED), href.endswith(_REMOVED)


def _without_secret(row: Row) -> Row:
    if not holds_secret(row.href):
        return row
    scheme, mark, rest = row.href.partition("?")[0].partition("://")
    host, slash, path = rest.partition("/")
    return row._replace(href=f"{scheme}{mark}{host.rpartition('@')[2]}{slash}{path}{_REMOVED}")
