"""A look at a URL: short requests that find the source of which it is a part."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urljoin, urlsplit

from ..auth import Kind, checked_root_url, normalise_root_url, other_spelling
from ..errors import AccessDenied, AuthenticationError, EntityDoesNotExist, RequestError, UnexpectedAnswer
from ..http.errors import HOSTED, HOSTED_HINT
from ..http.hrefs import host, join, shown
from ..http.json_document import DEEP_HINT, decode, is_web_page
from ..http.session import Session
from ..text import one_line, size
from .classify import (
    Shape,
    count_links,
    document_of,
    href_of,
    is_datasets,
    root_above,
    said,
    shape_of,
    stac_items,
    title_of,
)
from .found import Found, NotASource
from .landing import below_root
from .look_local import ROOTS, of_document
from .stac_reader import may_be_spelled_otherwise
from .static.documents import is_lines, list_of_lines

_LISTING = re.compile(rb"<title>\s*(index of|directory listing)|<listbucketresult", re.IGNORECASE)
_ARCHIVES = (".tar.gz", ".tgz", ".tar")


@dataclass(frozen=True)
class _Seen:
    """One answer: JSON, or what there is instead."""

    url: str
    value: Any = None
    shape: Shape | None = None
    what: str = ""
    error: RequestError | None = None


@dataclass(frozen=True)
class RemoteLook:
    """A look at URLs of one server.

    Parameters
    ----------
    session
        The session with it: short time-outs, small bodies, no retries.
    """

    session: Session
    _asked: dict[str, _Seen] = field(default_factory=dict)

    async def at(self, url: str) -> Found:
        """Return the source behind a URL.

        Raises
        ------
        NotASource
            If there is none; says what is there.
        RequestError
            If the server does not answer, or refuses the secret.
        """
        if urlsplit(url).path.lower().endswith(_ARCHIVES):
            return await self._archive(url)
        first = await self._see(url)
        if (again := await self._spelled_otherwise(first, url)) is not None:
            url, first = again.url, again
        if (
            first.error is not None
            and first.error.status is None
            and not isinstance(first.error, UnexpectedAnswer)
        ):
            raise first.error  # unreachable: other paths of the server will be, too
        return await self._itself(first, url) or await self._around(first, url)

    async def _itself(self, seen: _Seen, url: str) -> Found | None:
        """Return the source whose own document was seen."""
        if seen.shape is Shape.API:
            return await self._api(seen, url)
        if seen.shape is Shape.COLLECTION and (root := root_above(url)):
            return await self._root(root, url) or self._static(seen, url)
        if seen.shape is Shape.CATALOG and not seen.url.partition("?")[0].endswith(".json"):
            # A landing page that says nothing of itself may still have its parts.
            api = await self._unnamed_api(seen, url) if not count_links(seen.value, "child") else None
            return api or self._static(seen, url)
        return self._static(seen, url) if seen.shape in (Shape.CATALOG, Shape.COLLECTION) else None

    async def _around(self, seen: _Seen, url: str) -> Found:
        """Return the source that a URL is a part of, or the one in its folder."""
        if (root := root_above(url)) and (found := await self._root(root, url)):
            return found
        folder = url.partition("?")[0].partition("#")[0]
        if not folder.lower().endswith((".json", ".geojson")):
            wanted = [self._see(join(folder, name)) for name in ROOTS]
            below = await asyncio.gather(*wanted, self._mlhub(join(folder, "")))
            for one in below[:-1]:
                if isinstance(one, _Seen) and one.shape in (Shape.CATALOG, Shape.COLLECTION):
                    return self._static(one, one.url)
            if isinstance(below[-1], Found):
                return below[-1]
        return self._refused(seen, url)

    async def _spelled_otherwise(self, seen: _Seen, url: str) -> _Seen | None:
        """Return the source at a refused URL with, or without, a slash at its end; None without one."""
        other = other_spelling(url)
        if seen.error is None or not other or not may_be_spelled_otherwise(seen.error):
            return None
        again = await self._see(other)
        return again if again.shape in (Shape.API, Shape.CATALOG, Shape.COLLECTION) else None

    async def _root(self, root: str, url: str) -> Found | None:
        """Return the API at a root that was found in a longer URL."""
        seen = await self._see(root)
        seen = await self._spelled_otherwise(seen, root) or seen
        found = await self._api(seen, root) if seen.shape is Shape.API else await self._mlhub(root)
        if found is None:
            return None
        return replace(found, notes=(f"{shown(url)} is a part of it", *found.notes))

    async def _api(self, seen: _Seen, url: str) -> Found:
        """Return a STAC API, or the MLHub API that looks like one."""
        root = checked_root_url(self._kept(url, seen.url).partition("?")[0])
        mlhub, (counts, needs_key) = await asyncio.gather(self._mlhub(root), self._collections(seen, root))
        if mlhub is not None:
            return replace(mlhub, title=title_of(seen.value), document=document_of(seen.value, seen.url))
        notes = list(self._moved(url, seen.url))
        if not seen.value.get("conformsTo"):
            notes.append("it does not say what it conforms to: an old or partial STAC API")
        document = document_of(seen.value, seen.url)
        words = document.description if document else ""
        return Found(
            Kind.STAC_API, root, title_of(seen.value), words, counts, needs_key, tuple(notes), document
        )

    async def _unnamed_api(self, seen: _Seen, url: str) -> Found | None:
        root = seen.url.partition("?")[0]
        listing = await self._see(join(root, "collections"))
        if listing.shape is not Shape.COLLECTIONS:
            return None
        found = await self._api(seen, url)
        return replace(found, notes=("its landing page has no links: its parts are looked for", *found.notes))

    async def _collections(self, seen: _Seen, root: str) -> tuple[dict[str, int], bool]:
        """Return how many collections an API has, where that is cheap, and whether they want a key."""
        href = href_of(seen.value, "data")
        try:
            place = below_root(href, seen.url, normalise_root_url(root)) if href else ""
        except UnexpectedAnswer:
            place = ""
        listing = await self._see(place or join(root, "collections"))
        if isinstance(listing.error, AuthenticationError | AccessDenied):
            return {}, True
        if listing.shape is not Shape.COLLECTIONS:
            return {}, False
        matched, entries = listing.value.get("numberMatched"), listing.value["collections"]
        if isinstance(matched, int) and not isinstance(matched, bool):
            return {"collections": matched}, False
        return ({} if href_of(listing.value, "next") else {"collections": len(entries)}), False

    async def _mlhub(self, root: str) -> Found | None:
        """Return the MLHub API at a root: it has `datasets`, and often no landing page."""
        root = normalise_root_url(root)
        seen = await self._see(join(root, "datasets"))
        if seen.shape is not Shape.DATASETS or not is_datasets(seen.value):
            return None
        notes = () if self.session.secret else ("its listings are open; items and archives want a key",)
        counts = {"datasets": len(seen.value)}
        return Found(Kind.MLHUB, root, "", "", counts, not self.session.secret, notes)

    def _static(self, seen: _Seen, url: str) -> Found:
        """Return a static catalog; its location is what was asked for, so that a redirect may change."""
        found = of_document(seen.value, url, shown(url), seen.url)
        return replace(found, notes=(*self._moved(url, seen.url), *found.notes))

    async def _archive(self, url: str) -> Found:
        """Return a remote archive: what its first bytes and its headers say; the rest is not fetched."""
        head = await self.session.request("GET", url, headers={"Range": "bytes=0-511"}, read=False)
        if is_web_page(head):
            raise NotASource(f"a web page, and no archive, is at {shown(url)}")
        if head.status_code == 206:
            ranged = await self.session.request("GET", url, headers={"Range": "bytes=0-511"})
            start = ranged.content[:512]
            if start[:2] != b"\x1f\x8b" and start[257:262] != b"ustar":
                raise NotASource(f"{shown(url)} is neither a tar nor a tar.gz archive")
            head = ranged
        length = head.headers.get("Content-Range", "").rpartition("/")[2] or head.headers.get(
            "Content-Length"
        )
        big = f" ({size(int(length))})" if length and length.isdigit() else ""
        note = f"an archive{big}: it is fetched as a whole when it is opened"
        return Found(Kind.STATIC, url, one_line(PurePosixPath(urlsplit(url).path).name, 120), notes=(note,))

    async def _see(self, url: str) -> _Seen:
        """Ask for a URL, once."""
        if url not in self._asked:
            self._asked[url] = await self._ask(url)
        return self._asked[url]

    async def _ask(self, url: str) -> _Seen:
        try:
            response = await self.session.get(url)
        except RequestError as error:
            return _Seen(url, error=error)
        final = self.session.bare(str(response.url))
        if _LISTING.search(response.content[:2048]):
            return _Seen(final, what="a listing of files")
        try:
            value = await decode(response, self.session.keys)
        except UnexpectedAnswer as error:
            if error.hint == DEEP_HINT:
                return _Seen(final, error=error)
            if is_lines(final, response.headers.get("Content-Type", "")):
                value = list_of_lines(response.content)
                return _Seen(final, value, shape_of(value), str(shape_of(value)))
            what = "a web page" if is_web_page(response) else "no JSON"
            return _Seen(final, what=what, error=error)
        shape = shape_of(value)
        return _Seen(final, value, shape, str(shape))

    def _kept(self, given: str, final: str) -> str:
        """Return where an API is: behind a redirect, but with a secret never at another host."""
        return given if self.session.secret and host(given) != host(final) else final

    def _moved(self, given: str, final: str) -> tuple[str, ...]:
        return () if host(given) == host(final) else (f"{host(given)} redirects to {host(final)}",)

    def _refused(self, seen: _Seen, url: str) -> Found:
        """Return that a key is wanted, or raise what is there instead of a source."""
        error, where = seen.error, shown(url)
        if isinstance(error, AuthenticationError | AccessDenied):
            if self.session.secret:
                raise error
            return Found(None, url, host(url), needs_key=True, notes=(error.message,))
        if isinstance(error, EntityDoesNotExist):
            hint = HOSTED_HINT if host(url) == HOSTED else "check the URL; no catalog.json is there either"
            raise EntityDoesNotExist(error.message, url=error.url, status=error.status, hint=hint)
        if error is not None and not seen.what:
            raise error
        if seen.shape is Shape.ERROR:
            raise NotASource(f"{where} answers with {seen.what}: {said(seen.value) or 'without words'}")
        if seen.shape is Shape.ITEMS and stac_items(seen.value):
            return self._static(seen, url)
        if seen.shape in (Shape.ITEM, Shape.ITEMS):
            raise NotASource(f"{where} is {seen.what}", hint=self._belongs(seen))
        raise NotASource(f"{where} is {seen.what}, and nothing of STAC is beside it")

    def _belongs(self, seen: _Seen) -> str:
        """Return what to name instead of an item."""
        hrefs = (href_of(seen.value, relation) for relation in ("root", "parent", "collection"))
        href = next(filter(None, hrefs), "")
        try:
            better = shown(urljoin(seen.url, href)) if href else ""
        except ValueError:
            better = ""
        return f"name what it belongs to: {better or 'its catalog or collection'}"
