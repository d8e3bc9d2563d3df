"""The download queue: what to fetch, what is fetched, and the engine that fetches it. No Textual here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import submodules

if TYPE_CHECKING:
    from . import background as background
    from . import client as client
    from . import database as database
    from . import job as job
    from . import library as library
    from . import run_job as run_job
    from . import service as service
else:
    __getattr__ = submodules(__name__)
