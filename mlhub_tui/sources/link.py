"""Links: where the bytes of an archive really are, behind the API's redirects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import EntityDoesNotExist, RequestError, UnexpectedAnswer
from ..http.hrefs import host, shown
from ..http.json_document import PORTAL_HINT, is_web_page
from ..http.link import Link
from ..http.session import Session

if TYPE_CHECKING:
    import httpx

AZURE = ".blob.core.windows.net"
AZURE_VERSION = "2021-06-08"
_MAX_HOPS = 11
_NO_HEAD = frozenset({400, 403, 405, 501})


async def resolve(session: Session, path: str) -> Link:
    """Return the link that a path of the API leads to; no body is read.

    Raises
    ------
    RequestError
        As `Session.request`; `EntityDoesNotExist` where the API or the store has none.
    """
    url = session.url_of(path)
    for _ in range(_MAX_HOPS):
        response = await _look(session, url)
        if response is None:
            return link_to(session, url)
        if response.next_request is None:
            if is_web_page(response):
                where = shown(url)
                raise UnexpectedAnswer(
                    f"a web page instead of an archive from {host(where)}: {where}",
                    url=where,
                    hint=PORTAL_HINT,
                )
            return link_to(session, url)
        url = session.bare(str(response.next_request.url))
    raise UnexpectedAnswer(f"too many redirects: {shown(session.url_of(path))}", url=shown(path))


async def _look(session: Session, url: str) -> httpx.Response | None:
    """Return what is at a URL, None where only the transfer itself can tell."""
    headers = azure_headers(url)
    try:
        return await session.request("HEAD", url, headers=headers, follow_redirects=False)
    except EntityDoesNotExist:
        raise
    except RequestError as error:
        if error.status is None:
            raise
        if not session.is_own(url):
            # A signed URL is signed for GET: a store that refuses HEAD says nothing of GET.
            return None
        if error.status not in _NO_HEAD:
            raise
    return await session.request("GET", url, headers=headers, follow_redirects=False, read=False)


def link_to(session: Session, url: str) -> Link:
    """Return the link to a URL; the key goes along only to the session's own origin.

    Raises
    ------
    KeyWithheld
        If the URL itself would carry the key to another one.
    """
    if (keys := session.keys) is not None:
        url = keys.from_url(url, own=session.is_own(url))
    return Link(url, azure_headers(url), session.credentials())


def azure_headers(url: str) -> dict[str, str]:
    """Return the version header for Azure's blob stores, nothing for others."""
    return {"x-ms-version": AZURE_VERSION} if host(url).endswith(AZURE) else {}
