"""The source in use: how it is opened, and what the screens say of it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ..sample.house import SAMPLE_NAME, SampleHouse
from ..text import mask, redact

if TYPE_CHECKING:
    from ..profiles import Credentials
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
        """What the top bar calls it."""
        if self.is_sample:
            return SAMPLE_NAME
        root = self.credentials.root_url
        place = urlsplit(root).netloc if "://" in root else Path(root).name
        return f"{self.credentials.profile} @ {place}" if self.credentials.profile else place

    @property
    def job_source(self) -> str:
        """What the queue remembers: the sample's port differs at each start."""
        from ..downloads.job import SAMPLE

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


async def open_connection(credentials: Credentials) -> Connection:
    """Return a connection for credentials; nothing is sent yet where their kind is known.

    The HTTP client is imported in a thread: it costs a tenth of a second that the keyboard must not wait for.

    Raises
    ------
    MLHubException
        If the kind is not known, and a look at the place finds nothing that can be browsed.
    """
    from ..sources.connect import settled

    credentials = await settled(credentials)
    return Connection(credentials, await asyncio.to_thread(_open, credentials))


async def open_sample(house: SampleHouse) -> Connection:
    """Return a connection to the sample catalogue, started if need be."""
    credentials = await asyncio.to_thread(house.credentials)
    return Connection(credentials, await asyncio.to_thread(_open, credentials), is_sample=True)


def _open(credentials: Credentials) -> Source:
    from ..sources.connect import open_source

    return open_source(credentials)
