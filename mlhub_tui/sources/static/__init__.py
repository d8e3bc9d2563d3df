"""Static catalogs: STAC documents over http(s), in a local folder, or in a tar archive."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...lazy import submodules

if TYPE_CHECKING:
    from . import archive as archive
    from . import document_urls as document_urls
else:
    __getattr__ = submodules(__name__)
