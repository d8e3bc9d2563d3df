"""Full screens, with their styles beside them; each is imported when it is first shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...lazy import submodules

if TYPE_CHECKING:
    from . import browse as browse
    from . import document_screen as document_screen
    from . import downloads as downloads
    from . import library as library
    from . import plan_screen as plan_screen
    from . import profiles as profiles
    from . import results as results
else:
    __getattr__ = submodules(__name__)
