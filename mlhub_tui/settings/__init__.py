"""What a person sets once: `config.toml` in MLHUB_HOME, read at the start, changed with its comments kept."""

from .config import DEFAULTS, Config, Setting, settings
from .read import Loaded, load

__all__ = ["DEFAULTS", "Config", "Loaded", "Setting", "load", "settings"]
