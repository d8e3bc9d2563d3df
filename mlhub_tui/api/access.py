"""What a document of the Python API remembers: the key or profile it was fetched with."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field

from ..models import Document
from ..sources.mlhub import MLHubSource
from .session import opened


@dataclass(frozen=True, eq=False, repr=False)
class Remembering(Document):
    """A document that can ask for more with what it was fetched with.

    Parameters
    ----------
    raw
        The JSON as received.
    api_key, profile
        See `get_session`; never printed.
    """

    api_key: str | None = field(default=None, repr=False)
    profile: str | None = field(default=None, repr=False)

    def _opened(
        self, api_key: str | None = None, profile: str | None = None
    ) -> AbstractAsyncContextManager[MLHubSource]:
        """Open a source with the arguments of a call, or else with what is remembered."""
        if api_key or profile:
            return opened(api_key, profile)
        return opened(self.api_key, self.profile)
