"""The sample catalog: MLHub's API as a real HTTP server on this machine, without any network.

Importing this package costs nothing; the server itself is in `mlhub_tui.sample.server`.
"""

from __future__ import annotations

SAMPLE_KEY = "sample"
"""The API key the sample catalog takes."""

ROOT_PATH = "/mlhub/v1/"
"""The path of the API's root on the sample server, as on the hosted one."""

DEFAULT_RATE = 8 * 1024 * 1024
"""Bytes per second of one archive download, slow enough to watch."""

__all__ = ["DEFAULT_RATE", "ROOT_PATH", "SAMPLE_KEY"]
