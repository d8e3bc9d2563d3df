"""The Textual app: the only package that imports Textual."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import submodules

if TYPE_CHECKING:
    from . import commands as commands
    from . import theme as theme
else:
    __getattr__ = submodules(__name__)
