"""What workers are sent and what they send back: little, plain, and nothing that is secret."""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field

from .. import errors
from ..auth.kind import Kind
from ..errors import MLHubException, RequestError
from ..options import IfExists
from ..planning.manifest_queue import Row, TwinRow
from ..text import holds_secret, one_line, redact
from ..transfer.work_source import FileResult

_LONGEST = 500


@dataclass(frozen=True, slots=True)
class RunConfig:
    """What all shards of a run have in common, or nearly all.

    Parameters
    ----------
    run
        Tells this run from all others; the topic of its news.
    source, profile, kind, dataset
        As the request has them: the worker opens the source with its own credentials.
    store
        Host and port of the store of a sample catalogue, whose `source` is where it runs; else empty.
    folder
        Absolute folder of the dataset's assets, which all workers see; empty where they go to a URL.
    url
        That URL.
    if_exists
        What to do with files that are there.
    most
        Connections to one host, of the whole cluster.
    connections
        Of these, for one shard.
    every
        Seconds between two pieces of news of a worker.
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
    every: float = 0.5
    store: str = ""


@dataclass(frozen=True, slots=True)
class ShardPayload:
    """Files to fetch from one host, or to copy in the store: packed, so that no dashboard shows them.

    Parameters
    ----------
    data
        JSON, compressed.
    files
        How many.
    host
        Where they come from, as a hash; empty where nobody is asked.
    check
        Whether some may be there already, unrecorded.
    alone
        Whether it is one large file, which may have all connections.
    copies
        Whether they are copies of files that are there.
    """

    data: bytes = field(repr=False)
    files: int
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
    def of(cls, error: MLHubException, where: str = "") -> SerializedError:
        """Return the trouble that an error is; `where` it happened is said with it."""
        words = f"{error.message} (on {where})" if where else error.message
        message, hint = (one_line(redact(text), _LONGEST) for text in (words, error.hint))
        known = (
            each.__name__ for each in type(error).__mro__ if getattr(errors, each.__name__, None) is each
        )
        return cls(next(known, ""), message, hint, getattr(error, "retry_after", None))

    def error(self) -> MLHubException:
        """Return the error again, as the nearest class of the common tree."""
        kind = getattr(errors, self.kind, None)
        if isinstance(kind, type) and issubclass(kind, RequestError):
            return kind(self.message, hint=self.hint, retry_after=self.retry_after)
        if isinstance(kind, type) and issubclass(kind, MLHubException):
            return kind(self.message, hint=self.hint)
        return errors.DownloadError(self.message, hint=self.hint)


@dataclass(frozen=True, slots=True)
class ShardResult:
    """What became of a shard; files that are not in it were not settled.

    Parameters
    ----------
    done
        Id, bytes, and whether it was fetched.
    failed
        Id, and why.
    trouble
        What ended the shard before its end.
    """

    done: tuple[tuple[int, int | None, bool], ...] = ()
    failed: tuple[tuple[int, SerializedError], ...] = ()
    trouble: SerializedError | None = None

    @classmethod
    def of(
        cls, results: Sequence[FileResult], error: MLHubException | None = None, where: str = ""
    ) -> ShardResult:
        """Return the report of results, and of what ended the shard."""
        done = tuple((r.key, r.size, r.fetched) for r in results if r.error is None)
        failed = tuple((r.key, SerializedError.of(r.error)) for r in results if r.error is not None)
        return cls(done, failed, None if error is None else SerializedError.of(error, where))

    def results(self) -> list[FileResult]:
        """Return the results again."""
        done = [FileResult(key, size, fetched) for key, size, fetched in self.done]
        return [*done, *(FileResult(key, error=trouble.error()) for key, trouble in self.failed)]


def pack(rows: Sequence[Row | TwinRow]) -> bytes:
    """Return rows as bytes; hrefs go without what is secret in them, see `lost_secret`."""
    return zlib.compress(json.dumps([_bare(row) for row in rows]).encode(), 1)


def unpack_rows(data: bytes) -> list[Row]:
    """Return the rows of a parcel of files to fetch."""
    return [Row(*row) for row in json.loads(zlib.decompress(data))]


def unpack_twins(data: bytes) -> list[TwinRow]:
    """Return the rows of a parcel of files to copy."""
    return [TwinRow(*row) for row in json.loads(zlib.decompress(data))]


def lost_secret(row: Row) -> bool:
    """Return whether a row was sent without a signature that its href had."""
    return row.href.endswith(_LOST)


def bare(href: str) -> str:
    """Return the href of a row that was sent without its signature."""
    return href.removesuffix(_LOST)


def _bare(row: Row | TwinRow) -> Row | TwinRow:
    if isinstance(row, Row) and holds_secret(row.href):
        scheme, mark, rest = row.href.partition("?")[0].partition("://")
        place, slash, path = rest.partition("/")
        return row._replace(href=f"{scheme}{mark}{place.rpartition('@')[2]}{slash}{path}{_LOST}")
    return row


_LOST = "#secret-left-out"
