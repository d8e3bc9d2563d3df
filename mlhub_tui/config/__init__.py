"""What a person sets once: `config.toml` in MLHUB_HOME, read at the start, changed with its comments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import lazy

if TYPE_CHECKING:
    from .config import DEFAULTS as DEFAULTS
    from .config import Config as Config
    from .config import Loaded as Loaded
    from .config import Setting as Setting
    from .config import load as load
    from .config import settings as settings
    from .config import table as table
else:
    __getattr__, __all__ = lazy(__name__, {"config": "DEFAULTS Config Loaded Setting load settings table"})
