"""The line as all transfers of a program share it: its speed, and how many connections they may have."""

from __future__ import annotations

import threading

from .limit import Limit
from .many.share import Share

SPARE = 12
"""Connections that all transfers of a program may have beside their first ones."""


class Line:
    """What transfers share; changed while they run.

    Parameters
    ----------
    connections
        To one file at most.

    Attributes
    ----------
    limit
        The speed of all together.
    spare
        The connections beside the first ones that may still be opened.
    connections
        To one file at most; 1 turns parallel ranges off.
    hosts
        What runs over many files share of each host.
    """

    def __init__(self, connections: int = 8) -> None:
        self.limit = Limit()
        self.spare = threading.Semaphore(SPARE)
        self.connections = connections
        self.hosts = Share()
