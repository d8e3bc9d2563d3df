"""Modal screens, a dialog or a few of one subject in each module; each is imported when it is first shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...lazy import submodules

if TYPE_CHECKING:
    from . import asset_dialog as asset_dialog
    from . import base as base
    from . import download_dialog as download_dialog
    from . import export_dialog as export_dialog
    from . import help as help
    from . import job_dialog as job_dialog
    from . import search_dialog as search_dialog
    from . import settings_dialog as settings_dialog
    from . import source_form as source_form
    from . import tree_dialogs as tree_dialogs
else:
    __getattr__ = submodules(__name__)
