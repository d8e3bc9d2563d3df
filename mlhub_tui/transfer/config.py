"""What is to be transferred, how, and what came of it: specifications, settings, results."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import RequestError
from ..http.client import HTTPClient, Timeouts
from ..http.link import Link
from ..http.response_headers import Checksum
from ..http.retry import COMMAND_RETRIES, RetryPolicy
from ..options import IfExists
from .content_checks import Expected
from .journal import PartJournal
from .limits import SharedLimits


@dataclass(frozen=True, slots=True)
class TransferConfig:
    """How transfers read and write.

    Parameters
    ----------
    connect_timeout
        Seconds for name lookup, connecting, proxies and TLS together.
    first_byte_timeout
        Seconds from a request to the end of the response's head: files made on demand take minutes.
    low_speed_time, low_speed_limit
        A body that brings fewer than `low_speed_limit` bytes a second over `low_speed_time` seconds is
        stalled: the try ends.
    quiet_time
        Seconds without a byte after which a transfer is shown as stalled.
    flush_interval, flush_bytes
        Seconds, and bytes, after which a part is flushed to disk and recorded.
    resume_overlap
        Bytes before the resume point that are fetched again and compared.
    connections
        At most so many to one file, whatever the settings say; 1 turns parallel ranges off.
    parallel_threshold
        Bytes a file must have to be worth more than one connection.
    min_segment
        Bytes worth a connection of their own.
    window
        Seconds over which it is measured whether more connections made it faster.
    gain
        How many times as fast it must have become to try still more.
    """

    connect_timeout: float = 15.0
    first_byte_timeout: float = 120.0
    low_speed_time: float = 30.0
    low_speed_limit: float = 100.0
    quiet_time: float = 4.0
    flush_interval: float = 0.7
    flush_bytes: int = 64 << 20
    resume_overlap: int = 64 << 10
    connections: int = 64
    parallel_threshold: int = 16 << 20
    min_segment: int = 1 << 20
    window: float = 0.25
    gain: float = 1.15

    @property
    def timeouts(self) -> Timeouts:
        """The patience of one request."""
        return Timeouts(self.first_byte_timeout, self.low_speed_time, self.low_speed_limit)


Relink = Callable[[RequestError], Awaitable[Link | None]]
"""Returns a new link for one that was rejected (401, 403); None where there is no other one."""

ReserveSpace = Callable[[int, int], None]
"""Called, in a thread, with the bytes still needed and the size of the whole; raises NoSpaceError."""


@dataclass(frozen=True, slots=True)
class DownloadSpec:
    """One file to fetch.

    Parameters
    ----------
    link
        Where its bytes are.
    target
        Final path; it grows as `NAME.part` beside it.
    if_exists
        What to do with a file that is there.
    size
        Bytes as the API announced them; the server's word counts more.
    checksums
        Known beforehand (an asset's `file:checksum`); verified beside the server's.
    page
        Whether the file is a web page; else one that arrives is that of a portal.
    archive
        Whether the API promises a `.tar.gz`, whose size it announces.
    """

    link: Link
    target: Path
    if_exists: IfExists = IfExists.RESUME
    size: int | None = None
    checksums: tuple[Checksum, ...] = ()
    page: bool = False
    archive: bool = False

    @property
    def part(self) -> Path:
        """The part file."""
        return self.target.with_name(f"{self.target.name}.part")

    @property
    def expected(self) -> Expected:
        """What is known of the file's content."""
        return Expected(self.target.name, self.size, self.archive, self.page)


@dataclass(frozen=True, slots=True)
class DownloadResult:
    """How a transfer ended well.

    Parameters
    ----------
    path, size
        The file, and its bytes.
    fetched
        False if the file was there already.
    checksums
        What it was verified with.
    note
        What the user should know of it.
    """

    path: Path
    size: int
    fetched: bool
    checksums: tuple[Checksum, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class TransferContext:
    """What all transfers of a process share.

    Parameters
    ----------
    client
        The HTTP client of the engine's loop.
    journal
        Where part files are recorded.
    limits
        Bandwidth, and requests to each host.
    retries
        How often a file among many is tried again, whose failure holds up nothing else.
    """

    client: HTTPClient
    journal: PartJournal
    config: TransferConfig = field(default_factory=TransferConfig)
    limits: SharedLimits = field(default_factory=SharedLimits)
    retries: RetryPolicy = COMMAND_RETRIES


@dataclass(frozen=True, slots=True)
class BatchConfig:
    """How many files at once.

    Parameters
    ----------
    slots
        Requests at once.
    per_host
        Of these, to one host.
    max_small
        Bytes up to which a file is fetched in one request without a journal entry; larger ones are fetched
        as single files, which resume.
    large
        Larger files at once.
    """

    slots: int = 16
    per_host: int = 16
    max_small: int = 2 << 20
    large: int = 3
