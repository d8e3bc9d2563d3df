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

from .. import http, sources
from ..auth import Credentials, Kind, resolve
from ..auth.location import API_KEY_VARIABLE, PROFILE_VARIABLE, ROOT_URL_VARIABLE
from ..errors import APIKeyNotFound, InvalidRootURL, MLHubException
from ..options import AppOptions
from ..sample.process import SAMPLE_NAME, SampleOnDemand
from ..text import mask, redact

if TYPE_CHECKING:
    from ..sources.base import Source


SAMPLE = "sample"
"""What the queue, saved searches and favourites call the sample, whose port differs at each start."""
__all__ = ["SAMPLE", "SAMPLE_NAME", "Connection", "SampleOnDemand", "open_connection", "open_sample"]


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
    def entry(self) -> str:
        """What opens it again: a profile, a URL or path without a key, or the sample."""
        return SAMPLE if self.is_sample else self.credentials.profile or self.credentials.root_url

    @property
    def job_source(self) -> str:
        """What the queue remembers: the sample's port differs at each start."""
        return SAMPLE if self.is_sample else self.credentials.root_url

    @property
    def words(self) -> str:
        """Where the key in use came from, and the root URL."""
        if self.is_sample:
            return f"In use: the built-in sample catalog at {self.credentials.root_url}"
        key = f"key {mask(self.credentials.secret)} from {self.credentials.key_origin}"
        if not self.credentials.secret:
            key = self.credentials.key_origin
        return f"In use: {redact(self.credentials.root_url)}, {key}"


KIND_NAMES = {"mlhub": "MLHub", "stac-api": "STAC API", "static": "static"}
"""What a kind of source is called in the top bar."""
_COMMON_NAMES = ("catalog.json", "collection.json")
"""File names that most catalogs share."""


def place(location: str) -> str:
    """Return where a source is in a word: the host of a URL, the file of a path, or its folder."""
    if "://" in location:
        return urlsplit(location).netloc
    path = Path(location)
    return (path.parent.name if path.name in _COMMON_NAMES else path.name) or location


async def open_connection(credentials: Credentials) -> Connection:
    """Return a connection for credentials; nothing is sent yet where their kind is known.

    The HTTP client is imported in a thread: it costs a tenth of a second that the keyboard must not wait for.

    Raises MLHubException if the kind is not known, and a look at the place finds nothing that can be browsed.
    """
    if (log := sys.modules.get("mlhub_tui.debug")) is not None:
        log.hide(credentials.secret)
    await asyncio.to_thread(lambda: http.session)
    # To detect a kind takes the modules of all kinds, 20 of them: not for one that is known.
    known = credentials if credentials.kind is not None else await sources.probe.with_kind(credentials)
    return Connection(known, await asyncio.to_thread(sources.open_source.open_source, known))


async def open_sample(sample: SampleOnDemand) -> Connection:
    """Return a connection to the sample catalog, started if need be."""
    connection = await open_connection(await asyncio.to_thread(sample.credentials))
    return replace(connection, is_sample=True)


def reopens_last(options: AppOptions) -> bool:
    """Whether nothing says which source to open, so that the last one is reopened."""
    named = (options.source, options.profile, options.root_url, options.api_key)
    variables = (ROOT_URL_VARIABLE, PROFILE_VARIABLE, API_KEY_VARIABLE)
    return not (options.sample or any(named) or any(map(os.environ.get, variables)))


def choose_start(options: AppOptions, last: str = "") -> tuple[Credentials | None, MLHubException | None]:
    """Return what to connect to, or None and why; neither for the sample catalog.

    The hosted service is not asked by itself: it ended, and a start that waits for it helps nobody.

    - `last`: The entry of the source that was used last; empty where that is not reopened.
    """
    reopens = bool(last) and reopens_last(options)
    if options.sample or (reopens and last == SAMPLE):
        return None, None
    try:
        found = _resolve(replace(options, source=last) if reopens else options)
    except MLHubException as error:
        if reopens:  # it was deleted, or moved: begin as without it
            return choose_start(options)
        if isinstance(error, APIKeyNotFound | InvalidRootURL):
            return None, error
        raise
    known = sources.open_source
    return (None, known.ServiceEnded()) if known.is_hosted(found.root_url) else (found, None)


def _resolve(asked: AppOptions) -> Credentials:
    if asked.source is not None:
        return sources.open_source.choose(asked.source, api_key=asked.api_key)
    # Who names a root URL wants to see it: listings need no key, items ask for one.
    anonymous = bool(asked.root_url or os.environ.get(ROOT_URL_VARIABLE))
    return resolve(api_key=asked.api_key, profile=asked.profile, root_url=asked.root_url, anonymous=anonymous)


async def check_credentials(credentials: Credentials) -> None:
    """Return if the source accepts the key; one that needs none, if it answers.

    Raises APIKeyNotFound if there is no key to test, at an MLHub API. Raises RequestError if the source
    refuses the key, or does not answer as it should.
    """
    if not credentials.secret and credentials.kind is Kind.MLHUB:
        raise APIKeyNotFound("this profile has no key to test", hint="press e to enter one")
    connection = await open_connection(credentials)
    try:
        await sources.open_source.check(connection.source)
    finally:
        with contextlib.suppress(Exception):
            await connection.source.aclose()


def last_listing(connection: Connection) -> http.cache.LastListing | None:
    """Return the cached last listing of a source; None for static documents, which have their own cache."""
    if connection.is_sample or connection.source.kind is Kind.STATIC:
        return None
    used = connection.credentials
    reader = used.profile or ("a key" if used.secret else "")
    return http.cache.LastListing(connection.job_source, reader)
