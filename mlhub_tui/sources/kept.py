"""A document as the cache keeps it."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Kept:
    """A document as it is kept.

    Parameters
    ----------
    content
        The body, decoded.
    url
        Where a redirect led to; empty where there was none.
    media_type
        What the server calls it.
    etag, modified
        The validators of the answer as received (RFC 9110, section 8.8); may be empty.
    checked
        When the server last said that this is it; seconds since the epoch.
    fresh_until
        Until when it need not be asked again.
    """

    content: bytes = field(repr=False)
    url: str = ""
    media_type: str = ""
    etag: str = ""
    modified: str = ""
    checked: float = 0.0
    fresh_until: float = 0.0


@dataclass(frozen=True, slots=True)
class Confirmed:
    """That the server said of what is kept that it is still the document (304).

    Parameters
    ----------
    checked
        When; seconds since the epoch.
    fresh_until
        Until when it need not be asked again.
    """

    checked: float
    fresh_until: float


Change = tuple[str, Kept | Confirmed | None]
"""A key and what is new of it: a document, its confirmation, or that it is gone (None)."""
