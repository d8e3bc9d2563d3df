"""Full screens, with their styles beside them; each is imported when it is first shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...lazy import lazy

if TYPE_CHECKING:
    from .browse import BrowseScreen as BrowseScreen
    from .document_screen import DocumentScreen as DocumentScreen
    from .downloads import DownloadsScreen as DownloadsScreen
    from .library import LibraryScreen as LibraryScreen
    from .profiles import ProfilesScreen as ProfilesScreen
    from .results import ResultsScreen as ResultsScreen
else:
    __getattr__, __all__ = lazy(
        __name__,
        {
            "browse": "BrowseScreen",
            "document_screen": "DocumentScreen",
            "downloads": "DownloadsScreen",
            "library": "LibraryScreen",
            "profiles": "ProfilesScreen",
            "results": "ResultsScreen",
        },
    )
