"""Links: where bytes can be requested, and what must be sent along."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .credentials import OriginCredentials
from .urls import address, origin_of


def is_local(url: str) -> bool:
    """Return whether a URL names a file of this machine."""
    return url[:7].lower() == "file://"


@dataclass(frozen=True, slots=True)
class Link:
    """Where bytes can be requested.

    - `url`: http, https, or `file:` (a file of this machine, or a member of an archive on it), without the
      API key; it may hold a store's own signature, so it is redacted before it is shown.
    - `headers`: What the store needs, no secrets: a recent `x-ms-version` makes Azure quote its ETags and
      take open ranges.
    - `credentials`: Sent to their own origin only, and taken out of any URL of another one; None where there
      are none.
    """

    url: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)
    credentials: OriginCredentials | None = field(default=None, repr=False)

    @property
    def sends_key(self) -> bool:
        """Whether the link is on the origin of its credentials."""
        return self.credentials is not None and self.credentials.is_home(origin_of(self.url))

    def __repr__(self) -> str:
        return f"Link({address(self.url)!r})"
