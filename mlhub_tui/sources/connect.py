"""Opening a source with the credentials that apply; nothing is asked before the first use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .http import Session
from .mlhub import MLHubSource

if TYPE_CHECKING:
    from ..profiles import Credentials


def open_session(credentials: Credentials) -> Session:
    """Return a session with the API of the credentials."""
    return Session(api_key=credentials.api_key, root_url=credentials.root_url)


def open_source(credentials: Credentials) -> MLHubSource:
    """Return a source for the API of the credentials; close it with `aclose`."""
    return MLHubSource(open_session(credentials))
