"""Messages between client and workers: small, plain, and without anything secret."""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from .. import errors
from ..auth.kind import Kind
from ..errors import MLHubException, RequestError
from ..options import IfExists
from ..planning.manifest_queue import DuplicateRow, Row
from ..text import holds_secret, one_line, redact
from ..transfer.work_source import FileResult

_LONGEST = 500
_SECRET_REMOVED = "#secret-left-out"  # noqa: S105  (a mark)


@dataclass(frozen=True, slots=True)
class RunConfig:
    """What all shards of a run have in common.

    Parameters
    ----------
    run
        The id of the run, and the topic of its news.
    source, profile, kind, dataset
        As the request has them: each worker opens the source with its own credentials.
    folder
        Absolute folder of the assets, which all workers have mounted; empty if they go to a URL.
    url
        That URL.
    if_exists
        What to do with existing files.
    most
        Connections to one host, of the whole cluster.
    connections
        Of these, for one shard.
    interval
        Seconds between two pieces of news of a worker.
    store
        Host and port of the sample catalog's store, whose `source` is where it runs; else empty.
    """

    run: str
    source: str
    profile: str | None
    kind: Kind
    dataset: str
    folder: str
    url: str
    if_exists: IfExists
    most: int
    connections: int
    interval: float = 0.5
    store: str = ""


@dataclass(frozen=True, slots=True)
class ShardPayload:
    """Files to fetch from one host, or to copy in the store; packed, so that no dashboard shows them.

    Parameters
    ----------
    data
        The rows as compressed JSON.
    host
        The host's digest; empty if no server is asked.
    check
        Whether some files may exist already, unrecorded.
    alone
        Whether it is one large file, which may have all connections.
    copies
        Whether the files are copies of existing ones.
    """

    data: bytes = field(repr=False)
    host: str = field(default="", repr=False)
    check: bool = False
    alone: bool = False
    copies: bool = False


@dataclass(frozen=True, slots=True)
class SerializedError:
    """An error on its way between processes, without secrets."""

    kind: str
    message: str
    hint: str
    retry_after: float | None = None

    @classmethod
    def of(cls, error: MLHubException) -> SerializedError:
        """Return an error as the nearest class of the common tree."""
        message, hint = (one_line(redact(text), _LONGEST) for text in (error.message, error.hint))
        known = (each.__name__ for each in type(error).__mro__ if getattr(errors, each.__name__, 0) is each)
        return cls(next(known, ""), message, hint, getattr(error, "retry_after", None))

    def error(self) -> MLHubException:
        """Return the error again."""
        kind: type[MLHubException] = getattr(errors, self.kind, errors.DownloadError)
        if issubclass(kind, RequestError):
            return kind(self.message, hint=self.hint, retry_after=self.retry_after)
        return kind(self.message, hint=self.hint)


@dataclass(frozen=True, slots=True)
class ShardResult:
    """What became of a shard on a worker; files that are not in it were not settled.

    Parameters
    ----------
    files
        Id, size in bytes, whether it was fetched, and why it failed.
    error
        What ended the shard before its end.
    """

    worker: str
    files: tuple[tuple[int, int | None, bool, SerializedError | None], ...] = ()
    error: SerializedError | None = None

    @classmethod
    def of(
        cls, worker: str, results: Sequence[FileResult], error: MLHubException | None = None
    ) -> ShardResult:
        """Return the result of a shard's files, and of what ended it."""
        files = tuple((r.key, r.size, r.fetched, _serialized(r.error)) for r in results)
        return cls(worker, files, _serialized(error))

    def results(self) -> list[FileResult]:
        """Return the results of the files again."""
        found = [(FileResult(key, size, fetched), error) for key, size, fetched, error in self.files]
        return [result if error is None else replace(result, error=error.error()) for result, error in found]


def _serialized(error: MLHubException | None) -> SerializedError | None:
    return None if error is None else SerializedError.of(error)


def pack(rows: Sequence[Row | DuplicateRow]) -> bytes:
    """Return rows as bytes; hrefs without user information and signatures, and marked where they had some."""
    return zlib.compress(json.dumps([_without_secret(row) for row in rows]).encode(), 1)


def unpack_rows(data: bytes) -> list[Row]:
    """Return the rows of files to fetch."""
    return [Row(*row) for row in json.loads(zlib.decompress(data))]


def unpack_copies(data: bytes) -> list[DuplicateRow]:
    """Return the rows of files to copy."""
    return [DuplicateRow(*row) for row in json.loads(zlib.decompress(data))]


def split_mark(href: str) -> tuple[str, bool]:
    """Return an href as it was packed, and whether a secret was removed from it."""
    return href.removesuffix(_SECRET_REMOVED), href.endswith(_SECRET_REMOVED)


def _without_secret(row: Row | DuplicateRow) -> Row | DuplicateRow:
    if isinstance(row, DuplicateRow) or not holds_secret(row.href):
        return row
    scheme, mark, rest = row.href.partition("?")[0].partition("://")
    host, slash, path = rest.partition("/")
    return row._replace(href=f"{scheme}{mark}{host.rpartition('@')[2]}{slash}{path}{_SECRET_REMOVED}")
