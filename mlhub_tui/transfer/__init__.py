"""The transfer engine: one file over parallel ranges, or many small ones, to a folder or an object store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import submodules

if TYPE_CHECKING:
    from . import config as config
    from . import engine as engine
    from . import resumption as resumption
    from . import single_file as single_file
else:
    __getattr__ = submodules(__name__)
