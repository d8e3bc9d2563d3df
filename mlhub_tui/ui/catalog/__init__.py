"""The catalog tree: listings, model, filter and widget."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...lazy import submodules

if TYPE_CHECKING:
    from . import loader as loader
    from . import lookup as lookup
    from . import source_search as source_search
else:
    __getattr__ = submodules(__name__)
