"""The plan of a download: what a dataset consists of, what of it is wanted, and what became of each file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import submodules

if TYPE_CHECKING:
    from . import assets as assets
    from . import dataset_job as dataset_job
    from . import dataset_plan as dataset_plan
    from . import filters as filters
    from . import index_cache as index_cache
    from . import report as report
    from . import requests as requests
    from . import resolver as resolver
    from . import selection as selection
else:
    __getattr__ = submodules(__name__)
