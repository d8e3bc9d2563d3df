"""Async clients of the places data comes from; each is a `Source`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import submodules

if TYPE_CHECKING:
    from . import ancestors as ancestors
    from . import asset_links as asset_links
    from . import base as base
    from . import export as export
    from . import mlhub as mlhub
    from . import open_source as open_source
    from . import probe as probe
    from . import saved_searches as saved_searches
    from . import static as static
else:
    __getattr__ = submodules(__name__)
