"""Previews: image assets drawn in the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...lazy import submodules

if TYPE_CHECKING:
    from . import image_decode as image_decode
    from . import preview_screen as preview_screen
else:
    __getattr__ = submodules(__name__)
