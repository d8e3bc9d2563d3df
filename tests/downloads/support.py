"""What the tests of the downloads share: contents, a resolver over fault servers, short time-outs."""

from __future__ import annotations

import gzip
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from mlhub_tui.downloads.job import ArchiveRequest, AssetRequest, IfExists, Request
from mlhub_tui.downloads.resolve import Found
from mlhub_tui.downloads.tuning import Patience, Tuning
from mlhub_tui.models import ArchiveInfo
from mlhub_tui.sources.link import Link
from tests.support.http_server import Answer

QUICK = Tuning(
    connect=30.0, answer=30.0, stall=30.0, least=1.0, hush=0.15, tick=0.05, sync_every=0.05, look=0.1
)
"""Looks often, and waits for what a busy machine does late."""

IMPATIENT = replace(QUICK, answer=0.3, stall=0.3, least=3000.0)
"""For servers that say nothing: a busy machine may count a try too many, so tries must not count."""

WIDE = replace(QUICK, buffer=64 << 10, piece=64 << 10, split_above=1 << 20, window=0.06)
"""The same, with several connections for files of a few MB."""

HASTY = Patience(tries=4, doubtful=2, base=0.02, cap=0.05, longest=0.2)
"""Few tries, at once."""

SLOW = Answer(piece=8192, pace=0.04)
"""Five seconds for a MB, until the test has looked and lets the server hurry."""

ENDLESS = replace(HASTY, tries=None)
"""As the app has it: no end to the patience with a host, here in small steps."""


def content(size: int = 1 << 20, seed: int = 1) -> bytes:
    """Return bytes that are the same for a seed and alike nowhere; whole gzip."""
    inside = random.Random(seed).randbytes(max(size - 200, 1))
    return gzip.compress(inside, compresslevel=0, mtime=0)


class Links:
    """A resolver that gives what it is told, an exception or a URL; the last one for ever."""

    def __init__(self, *answers: str | Exception | Callable[[Request], str], size: int | None = None):
        self.answers = list(answers)
        self.asked: list[str] = []
        self.size = size

    async def again(self, request: AssetRequest) -> Found:
        """Return the next link, and the request as it is."""
        return Found(request, await self.link(request))

    async def link(self, request: Request) -> Link:
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
    return {path.name: path.stat().st_size for path in folder.iterdir()} if folder.exists() else {}
