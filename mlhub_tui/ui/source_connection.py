"""The connection to a source: opened at the start, checked, and its last listing."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ..auth import Credentials, Kind
from ..errors import APIKeyNotFound, InvalidRootURL, MLHubException
from ..models import Entry
from ..options import AppOptions
from ..sample.on_demand import SAMPLE_NAME, SampleOnDemand
from ..text import duration, mask, redact

if TYPE_CHECKING:
    from ..sources.base import Source
    from ..sources.last_listing import LastListing
    from .catalog.catalog_tree import CatalogTree


__all__ = ["SAMPLE_NAME", "Connection", "SampleOnDemand", "open_connection", "open_sample"]


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
            return f"In use: the built-in sample catalog at {self.credentials.root_url}"
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
    from ..sources.open_source import open_source
    from ..sources.probe import with_kind

    known = await with_kind(credentials)
    return Connection(known, await asyncio.to_thread(open_source, known))


async def open_sample(house: SampleOnDemand) -> Connection:
    """Return a connection to the sample catalog, started if need be."""
    connection = await open_connection(await asyncio.to_thread(house.credentials))
    return replace(connection, is_sample=True)


def _import() -> None:
    from ..http import session as http
    from ..sources import open_source as connect

    assert connect is not None and http is not None


def choose_start(options: AppOptions) -> tuple[Credentials | None, MLHubException | None]:
    """Return what to connect to, or None and why; neither for the sample catalog.

    The hosted service is not asked by itself: it ended, and a start that waits for it helps nobody.
    """
    if options.sample:
        return None, None
    try:
        found = _resolve(options)
    except (APIKeyNotFound, InvalidRootURL) as error:
        return None, error
    from ..sources.well_known import ServiceEnded, is_hosted

    return (None, ServiceEnded()) if is_hosted(found.root_url) else (found, None)


def _resolve(asked: AppOptions) -> Credentials:
    from ..auth import resolve, resolve_or_anonymous

    if asked.source is not None:
        from ..sources.source_names import choose

        return choose(asked.source, api_key=asked.api_key)
    if asked.root_url or os.environ.get("MLHUB_ROOT_URL"):
        # Who names a root URL wants to see it: listings need no key, items ask for one.
        return resolve_or_anonymous(api_key=asked.api_key, profile=asked.profile, root_url=asked.root_url)
    return resolve(api_key=asked.api_key, profile=asked.profile, root_url=asked.root_url)


async def check_credentials(credentials: Credentials) -> None:
    """Return if the source takes the key; one that needs none, if it answers.

    Raises
    ------
    APIKeyNotFound
        If there is no key to test, at an MLHub API.
    RequestError
        If the source refuses the key, or does not answer as it should.
    """
    if not credentials.api_key and credentials.kind is Kind.MLHUB:
        raise APIKeyNotFound("this profile has no key to test", hint="press e to enter one")
    connection = await open_connection(credentials)
    try:
        from ..sources.open_source import check

        await check(connection.source)
    finally:
        with contextlib.suppress(Exception):
            await connection.source.aclose()


def last_listing(connection: Connection) -> LastListing | None:
    """Return the last listing of a source; None where none is kept: static documents have their own cache."""
    if connection.is_sample or connection.source.kind is Kind.STATIC:
        return None
    from ..sources.last_listing import LastListing  # after the first paint: it needs SQLite

    used = connection.credentials
    reader = used.profile or ("a key" if used.secret else "")
    return LastListing(connection.job_source, reader)


async def show_last_listing(connection: Connection | None, tree: CatalogTree) -> LastListing | None:
    """Show what was listed last time, if the tree is still empty; return what `keep` needs afterwards."""
    last = last_listing(connection) if connection is not None else None
    if last is None:
        return None
    branches = tree.branches
    groups = branches.groups
    entries, age = await asyncio.to_thread(last.load)
    if entries and branches.groups is groups and not (groups[0].children or branches.top.loaded):
        tree.show_last(entries, f"as of {duration(age)} ago")
    return last


async def save_last_listing(last: LastListing | None, tree: CatalogTree) -> None:
    """Keep what is listed now, if that came from the source."""
    from ..sources.last_listing import MOST

    branches = tree.branches
    if last is not None and branches.top.failure is None and branches.top.loaded and not branches.top.kept:
        rows = (branches.groups[0].children or [])[:MOST]
        entries = [row.data for row in rows if isinstance(row.data, Entry)]
        await asyncio.to_thread(last.save, entries)
