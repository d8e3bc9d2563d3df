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

    `current` are those of the program that runs the job; `sample` returns those of the sample
    catalog, started if necessary. Raises APIKeyNotFound if the job's profile is gone or cannot be read.
    """
    if request.source == SAMPLE:
        return sample()
    if current is not None and not same_root(current.root_url, request.source):
        current = None
    if request.profile is not None and (current is None or current.profile != request.profile):
        found = for_profile(request.profile)
        if same_root(found.root_url, request.source):
            return found
    if current is not None:
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
    not_saved = f"the key ({credentials.key_origin}) is not saved with the queue:"
    if credentials.profile is None:
        if credentials.kind is Kind.MLHUB:
            return f"{not_saved} what runs the queue needs it in MLHUB_API_KEY"
        return f"{not_saved} save the source under a name, `mlhub-tui sources add`"
    try:
        # Without this program's environment, which another one may not have.
        later = for_profile(credentials.profile, environ={})
    except SecretNotSet:
        return f"{not_saved} what runs the queue needs that variable too"
    except MLHubException as error:
        return error.message
    if later.secret != credentials.secret:
        return f"{not_saved} the profile has another one"
    if not same_root(later.root_url, credentials.root_url):
        origin = f"the root URL ({credentials.root_origin}) is not that of profile {credentials.profile}:"
        return f"{origin} what runs the queue needs it in MLHUB_ROOT_URL"
    return ""


async def open_for_job(request: DownloadRequest, choose: Callable[[], Credentials]) -> JobSource:
    """Open the source of a job, away from the event loop: files are read, modules imported."""

    def opened() -> JobSource:
        from ..sources.open_source import open_mlhub, open_source

        found = choose()
        if not isinstance(request, ArchiveRequest):
            # What the kind was when it was queued spares a look at the landing document.
            return open_source(found if found.kind is not None else replace(found, kind=request.kind))
        return open_mlhub(found)

    return await asyncio.to_thread(opened)
