"""What it means that a link was refused, and the one that was looked up after it too."""

from __future__ import annotations

from ..errors import AccessDenied, AuthenticationError, EntityDoesNotExist, MLHubException
from ..http.errors import LinkRejected
from ..http.hrefs import shown_id
from ..http.link import Link
from ..planning.requests import AssetRequest, DownloadRequest
from ..sources.asset_hrefs import known_to_pay

_GONE = frozenset({404, 410})


def refusal(error: LinkRejected, request: DownloadRequest, link: Link) -> MLHubException:
    """Return the error of a job whose link was refused twice.

    Parameters
    ----------
    error
        The last refusal.
    link
        The link that was refused.
    """
    if error.status in _GONE:
        return EntityDoesNotExist(_missing(request), url=error.url, status=error.status)
    if why := known_to_pay(link.url):
        return AccessDenied(why, url=error.url, status=error.status, hint="fetch it with a tool of the store")
    if error.status == 401 and link.sends_key:
        return AuthenticationError(error.message, url=error.url, status=401)
    return error


def _missing(request: DownloadRequest) -> str:
    collection = f"collection {shown_id(request.collection_id)}"
    if not isinstance(request, AssetRequest):
        return f"the archive of {collection} does not exist; it may still be generating"
    place = f"item {shown_id(request.item_id)}" if request.item_id else collection
    return f"the file of asset {shown_id(request.key)} of {place} does not exist"
