"""What all jobs of a program share: where links come from, the journal, limits and retries."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from ..http.retry import COMMAND_RETRIES, RetryPolicy
from ..transfer.config import (
    DownloadResult,
    DownloadSpec,
    ReserveSpace,
    TransferConfig,
    TransferContext,
    TransferProgress,
)
from ..transfer.engine import shared_engine
from ..transfer.limits import SharedLimits
from ..transfer.part_file import PartJournal
from ..transfer.single_file import fetch_file, is_settled
from .resolver import Resolver


@dataclass(frozen=True, slots=True)
class JobContext:
    """What all transfers share; `tls` is None for the system's settings.

    `retries` is for a file among many, whose failure holds up nothing else.
    """

    resolver: Resolver
    journal: PartJournal
    config: TransferConfig
    tls: ssl.SSLContext | None = None
    limits: SharedLimits = field(default_factory=SharedLimits)
    retries: RetryPolicy = COMMAND_RETRIES

    async def fetch(
        self,
        spec: DownloadSpec,
        progress: TransferProgress,
        *,
        reserve: ReserveSpace | None = None,
    ) -> DownloadResult:
        """Fetch one file on the loop of the transfer engine; see `transfer.single_file.fetch_file`."""

        async def work() -> DownloadResult:
            return await fetch_file(spec, self.context(), progress, reserve=reserve)

        return await shared_engine().run(work())

    def context(self) -> TransferContext:
        """Return what transfers share, with the HTTP client of the engine; only on the engine's loop."""
        client = shared_engine().client(self.tls, self.config.connect_timeout)
        return TransferContext(client, self.journal, self.config, self.limits, self.retries)


def already_there(spec: DownloadSpec) -> DownloadResult | None:
    """Return the result where nobody has to be asked; blocks."""
    if is_settled(spec):
        return DownloadResult(spec.target, spec.target.stat().st_size, fetched=False)
    return None


def cluster_package() -> Any:
    """Return the package `cluster`, which is above this one: loaded by name, when a request has a cluster."""
    return import_module("mlhub_tui.cluster")
