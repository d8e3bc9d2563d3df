"""Actions of several steps, from the key press to the queue or the file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...lazy import submodules

if TYPE_CHECKING:
    from . import download_actions as download_actions
    from . import search_actions as search_actions
    from . import source_entry as source_entry
else:
    __getattr__ = submodules(__name__)
