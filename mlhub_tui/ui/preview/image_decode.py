"""From a file to a picture small enough to be drawn: decoded, stretched, scaled; all of it takes time."""

from __future__ import annotations

import math
import warnings
from array import array
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image, ImageOps
from PIL.TiffImagePlugin import TiffImageFile

from ...errors import MLHubException
from ...text import count, one_line

SIDE = 1024
"""Pixels of the longer side after scaling down: about what a large terminal shows."""
MOST_PIXELS = 36_000_000
"""Pixels of an image that is decoded whole: some 150 MB of memory for a moment."""
_FRAMES = 12
"""Images in a TIFF that are looked at for a small one: a COG has its overviews there."""
_FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "JPEG2000")
_NODATA = 42113
"""The TIFF tag in which GDAL writes the value that means nothing."""
_SAMPLE = 200
"""Pixels of the side of the sample whose percentiles tell dark from bright."""
_DARK, _BRIGHT = 0.02, 0.98
_CLASSES = 32
"""Values of a mask at most; an image with more is one of greys."""


@dataclass(frozen=True)
class Picture:
    """A decoded image.

    - `image`: A Pillow image in RGB, of `SIDE` pixels at most.
    - `format`: `PNG`, `JPEG`, ...
    - `width`, `height`: Pixels of the original.
    - `note`: What was done to show it; empty where nothing.
    """

    image: Any
    format: str
    width: int
    height: int
    note: str = ""

    @property
    def weight(self) -> int:
        """Bytes that it takes in memory."""
        return int(self.image.width * self.image.height * 3)


def read_picture(path: Path) -> Picture:
    """Decode an image file.

    Raises MLHubException if it is no image that can be drawn, or one that would fill the memory.
    """
    try:
        with warnings.catch_warnings(), path.open("rb") as file:
            # A small file that unpacks to hundreds of millions of pixels is no preview.
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            return _tiff(file) if file.read(4) in _TIFF else _other(file)
    except MLHubException:
        raise
    # Decoders meet hostile files with errors of every kind.
    except Exception as error:
        why = one_line(error, 120) or type(error).__name__
        raise MLHubException(f"this image cannot be drawn: {why}", hint="d downloads it") from None


_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


def _other(file: Any) -> Picture:
    file.seek(0)
    with Image.open(file, formats=_FORMATS) as image:
        kind, (width, height) = image.format or "", image.size
        image.draft("RGB", (SIDE, SIDE))  # a JPEG is then decoded smaller than it is
        _refuse_large(image.size)
        shown, note = _shown(image, None)
        return Picture(ImageOps.exif_transpose(shown), kind, width, height, note)


def _tiff(file: Any) -> Picture:
    """Read a TIFF; in a cloud-optimized one the images behind the first are its overviews."""
    file.seek(0)
    # Not by `Image.open`, which refuses a large file whose overviews are small.
    with TiffImageFile(file) as image:
        width, height = image.size
        nodata = _number(image.tag_v2.get(_NODATA))
        size, number = chosen_frame(image)
        _refuse_large(size)
        image.seek(number)
        shown, note = _shown(image, nodata)
        if number:
            note = ", ".join(filter(None, (f"overview of {size[0]:,} x {size[1]:,}", note)))
        return Picture(shown, "TIFF", width, height, note)


def chosen_frame(image: Any) -> tuple[tuple[int, int], int]:
    """Return size and number of the image in a TIFF that is drawn: the smallest that is large enough."""
    frames = _frames(image)
    fitting = [frame for frame in frames if max(frame[0]) >= SIDE // 2] or [max(frames)]
    return min(fitting, key=lambda frame: math.prod(frame[0]))


def _frames(image: Any) -> list[tuple[tuple[int, int], int]]:
    """Return sizes and numbers of the images in a TIFF that are of the first one's shape."""
    width, height = image.size
    found = [((width, height), 0)]
    for number in range(1, _FRAMES):
        try:
            image.seek(number)
        except Exception:  # the end, or what is broken behind the first image
            break
        wide, high = image.size
        # Masks and pages of another shape are no overviews.
        if image.mode != "1" and abs(wide * height - high * width) <= 2 * max(width, height):
            found.append(((wide, high), number))
    image.seek(0)
    return found


def _refuse_large(size: tuple[int, int]) -> None:
    if math.prod(size) > MOST_PIXELS:
        words = f"{size[0]:,} x {size[1]:,} pixels are too many for a preview"
        raise MLHubException(words, hint="d downloads it")


def _shown(image: Any, nodata: float | None) -> tuple[Any, str]:
    """Return an image in RGB, small, and what was done to it."""
    if image.mode.startswith(("I", "F")):
        return _stretched(image, nodata)
    if image.mode == "L" and (classes := _classes(image)):
        return _coloured(image, classes), count(len(classes), "class", "classes")
    small = image.convert("RGBA")
    small.thumbnail((SIDE, SIDE))
    ground = Image.new("RGBA", small.size, "black")
    shown = Image.alpha_composite(ground, small).convert("RGB")
    if image.format == "TIFF" and _is_dark(shown):
        return ImageOps.autocontrast(shown, cutoff=(2, 2)), "stretched"
    return shown, ""


def _is_dark(image: Any) -> bool:
    """Tell whether hardly a pixel is above a quarter of full brightness: reflectances, not a picture."""
    histogram = image.convert("L").histogram()
    return 0 < sum(histogram[64:]) <= 0.02 * sum(histogram) or not any(histogram[64:])


def _stretched(image: Any, nodata: float | None) -> tuple[Any, str]:
    """Stretch numbers of more than 8 bits between their percentiles."""
    scale = min(SIDE / max(image.size), 1.0)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    values = image.resize(size, Image.Resampling.NEAREST).convert("F")
    sample = values.resize((min(size[0], _SAMPLE), min(size[1], _SAMPLE)), Image.Resampling.NEAREST)
    numbers = array("f", sample.tobytes())
    known = sorted(v for v in numbers if math.isfinite(v) and v != nodata)
    low, high = (known[int(part * (len(known) - 1))] for part in (_DARK, _BRIGHT)) if known else (0.0, 1.0)
    if high <= low:
        # One value alone: bright if it is anything.
        low, high = min(low, 0.0), max(high, 1.0) if low <= 0 else low
    factor = 255 / (high - low)
    grey = values.point(lambda value: value * factor + (-low * factor)).convert("L")
    return grey.convert("RGB"), f"{low:,.6g} to {high:,.6g} stretched"


def _classes(image: Any) -> list[int]:
    """Return the values of an image with a few small ones: a mask of classes; empty for one of greys."""
    histogram = image.histogram()
    values = [value for value, number in enumerate(histogram) if number]
    small = [value for value in values if value != 255]
    return values if len(values) <= _CLASSES and small and max(small) < 2 * _CLASSES else []


def _coloured(image: Any, classes: list[int]) -> Any:
    """Draw each class in a colour of its own, 0 in black."""
    palette = [0] * 768
    for number, value in enumerate(value for value in classes if value):
        palette[3 * value : 3 * value + 3] = _COLOURS[number % len(_COLOURS)]
    masked = Image.frombytes("P", image.size, image.tobytes())
    masked.putpalette(palette)
    masked.thumbnail((SIDE, SIDE), Image.Resampling.NEAREST)
    return masked.convert("RGB")


_COLOURS = (
    *((230, 159, 0), (86, 180, 233), (0, 158, 115), (240, 228, 66), (0, 114, 178), (213, 94, 0)),
    *((204, 121, 167), (200, 200, 200), (120, 94, 240), (254, 97, 0), (100, 143, 255), (220, 38, 127)),
)
"""Those of Okabe and Ito first, which people tell apart who see few colours."""


def _number(value: Any) -> float | None:
    try:
        return float(str(value).strip("\0 "))
    except ValueError:
        return None
