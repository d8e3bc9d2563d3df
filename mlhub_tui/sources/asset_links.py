"""Links of assets: from the href in a document to where its bytes can be asked for now."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from ..errors import NotOffered
from ..http.hrefs import shown
from ..http.link import Link
from .link import azure_headers, link_to
from .planetary import SasTokens
from .stores import https_of

if TYPE_CHECKING:
    from ..http.session import Session

_SCHEMES = ("http://", "https://")
_LOCAL = "file://"


@cache
def shared_tokens() -> SasTokens:
    """Return the tokens of all sources of this program: a source lives shorter than a token does."""
    return SasTokens()


class AssetLinks:
    """What every source's `asset_link` does: stores' own schemes to https, signatures, the source's secret.

    Parameters
    ----------
    root_url
        The source's location.
    session
        The session with the source, whose secret goes to its own origin only; None for a source without
        one, a folder for example.
    tokens
        The Planetary Computer's tokens; by default those that the whole program shares.
    local
        Whether links to local files are good: only from a source that is itself on this machine, since a
        server must not make anybody copy files of their own.
    """

    def __init__(
        self,
        root_url: str,
        session: Session | None = None,
        *,
        tokens: SasTokens | None = None,
        local: bool = False,
    ) -> None:
        self._root_url = root_url
        self._session = session
        self._tokens = tokens or shared_tokens()
        self._local = local

    async def link(self, href: str, *, fresh: bool = False) -> Link:
        """Return where the bytes of an asset are; nothing of them is read.

        Parameters
        ----------
        href
            Absolute: resolved against the URL of its document.
        fresh
            Whether the last link was refused, so that nothing that was kept counts.

        Raises
        ------
        NotOffered
            If the asset cannot be asked for: no href, another scheme, a file of this machine in a catalog
            that is not on it.
        RequestError
            If a signature cannot be had.
        """
        if href.lower().startswith(_LOCAL):
            return self._local_link(href)
        url = https_of(href)
        if not url.lower().startswith(_SCHEMES):
            words = f"{shown(href)} is no address of a file" if href else "the asset has no href"
            raise NotOffered(words, hint=_NOTHING)
        if self._session is None:
            return Link(url, azure_headers(url))
        if self._tokens.wanted(url, self._root_url):
            url = await self._tokens.sign(url, self._session.get_json, fresh=fresh)
        return link_to(self._session, url)

    def _local_link(self, href: str) -> Link:
        if not self._local:
            raise NotOffered("the asset's href names a file of this machine: not followed", hint=_NOTHING)
        return Link(href)


_NOTHING = "nothing can be fetched for it: report it to the owner of the catalog"
