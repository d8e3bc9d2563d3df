"""Which credentials a queued job gets when it runs, perhaps days later and in another program."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from ..auth import Credentials, Kind, SecretNotSet, for_profile, same_root
from ..errors import MLHubException
from ..planning.requests import SAMPLE, ArchiveRequest, DownloadRequest

if TYPE_CHECKING:
    from ..planning.resolver import JobSource


def credentials_for(
    request: DownloadRequest, current: Credentials | None, sample: Callable[[], Credentials]
) -> Credentials:
    """Return the credentials for a job: the sample's, its profile's, or those in use for the same root URL.

    A key never goes to another root URL than the one it was used with when the job was queued.

    Parameters
    ----------
    current
        What the program that runs the job uses itself.
    sample
        Returns the credentials of the sample catalogue, started if need be.

    Raises
    ------
    APIKeyNotFound
        If the job's profile is gone or cannot be read.
    """
    if request.source == SAMPLE:
        return sample()
    if (
        current is not None
        and same_root(current.root_url, request.source)
        and current.profile == request.profile
    ):
        return current
    if request.profile is not None:
        found = for_profile(request.profile)
        if same_root(found.root_url, request.source):
            return found
    if current is not None and same_root(current.root_url, request.source):
        return current
    return Credentials(
        api_key=None, root_url=request.source, profile=None, key_origin="no key", kind=request.kind
    )


def not_kept(credentials: Credentials) -> str:
    """Return why a program that runs the queue later would not find this key, in one line; empty if it would.

    The queue keeps the name of a profile, never a key.
    """
    if not credentials.api_key:
        return ""
    if credentials.profile is None and credentials.kind is not Kind.MLHUB:
        return (
            f"the key ({credentials.key_origin}) is not kept with the queue:"
            " keep the source under a name, `mlhub-tui sources add`"
        )
    if credentials.profile is None:
        return (
            f"the key ({credentials.key_origin}) is not kept with the queue:"
            " what runs the queue needs it in MLHUB_API_KEY"
        )
    try:
        # Without this program's environment, which another one may not have.
        later = for_profile(credentials.profile, environ={})
    except SecretNotSet:
        return (
            f"the key ({credentials.key_origin}) is not kept with the queue:"
            " what runs the queue needs that variable too"
        )
    except MLHubException as error:
        return error.message
    if later.secret != credentials.secret:
        return f"the key ({credentials.key_origin}) is not kept with the queue: the profile has another one"
    if not same_root(later.root_url, credentials.root_url):
        return (
            f"the root URL ({credentials.root_origin}) is not that of profile {credentials.profile}:"
            " what runs the queue needs it in MLHUB_ROOT_URL"
        )
    return ""


async def open_for_job(request: DownloadRequest, choose: Callable[[], Credentials]) -> JobSource:
    """Open the source of a job, away from the event loop: files are read, modules imported.

    Raises
    ------
    NotOffered
        If an archive is wanted of a source that is no MLHub API.
    """

    def opened() -> JobSource:
        from ..sources.connect import open_mlhub, open_source

        found = choose()
        if not isinstance(request, ArchiveRequest):
            # What the kind was when it was queued spares a look at the landing document.
            return open_source(found if found.kind is not None else replace(found, kind=request.kind))
        return open_mlhub(found)

    return await asyncio.to_thread(opened)
