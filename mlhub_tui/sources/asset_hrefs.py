"""Which of an asset's hrefs to ask for: absolute, open to everybody where there is such a one."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ..errors import NotOffered
from ..http.hrefs import resolve_href
from ..models import Asset, Document
from .requester_pays import requester_pays
from .stores import AZURE_SCHEMES, https_of

_DIRECT = ("http://", "https://", "file://")


@dataclass(frozen=True, slots=True)
class AssetHref:
    """An absolute href of an asset, and why its reader has to pay for it (empty: nobody does)."""

    href: str
    pays: str = ""


def asset_href(document: Document, asset: Asset) -> AssetHref:
    """Return the href by which an asset is best asked for; an empty one where it has none.

    The asset's own comes first; where that is requester-pays, or of a scheme that is not https, one of its
    alternates (STAC alternate-assets extension) that is neither.

    Parameters
    ----------
    document
        The item or collection; relative hrefs resolve against where it was fetched from.
    asset
        One of its assets.
    """
    choices = list(_choices(document, asset))
    own = choices[0] if choices else AssetHref("")
    if own.href.lower().startswith(_DIRECT) and not own.pays:
        return own
    open_ones = [choice for choice in choices[1:] if not choice.pays and _reachable(choice.href)]
    direct = [choice for choice in open_ones if choice.href.lower().startswith(_DIRECT)]
    if direct:
        return direct[0]
    return open_ones[0] if open_ones and (own.pays or not _reachable(own.href)) else own


def _choices(document: Document, asset: Asset) -> Iterator[AssetHref]:
    yield _choice(document, asset)
    alternates = asset.raw.get("alternate")
    for entry in alternates.values() if isinstance(alternates, dict) else ():
        if isinstance(entry, dict) and isinstance(entry.get("href"), str) and entry["href"].strip():
            yield _choice(document, Asset(asset.key, entry["href"], raw=entry))


def _choice(document: Document, asset: Asset) -> AssetHref:
    href = resolve_href(document.url, asset.href) if asset.href.strip() else ""
    if href.lower().startswith("file:") and document.url.lower().startswith(("http://", "https://")):
        href = ""  # the disk it names is the server's, not this machine's
    if href.partition("://")[0].lower() in AZURE_SCHEMES and (account := _account(document, asset)):
        with contextlib.suppress(NotOffered):
            href = https_of(href, account=account)
    return AssetHref(href, requester_pays(document, asset, href))


def _reachable(href: str) -> bool:
    """Return whether a URL can be asked for over https."""
    try:
        return https_of(href).lower().startswith(_DIRECT)
    except NotOffered:
        return False


def _account(document: Document, asset: Asset) -> str:
    """Return the Azure storage account that a document names for `abfs://container/path`."""
    places: list[dict[str, Any]] = [asset.raw, document.raw]
    kwargs = asset.raw.get("xarray:open_kwargs")
    inner = kwargs.get("storage_options") if isinstance(kwargs, dict) else None
    for options in (asset.raw.get("xarray:storage_options"), asset.raw.get("table:storage_options"), inner):
        if isinstance(options, dict) and isinstance(options.get("account_name"), str):
            return str(options["account_name"])
    named = (place.get("msft:storage_account") for place in places)
    return next((name for name in named if isinstance(name, str)), "")
