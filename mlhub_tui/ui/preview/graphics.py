"""A picture in the sequences of terminals that speak graphics: sixel, or kitty's protocol."""

from __future__ import annotations

import io
from base64 import standard_b64encode
from dataclasses import dataclass
from typing import Any

from .blocks import fitted

CELL = (10, 20)
"""Pixels of a cell where the terminal does not tell: those of the VT340, which sixel comes from."""
_LEAN_SIDE, _LEAN_COLOURS = 400, 32
"""Pixels and colours over a slow line: a photograph takes 50 to 90 kB."""
_CHUNK = 4096
"""Bytes of base64 in one sequence (kitty graphics protocol, "Remote client")."""
KITTY_ID = 0x4D4C4842
"""The number of the one picture that is shown at a time."""
KITTY_GONE = f"\x1b_Ga=d,d=I,i={KITTY_ID},q=2\x1b\\"


@dataclass(frozen=True, slots=True)
class Graphic:
    """A picture as a terminal takes it.

    Parameters
    ----------
    sequence
        Written with the cursor in the top left cell.
    columns, rows
        The cells it covers.
    """

    sequence: str
    columns: int
    rows: int


def sixel(
    image: Any, columns: int, rows: int, cell: tuple[int, int] | None = None, *, lean: bool = False
) -> Graphic:
    """Return a picture in sixel that fills a room, by the encoder of textual-image.

    That package asks the terminal when its renderables are imported, and reads the answer, or whatever was
    typed, from under the app: so it is the encoder alone that is imported.

    Raises
    ------
    ImportError
        If textual-image is not there, or has its encoder elsewhere.
    """
    from textual_image._sixel import SixelOptions, image_to_sixels

    wide, high = cell or CELL
    width, height = columns * wide, rows * high
    if lean:
        width, height = min(width, _LEAN_SIDE), min(height, _LEAN_SIDE)
    size = fitted(image.size, width, height)
    # A sixel is six pixels high: the rest of the last one would reach into the line below.
    size = (size[0], max(size[1] // 6 * 6, 6))
    options = SixelOptions(colors=_LEAN_COLOURS, smooth=3) if lean else SixelOptions(colors=128)
    sequence = image_to_sixels(image.resize(size), options)
    return Graphic(sequence, min(-(-size[0] // wide), columns), min(-(-size[1] // high), rows))


def kitty(
    image: Any, columns: int, rows: int, cell: tuple[int, int] | None = None, *, lean: bool = False
) -> Graphic:
    """Return a picture in kitty's graphics protocol that fills a room; the terminal scales it.

    It is transmitted as PNG and put at the cursor, which stays (`C=1`), and no answer is asked for (`q=2`).
    """
    wide, high = cell or CELL
    size = fitted(image.size, columns * wide, rows * high)
    across, down = min(max(-(-size[0] // wide), 1), columns), min(max(-(-size[1] // high), 1), rows)
    if lean or size[0] < image.width:
        size = fitted(size, min(_LEAN_SIDE, size[0]), min(_LEAN_SIDE, size[1])) if lean else size
        image = image.resize(size)
    if lean:
        image = image.quantize(_LEAN_COLOURS, dither=0)
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=6)
    data = standard_b64encode(buffer.getvalue()).decode()
    chunks = [data[at : at + _CHUNK] for at in range(0, len(data), _CHUNK)]
    first = f"a=T,f=100,i={KITTY_ID},p=1,c={across},r={down},C=1,q=2,"
    parts = [
        f"\x1b_G{first if number == 0 else ''}m={int(number < len(chunks) - 1)};{chunk}\x1b\\"
        for number, chunk in enumerate(chunks)
    ]
    return Graphic("".join(parts), across, down)
