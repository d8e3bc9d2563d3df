"""A small overview out of a large cloud-optimized GeoTIFF: only the bytes that it is made of are fetched.

Such a file begins with the directories of all its images (as GDAL's COG driver writes it), so what is needed
is known after the first request. The bytes are put where they are in the original, in a file with holes:
decoders of TIFF want a file.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import MLHubException, UnexpectedAnswer
from ...text import size
from .decode import chosen_frame

if TYPE_CHECKING:
    from ...http.connection import Response
    from ...http.link import Link

FROM = 4_000_000
"""Bytes from which on a TIFF is not fetched whole for a preview."""
MOST = 5_000_000
"""Bytes of an overview at most."""
_HEAD = 128 << 10
"""Bytes at the start in which all directories should be; those of a Sentinel-2 scene take some 30 kB."""
_GAP = 64 << 10
"""Bytes between two pieces below which they are fetched in one go."""
_OFFSETS, _COUNTS = ((324, 273), (325, 279))
"""TIFF 6.0: TileOffsets or StripOffsets, TileByteCounts or StripByteCounts."""


async def fetch_overview(link: Link, total: int, target: Path) -> int:
    """Fetch an overview into a file with holes, and return how many bytes came.

    Parameters
    ----------
    link
        Where the original is.
    total
        Its size in bytes.
    target
        The file, which is replaced once all is there.

    Raises
    ------
    MLHubException
        If it has no overview that is small enough, or its server gives no parts of files.
    """
    part = target.with_name(f"{target.name}.part")
    try:
        came = await _fetch(link, total, part)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return came


async def _fetch(link: Link, total: int, part: Path) -> int:
    head = await _range(link, 0, min(_HEAD, total))
    pieces = await asyncio.to_thread(_begin, part, head, total)
    came = len(head) + sum(stop - start for start, stop in pieces)
    if came > MOST + _HEAD:
        words = f"its smallest overview is {size(came)}: too large for a preview"
        raise MLHubException(words, hint="d downloads it")
    with part.open("r+b") as file:
        for start, stop in pieces:
            data = await _range(link, start, stop)
            file.seek(start)
            file.write(data)
    return came


def _begin(part: Path, head: bytes, total: int) -> list[tuple[int, int]]:
    """Write the head of the original, and return what else of it is to be fetched."""
    with part.open("wb") as file:
        file.write(head)
        file.truncate(total)
    return list(_merged(_pieces(part), total))


async def _range(link: Link, start: int, stop: int) -> bytes:
    """Return bytes of the original."""
    from ...http.response_headers import parse_content_range, raise_for_response
    from ...transfer.engine import shared_engine

    engine = shared_engine()

    async def ask() -> tuple[Response, bytes]:
        headers = {**link.headers, "Range": f"bytes={start}-{stop - 1}"}
        return await engine.client().fetch(
            "GET", link.url, limit=stop - start, headers=headers, credentials=link.credentials, decode=False
        )

    response, data = await engine.run(ask())
    raise_for_response(response, "the image", body=data[:512])
    span = parse_content_range(response.headers.get("content-range"))
    if response.status != 206 or span is None or span.first != start:
        raise UnexpectedAnswer("its server gives no parts of files", hint="d downloads it")
    if len(data) < stop - start:
        raise UnexpectedAnswer("an image ended too soon", hint="try again")
    return data


def _pieces(path: Path) -> list[tuple[int, int]]:
    """Return where the bytes of the image to show begin and end."""
    from PIL.TiffImagePlugin import TiffImageFile

    try:
        with path.open("rb") as file, TiffImageFile(file) as image:
            _, number = chosen_frame(image)
            image.seek(number)
            offsets, counts = (_first(image.tag_v2, tags) for tags in (_OFFSETS, _COUNTS))
            return [(int(at), int(at) + int(n)) for at, n in zip(offsets, counts, strict=True) if n]
    # What is no cloud-optimized file fails in any way.
    except Exception:
        words = "it is large, and no cloud-optimized GeoTIFF with overviews"
        raise MLHubException(words, hint="d downloads it") from None


def _first(tags: Any, names: tuple[int, ...]) -> Any:
    return next(tags[name] for name in names if name in tags)


def _merged(pieces: list[tuple[int, int]], total: int) -> Iterator[tuple[int, int]]:
    """Yield what is to be fetched behind the head, neighbours together."""
    begin = end = -1
    for start, stop in sorted(pieces):
        start, stop = max(start, min(_HEAD, total)), min(stop, total)
        if start >= stop:
            continue
        if begin >= 0 and start - end <= _GAP:
            end = max(end, stop)
            continue
        if begin >= 0:
            yield begin, end
        begin, end = start, stop
    if begin >= 0:
        yield begin, end
