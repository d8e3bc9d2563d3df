"""Images of documents, the most useful first: their cost, and the file or an overview of a large GeoTIFF."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ... import http, preview_cache, queue, transfer
from ...errors import EntityDoesNotExist, MLHubException, NotOffered, UnexpectedAnswer
from ...models import Asset, Collection, Document, Entry, Item
from ...sources.asset_links import asset_href
from ...sources.static.document_urls import is_member, local_path
from ...text import one_line, size

if TYPE_CHECKING:
    from ...http.credentials import Link
    from ...http.response import Response
    from ...sources.base import Source
    from ..catalog.loader import Documents


LARGEST = 100_000_000
"""Bytes of an image; a larger one is no preview."""
_HINT = "d downloads it"
_LOCAL = "file://"


class ImageFile(NamedTuple):
    """An image on disk, how many bytes had to come for it, and where it was if none."""

    path: Path
    size: int
    came: int = 0
    here: str = "from the cache"


async def found(source: Source, document: Document, asset: Asset) -> ImageFile | None:
    """Return an image that is on this machine: a file of the catalog, or one that was fetched within a day.

    Raises NotOffered if it cannot be fetched, or its reader has to pay.
    """
    href = asset_href(document, asset)
    if href.pays:
        raise NotOffered(f"its reader has to pay: {href.pays}", hint="")
    if href.href.lower().startswith(_LOCAL):
        link = await source.asset_link(href.href)
        path = local_path(link.url) if not is_member(link.url) else None
        if path is not None and await asyncio.to_thread(path.is_file):
            return ImageFile(path, path.stat().st_size, here="on this disk")
    known = await asyncio.to_thread(
        preview_cache.found, preview_cache.place(source.root_url, document, asset)
    )
    return ImageFile(known, known.stat().st_size) if known is not None else None


class Cost(NamedTuple):
    """What an image costs: its bytes, None where nobody tells; and whether only a part of it is fetched."""

    size: int | None
    overview: bool = False

    @property
    def bytes(self) -> int | None:
        """What is fetched at most."""
        return MOST if self.overview else self.size


async def cost(source: Source, document: Document, asset: Asset) -> Cost:
    """Return the cost of an image: as its document says, else as its server does; 0 on this machine.

    Raises RequestError, EntityDoesNotExist if its server refuses it.
    """
    href = asset_href(document, asset).href
    if href.lower().startswith(_LOCAL):
        return Cost(0)
    known = asset.size
    if known is None:
        known = await _asked(await source.asset_link(href), asset)
    return Cost(known, is_tiff(asset) and known is not None and known >= FROM)


async def _asked(link: Link, asset: Asset) -> int | None:
    """Ask the server how large an image is, without its bytes."""
    engine = transfer.engine.shared_engine()

    async def ask() -> int | None:
        image = transfer.config.Expected(one_line(asset.key, 60), link=link)
        version = await transfer.resumption.fetch_version(engine.client(), link, image)
        return version.total

    return await engine.run(ask())


async def fetch(
    source: Source,
    document: Document,
    asset: Asset,
    price: Cost,
    say: Callable[[str], None] = lambda _: None,
    *,
    most: int = LARGEST,
) -> ImageFile:
    """Fetch an image, or an overview of it, into the cache.

    - `source`: Where the document came from; its links, and rules on keys, are those of downloads.
    - `price`: What it costs, and whether an overview of it will do.
    - `say`: Called with how far it is, in words.
    - `most`: Bytes at most; of a larger one nothing stays.

    Raises MLHubException if it cannot be fetched, or is too large.
    """
    where = preview_cache.place(source.root_url, document, asset)
    await asyncio.to_thread(preview_cache.make, where)
    if price.overview and price.size is not None:
        link = await source.asset_link(asset_href(document, asset).href)
        target = where / "overview.tif"
        came = await fetch_overview(link, price.size, target)
        return ImageFile(target, price.size, came)
    if price.size is not None and price.size > most:
        raise _too_large(asset, most)
    return await _whole(source, document, asset, where, say, most)


async def _whole(
    source: Source, document: Document, asset: Asset, where: Path, say: Callable[[str], None], most: int
) -> ImageFile:
    too_large = False

    def show(done: int, total: int | None) -> None:
        nonlocal too_large
        if done:  # until then it is being fetched, and that is what the screen says
            say(f"{size(done)} of {size(total)}" if total else size(done))
        if max(done, total or 0) > most and not fetching.done():
            too_large = True
            fetching.cancel()

    fetching = asyncio.create_task(
        queue.run_job.fetch_asset(source, document, asset.key, where, on_progress=show)
    )
    try:
        path = await fetching
    except asyncio.CancelledError:
        fetching.cancel()
        if not too_large:
            raise
        raise _too_large(asset, most) from None
    except EntityDoesNotExist as error:
        raise MLHubException(error.message, hint="its document names a file that is not there") from error
    came = (await asyncio.to_thread(path.stat)).st_size
    if came > most:
        path.unlink(missing_ok=True)
        raise _too_large(asset, most)
    return ImageFile(path, came, came)


def _too_large(asset: Asset, most: int) -> MLHubException:
    words = f"{asset.label} is larger than {size(most)}: too large for a preview"
    return MLHubException(words, hint=_HINT)


FROM = 4_000_000
"""Bytes from which on a TIFF is not fetched whole for a preview."""
MOST = 5_000_000
"""Bytes of an overview at most."""
_HEAD = 128 << 10
"""Bytes at the start in which all directories should be; those of a Sentinel-2 scene take some 30 kB."""
_GAP = 64 << 10
"""Bytes between two pieces below which they are fetched in one go."""
_TILES = ((324, 273), (325, 279))
"""TIFF 6.0: TileOffsets or StripOffsets, TileByteCounts or StripByteCounts."""


async def fetch_overview(link: Link, total: int, target: Path) -> int:
    """Fetch an overview into a file with holes, and return how many bytes came.

    - `link`: Where the original is.
    - `total`: Its size in bytes.
    - `target`: The file, which is replaced once all is there.

    Raises MLHubException if it has no overview that is small enough, or its server gives no parts of files.
    """
    part = target.with_name(f"{target.name}.part")
    try:
        head = await _range(link, 0, min(_HEAD, total))
        pieces = await asyncio.to_thread(_begin, part, head, total)
        came = len(head) + sum(stop - start for start, stop in pieces)
        if came > MOST + _HEAD:
            words = f"its smallest overview is {size(came)}: too large for a preview"
            raise MLHubException(words, hint=_HINT)
        with part.open("r+b") as file:
            for start, stop in pieces:
                data = await _range(link, start, stop)
                file.seek(start)
                file.write(data)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return came


def _begin(part: Path, head: bytes, total: int) -> list[tuple[int, int]]:
    """Write the head of the original, and return what else of it is to be fetched."""
    with part.open("wb") as file:
        file.write(head)
        file.truncate(total)
    return _merged(_pieces(part), total)


async def _range(link: Link, start: int, stop: int) -> bytes:
    """Return bytes of the original."""
    engine = transfer.engine.shared_engine()

    async def ask() -> tuple[Response, bytes]:
        headers = {**link.headers, "Range": f"bytes={start}-{stop - 1}"}
        return await engine.client().fetch(
            "GET", link.url, limit=stop - start, headers=headers, credentials=link.credentials, decode=False
        )

    response, data = await engine.run(ask())
    http.representation.raise_for_response(response, "the image", body=data[:512], hidden=link.hidden)
    span = http.representation.parse_content_range(response.headers.get("content-range"))
    if response.status != 206 or span is None or span.first != start:
        raise UnexpectedAnswer("its server gives no parts of files", hint=_HINT)
    if len(data) < stop - start:
        raise UnexpectedAnswer("an image ended too soon", hint="try again")
    return data


def _pieces(path: Path) -> list[tuple[int, int]]:
    """Return where the bytes of the image to show begin and end."""
    from PIL.TiffImagePlugin import TiffImageFile  # of the extra `images`

    from .image_decode import chosen_frame  # where Pillow is installed

    try:
        with path.open("rb") as file, TiffImageFile(file) as image:
            _, number = chosen_frame(image)
            image.seek(number)
            offsets, counts = (next(image.tag_v2[t] for t in tags if t in image.tag_v2) for tags in _TILES)
            return [(int(at), int(at) + int(n)) for at, n in zip(offsets, counts, strict=True) if n]
    # What is no cloud-optimized file fails in any way.
    except Exception:
        words = "it is large, and no cloud-optimized GeoTIFF with overviews"
        raise MLHubException(words, hint=_HINT) from None


def _merged(pieces: list[tuple[int, int]], total: int) -> list[tuple[int, int]]:
    """Return what is to be fetched behind the head, neighbours together."""
    merged: list[tuple[int, int]] = []
    for start, stop in sorted(pieces):
        start, stop = max(start, min(_HEAD, total)), min(stop, total)
        if start >= stop:
            continue
        if merged and start - merged[-1][1] <= _GAP:
            start, last = merged.pop()
            stop = max(stop, last)
        merged.append((start, stop))
    return merged


class ImageSequence:
    """A place among documents and their images.

    - `entries`: The documents in order, as far as they are listed.
    - `documents`: Where those are that were loaded, and the others are asked for.
    - `at`: The number of the first one to show.
    - `key`: The asset to begin with; of the next document too, where it has it. Empty for the best.
    """

    def __init__(self, entries: Sequence[Entry], documents: Documents, at: int = 0, key: str = "") -> None:
        self._entries, self._documents = entries, documents
        self._at, self._key = at, key
        self.document: Document | None = None
        self.images: tuple[Asset, ...] = ()
        self.chosen = 0

    @property
    def entry(self) -> Entry:
        """The document that is shown."""
        return self._entries[self._at]

    @property
    def place(self) -> tuple[int, int]:
        """The number of the document, from 1, and of how many."""
        return self._at + 1, len(self._entries)

    @property
    def image(self) -> Asset:
        """The image that is shown."""
        return self.images[self.chosen]

    async def load(self) -> None:
        """Take up the document and its images.

        Raises MLHubException if it cannot be had, or has none.
        """
        entry = self.entry
        document = self._documents.of(entry) or await self._documents.load(entry)
        self.document, self.images, self.chosen = document, pictures(document), 0
        if document is None:
            raise MLHubException(self._documents.why_not(entry) or "the document cannot be had", hint="")
        if not self.images:
            raise MLHubException(f"{entry.label} has no image that can be drawn", hint="")
        keys = [asset.key for asset in self.images]
        self.chosen = keys.index(self._key) if self._key in keys else 0

    def next_image(self, step: int) -> bool:
        """Go to another image of the document; False where there is no other."""
        if len(self.images) < 2:
            return False
        self.chosen = (self.chosen + step) % len(self.images)
        self._key = self.image.key
        return True

    def next_document(self, step: int) -> bool:
        """Go to another document; False at the end of the list."""
        if not 0 <= self._at + step < len(self._entries):
            return False
        self._at += step
        self.document, self.images = None, ()
        return True


_TYPES = {
    **dict.fromkeys(map("image/".__add__, ("png", "jpeg", "jpg", "webp", "gif", "bmp")), 0),
    **dict.fromkeys(map("image/".__add__, ("tiff", "geotiff", "vnd.stac.geotiff", "x.geotiff", "jp2")), 1),
}
"""Media types of images; those of the second kind hold data more often than pictures."""
_ENDINGS = (((".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp"), 0), ((".tif", ".tiff", ".jp2"), 1))
_ROLES = ("thumbnail", "overview", "visual")
"""STAC best practices, "Asset roles": what is made to be looked at, the smallest first."""


def is_picture(asset: Asset) -> bool:
    """Tell whether an asset is an image that may be drawn."""
    return _kind(asset) is not None


def is_tiff(asset: Asset) -> bool:
    """Tell whether an image is a TIFF."""
    path = asset.href.partition("?")[0].partition("#")[0].lower()
    return "tif" in asset.media_type.lower() or (not asset.media_type and path.endswith((".tif", ".tiff")))


def pictures(document: Document | None) -> tuple[Asset, ...]:
    """Return the images of a document, by role thumbnail, overview, visual, then by their kind."""
    assets = document.assets if isinstance(document, Collection | Item) else ()
    return tuple(sorted(filter(is_picture, assets), key=_rank))


def _kind(asset: Asset) -> int | None:
    if not asset.href.strip():
        return None
    media_type = asset.media_type.partition(";")[0].strip().lower()
    path = asset.href.partition("?")[0].partition("#")[0].lower()
    ending = next((kind for ends, kind in _ENDINGS if path.endswith(ends)), None)
    return _TYPES.get(media_type) if media_type else ending


def _rank(asset: Asset) -> tuple[int, int]:
    names = {*(role.lower() for role in asset.roles), asset.key.lower()}
    role = next((number for number, role in enumerate(_ROLES) if role in names), len(_ROLES))
    return role, _kind(asset) or 0
