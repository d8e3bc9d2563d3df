"""What the app begins with: credentials to browse with, or the reason why the Profiles screen comes first."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ..errors import APIKeyNotFound, InvalidRootURL, MLHubException
from ..options import AppOptions

if TYPE_CHECKING:
    from ..auth import Credentials


def choose_start(options: AppOptions) -> tuple[Credentials | None, MLHubException | None]:
    """Return what to connect to, or None and why; neither for the sample catalogue.

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
