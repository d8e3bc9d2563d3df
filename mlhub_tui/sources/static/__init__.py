"""Static catalogs: STAC documents over http(s), in a local folder, or in a tar archive."""

from .source import StaticSource

__all__ = ["StaticSource"]
