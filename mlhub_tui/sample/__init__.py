"""The sample catalog: MLHub's API as a real HTTP server on this machine, without any network.

Importing this package costs nothing; the server itself is in `mlhub_tui.sample.server`, and in a process
of its own by `mlhub_tui.sample.process`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import submodules

if TYPE_CHECKING:
    from . import catalog as catalog
    from . import items as items
    from . import process as process
    from . import server as server
else:
    __getattr__ = submodules(__name__)
