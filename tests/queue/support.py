"""What the tests of the downloads share: contents, a resolver over fault servers, short time-outs."""

from __future__ import annotations

import contextlib
import gzip
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from mlhub_tui.http.credentials import Link
from mlhub_tui.http.errors import QUEUE_RETRIES
from mlhub_tui.models import ArchiveInfo
from mlhub_tui.options import IfExists
from mlhub_tui.planning.requests import ArchiveRequest, AssetRequest, DownloadRequest
from mlhub_tui.planning.resolver import RenewedAsset, Resolver
from mlhub_tui.transfer.config import (
    DownloadResult,
    DownloadSpec,
    ReserveSpace,
    TransferConfig,
    TransferContext,
    TransferProgress,
)
from mlhub_tui.transfer.engine import shared_engine
from mlhub_tui.transfer.part_file import PartJournal
from mlhub_tui.transfer.single_file import fetch_file
from tests.support.http_server import Answer

QUICK = TransferConfig(
    connect_timeout=30.0,
    first_byte_timeout=30.0,
    low_speed_time=30.0,
    low_speed_limit=1.0,
    quiet_time=1.0,
    flush_interval=0.05,
)
"""Looks often, and waits for what a busy machine does late."""

IMPATIENT = replace(QUICK, first_byte_timeout=0.3, low_speed_time=0.3, low_speed_limit=3000.0)
"""For servers that say nothing: a busy machine may count a try too many, so tries must not count."""

WIDE = replace(QUICK, min_segment=64 << 10, parallel_threshold=1 << 20, window=0.06)
"""The same, with several connections for files of a few MB."""

HASTY = replace(
    QUEUE_RETRIES, tries=4, doubtful_tries=2, base=0.02, cap=0.05, longest_wait=0.2, random=random.random
)
"""Few tries, at once."""

SLOW = Answer(piece=8192, pace=0.4)
"""A minute for a MB, so that no test comes too late, until it lets the server hurry."""

HALF = Answer(after=600_000, end="stall")
"""As much at once, and then nothing."""

ENDLESS = replace(HASTY, tries=None)
"""As the app has it: no end to the patience with a host, here in small steps."""


def content(size: int = 1 << 20, seed: int = 1) -> bytes:
    """Return bytes that are the same for a seed and alike nowhere; whole gzip."""
    inside = random.Random(seed).randbytes(max(size - 200, 1))
    packed = gzip.compress(inside, compresslevel=0, mtime=0)
    return packed[:9] + b"\x03" + packed[10:]  # the system, of which Python 3.13 says nothing


class Links(Resolver):
    """A resolver that gives what it is told, an exception or a URL; the last one for ever."""

    def __init__(self, *answers: str | Exception | Callable[[DownloadRequest], str], size: int | None = None):
        self.answers = list(answers)
        self.asked: list[str] = []
        self.size = size

    async def again(self, request: AssetRequest) -> RenewedAsset:
        """Return the next link, and the request as it is."""
        return RenewedAsset(request, await self.link(request))

    async def link(self, request: DownloadRequest) -> Link:
        """Return the next link."""
        self.asked.append(request.collection_id)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return Link(answer if isinstance(answer, str) else answer(request))

    async def info(self, request: ArchiveRequest) -> ArchiveInfo | None:
        """Return the size."""
        return ArchiveInfo(request.collection_id, "", self.size) if self.size is not None else None


def wish(folder: Path, name: str = "file", if_exists: IfExists = IfExists.RESUME) -> ArchiveRequest:
    """Return a request."""
    return ArchiveRequest("http://127.0.0.1/mlhub/v1/", None, name, folder, if_exists)


def files(folder: Path) -> dict[str, int]:
    """Return names and sizes of what is in a folder."""
    found = {}
    for path in folder.iterdir() if folder.exists() else ():
        with contextlib.suppress(FileNotFoundError):  # deleted since it was listed
            found[path.name] = path.stat().st_size
    return found


def run(
    spec: DownloadSpec,
    journal: PartJournal,
    config: TransferConfig = QUICK,
    reserve: ReserveSpace | None = None,
) -> DownloadResult:
    """Fetch one file on the loop of the shared engine."""
    engine = shared_engine()

    async def work() -> DownloadResult:
        context = TransferContext(engine.client(), journal, config)
        return await fetch_file(spec, context, TransferProgress(), reserve=reserve)

    return engine.submit(work()).result()
