"""The hosted MLHub service, which ended in 2023: who is still pointed at it is told so before any request."""

from __future__ import annotations

from ..errors import MLHubException
from ..http.errors import HOSTED
from ..http.hrefs import host


class ServiceEnded(MLHubException):
    """The hosted service is no more."""

    default_hint = "choose the sample catalogue, a public source, or a deployment that lives"


def is_hosted(root_url: str) -> bool:
    """Whether a root URL is that of the hosted service."""
    return host(root_url) == HOSTED


def ended() -> ServiceEnded:
    """Return what is said instead of asking it."""
    return ServiceEnded(f"the hosted MLHub service ({HOSTED}) ended in 2023")
