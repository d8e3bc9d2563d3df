"""Specifications, settings, progress and results of transfers."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from .. import http
from ..fileio import check_regular, check_spelling
from ..http.errors import COMMAND_RETRIES, RetryPolicy, Timeouts
from ..http.representation import is_gzip_name
from ..options import IfExists
from .engine import SharedLimits

if TYPE_CHECKING:  # needed by transfers only, not before the first request of a command
    from ..http.client import HTTPClient
    from ..http.credentials import CookieJar, Link
    from ..http.versions import Checksum
    from .part_file import PartJournal

_MAX_EVENTS = 200  # events between two readings of the log; older ones are dropped


@dataclass(frozen=True, slots=True)
class TransferConfig:
    """How transfers read and write.

    - `connect_timeout`: Seconds for name lookup, connecting, proxies and TLS together.
    - `first_byte_timeout`: Seconds to the end of a response's head: files made on demand take minutes.
    - `low_speed_time`, `low_speed_limit`: A body that brings fewer than `low_speed_limit` bytes a second over
      `low_speed_time` seconds is stalled: the try ends.
    - `quiet_time`: Seconds without a byte after which a transfer is shown as stalled.
    - `flush_interval`, `flush_bytes`: Seconds, and bytes, after which a part is flushed and recorded.
    - `resume_overlap`: Bytes before the resume point that are fetched again and compared.
    - `connections`: At most so many to one file, whatever the settings say; 1 turns parallel ranges off.
    - `parallel_threshold`, `min_segment`: Bytes a file must have to be worth more than one connection, and
      bytes worth one of their own.
    - `window`, `gain`: Seconds over which it is measured whether more connections made it faster, and how
      many times as fast it must have become to try still more.
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


@dataclass(frozen=True, slots=True)
class BatchConfig:
    """How many files at once: `slots` requests, of these `per_host` to one host.

    Files up to `max_small` bytes are fetched in one request without a journal entry; larger ones as single
    files, which resume, `large` of them at once.
    """

    slots: int = 16
    per_host: int = 16
    max_small: int = 2 << 20
    large: int = 3


@dataclass(frozen=True, slots=True)
class TransferContext:
    """What all transfers of a process share; `retries` is for a file among many, which holds up no other."""

    client: HTTPClient
    journal: PartJournal
    config: TransferConfig = field(default_factory=TransferConfig)
    limits: SharedLimits = field(default_factory=SharedLimits)
    retries: RetryPolicy = COMMAND_RETRIES

    def exchange(
        self,
        link: Link,
        name: str,
        headers: Mapping[str, str],
        cookies: CookieJar,
        allowed: frozenset[int] = frozenset(),
    ) -> http.exchange.Exchange:
        """Return a request of a file within the limits."""
        request = partial(
            self.client.request,
            "GET",
            link.url,
            headers={**link.headers, **headers},
            credentials=link.credentials,
            cookies=cookies,
            timeouts=self.config.timeouts,
            bandwidth=self.limits.bandwidth,
        )
        return http.exchange.Exchange(request, link, name, allowed)


class Expected(NamedTuple):
    """What is known of a file before it is fetched: its name, whose end tells the format, and its size.

    `archive` is whether the API promises a gzip-compressed tar archive, `page` whether it may be a web page;
    the key of its `link` is masked in what a server says in its place, and the end of its URL counts too.
    """

    name: str
    size: int | None = None
    archive: bool = False
    page: bool = False
    link: Link | None = None

    @property
    def gzip(self) -> bool:
        """Whether the file is gzip data itself, by its name."""
        return is_gzip_name(self.name)


ReserveSpace = Callable[[int, int], None]
"""Called, in a thread, with the bytes still needed and the size of the whole; raises NoSpaceError."""


@dataclass(frozen=True, slots=True)
class DownloadSpec:
    """One file to fetch to its final path; it grows as `NAME.part` beside it.

    `size` is what the API announced, the server's word counts more; `checksums` (an asset's `file:checksum`)
    are verified beside the server's; unless it is a `page`, a web page is that of a portal; an `archive` is
    promised as a `.tar.gz`, whose size the API announces. The last `names` names of the target are its own.
    """

    link: Link
    target: Path
    if_exists: IfExists = IfExists.RESUME
    size: int | None = None
    checksums: tuple[Checksum, ...] = ()
    page: bool = False
    archive: bool = False
    names: int = 1

    @property
    def part(self) -> Path:
        """The part file."""
        return self.target.with_name(f"{self.target.name}.part")

    @property
    def expected(self) -> Expected:
        """What is known of the file's content."""
        return Expected(self.target.name, self.size, self.archive, self.page, self.link)

    def is_settled(self) -> bool:
        """Return whether nothing is to be fetched, as far as can be told without the server; blocks.

        Raises OutputFolderError if what stands under the name is no regular file, or that of another name.
        """
        check_spelling(self.target, self.names)
        with suppress(OSError):
            check_regular(self.target, self.target.stat().st_mode)
        return self.if_exists is IfExists.SKIP and os.path.lexists(self.target)


@dataclass(frozen=True, slots=True)
class DownloadResult:
    """How a transfer ended well: `fetched` is False if the file was there; `note` is for the user."""

    path: Path
    size: int
    fetched: bool
    checksums: tuple[Checksum, ...] = ()
    note: str = ""


class TransferPhase(StrEnum):
    """What a transfer is doing; the values are those of the queue's job states of the same name."""

    CONNECTING = "connecting"
    PREPARING = "preparing"
    DOWNLOADING = "downloading"
    VERIFYING = "verifying"


class TransferProgress:
    """The present of one transfer, written by the engine's thread and read by any other without a lock.

    `on_phase` is called from the engine's thread when the phase changes.
    """

    def __init__(self, on_phase: Callable[[], None] | None = None) -> None:
        self.phase = TransferPhase.CONNECTING
        self.done = 0  # bytes in the part file
        self.total: int | None = None  # bytes of the whole file
        self.committed: int | None = None  # its size once it has its final name: no cancellation undoes that
        self.reserved = 0  # bytes the part file will have in the end, for which the disk must have room
        self.resumed_from: int | None = None  # bytes that were there before this try
        self.files_done = self.files_failed = 0  # of a dataset
        self.files_total: int | None = None
        self.last_byte = time.monotonic()
        self.host = ""
        self.words = ""  # what it is doing, where the phase does not say it all
        self.connections = 1
        self.events: deque[tuple[float, str]] = deque(maxlen=_MAX_EVENTS)  # since the epoch, oldest first
        self._on_phase = on_phase

    def log(self, words: str) -> None:
        """Add an event for the log of the job."""
        self.events.append((time.time(), words))

    def enter(self, phase: TransferPhase) -> None:
        """Change the phase."""
        self.last_byte = time.monotonic()
        if phase != self.phase:
            self.phase = phase
            if self._on_phase is not None:
                self._on_phase()

    def begin_at(self, done: int) -> None:
        """Record how many bytes this try begins with; of several beginnings the first counts."""
        if self.resumed_from is None:
            self.resumed_from = done

    def wrote(self, done: int) -> None:
        """Record the bytes that are in the part file."""
        self.done = done
        self.last_byte = time.monotonic()
