"""The source of a queued job: which credentials apply when it runs, perhaps days after it was queued."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from ..downloads.job import SAMPLE, ArchiveRequest
from ..profiles import Credentials, for_profile
from .connection import SampleHouse

if TYPE_CHECKING:
    from ..sources.mlhub import MLHubSource


def credentials_for(request: ArchiveRequest, current: Credentials | None, sample: SampleHouse) -> Credentials:
    """Return the credentials for a job: the sample's, its profile's, or those in use for the same root URL.

    A key never goes to another root URL than the one it was used with when the job was queued.

    Raises
    ------
    APIKeyNotFound
        If the job's profile is gone or cannot be read.
    """
    if request.source == SAMPLE:
        return sample.credentials()
    if current is not None and current.root_url == request.source and current.profile == request.profile:
        return current
    if request.profile is not None:
        found = for_profile(request.profile)
        if found.root_url == request.source:
            return found
    if current is not None and current.root_url == request.source:
        return current
    return Credentials(api_key=None, root_url=request.source, profile=None, key_origin="no key")


async def open_in_thread(choose: Callable[[], Credentials]) -> MLHubSource:
    """Choose credentials and open their source away from the event loop: files are read, modules imported."""

    def opened() -> MLHubSource:
        from ..sources.connect import open_source

        return open_source(choose())

    return await asyncio.to_thread(opened)
