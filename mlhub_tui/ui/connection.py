"""The source in use: how it is opened, and what the screens say of it."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ..sample.house import SAMPLE_NAME, SampleHouse
from ..text import mask, redact

if TYPE_CHECKING:
    from ..auth import Credentials
    from ..sources.base import Source

__all__ = ["SAMPLE_NAME", "Connection", "SampleHouse", "open_connection", "open_sample"]


@dataclass(frozen=True, slots=True)
class Connection:
    """A source with the credentials it was opened with."""

    credentials: Credentials
    source: Source
    is_sample: bool = False

    @property
    def name(self) -> str:
        """What the top bar calls it: its kind, its profile, its host or file."""
        if self.is_sample:
            return SAMPLE_NAME
        where = place(self.credentials.root_url)
        if self.credentials.profile:
            where = f"{self.credentials.profile} @ {where}"
        return f"{KIND_NAMES[self.source.kind.value]} {where}"

    @property
    def job_source(self) -> str:
        """What the queue remembers: the sample's port differs at each start."""
        from ..planning.requests import SAMPLE

        return SAMPLE if self.is_sample else self.credentials.root_url

    @property
    def words(self) -> str:
        """Where the key in use came from, and the root URL."""
        if self.is_sample:
            return f"In use: the built-in sample catalogue at {self.credentials.root_url}"
        key = f"key {mask(self.credentials.api_key)} from {self.credentials.key_origin}"
        if not self.credentials.api_key:
            key = self.credentials.key_origin
        return f"In use: {redact(self.credentials.root_url)}, {key}"


KIND_NAMES = {"mlhub": "MLHub", "stac-api": "STAC API", "static": "static"}
"""What a kind of source is called in the top bar."""


def place(location: str) -> str:
    """Return where a source is in a word: the host of a URL, the file of a path."""
    return urlsplit(location).netloc if "://" in location else Path(location).name or location


async def open_connection(credentials: Credentials) -> Connection:
    """Return a connection for credentials; nothing is sent yet where their kind is known.

    The HTTP client is imported in a thread: it costs a tenth of a second that the keyboard must not wait for.

    Raises
    ------
    MLHubException
        If the kind is not known, and a look at the place finds nothing that can be browsed.
    """
    if (log := sys.modules.get("mlhub_tui.debug")) is not None:
        log.hide(credentials.secret)
    await asyncio.to_thread(_import)
    from ..sources.connect import open_source
    from ..sources.probe import with_kind

    known = await with_kind(credentials)
    return Connection(known, await asyncio.to_thread(open_source, known))


async def open_sample(house: SampleHouse) -> Connection:
    """Return a connection to the sample catalogue, started if need be."""
    connection = await open_connection(await asyncio.to_thread(house.credentials))
    return replace(connection, is_sample=True)


def _import() -> None:
    from ..http import session as http
    from ..sources import connect

    assert connect is not None and http is not None
