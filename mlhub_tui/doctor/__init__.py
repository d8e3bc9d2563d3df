"""Problems and how to fix them: findings on program, terminal, files, queue, network and source."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import submodules

if TYPE_CHECKING:
    from . import files as files
    from . import finding as finding
    from . import network as network
    from . import program as program
    from . import queue as queue
    from . import terminal as terminal
else:
    __getattr__ = submodules(__name__)
