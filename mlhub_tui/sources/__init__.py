"""Async clients of the places data comes from; each is a `Source`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import submodules

if TYPE_CHECKING:
    from . import ancestors as ancestors
    from . import base as base
    from . import export as export
    from . import last_listing as last_listing
    from . import mlhub as mlhub
    from . import open_source as open_source
    from . import probe as probe
    from . import saved_searches as saved_searches
    from . import source_names as source_names
    from . import static as static
    from . import well_known as well_known
else:
    __getattr__ = submodules(__name__)
