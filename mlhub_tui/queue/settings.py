"""Settings of the queue: speed and numbers of transfers, stored in its database for all its programs."""

from __future__ import annotations

from dataclasses import dataclass, fields

from ..config import load as load_config
from ..transfer.config import TransferConfig

MOST = 64
"""The most transfers at a time, from one host, and connections to one file."""


@dataclass(frozen=True, slots=True)
class QueueSettings:
    """What can be changed while transfers run.

    Parameters
    ----------
    limit
        Bytes per second of all transfers together, whichever programs run them; None for no limit.
    transfers
        Transfers at a time; every program that runs the queue has one, however many others have.
    per_host
        Transfers at a time from one host.
    connections
        Connections to one file at most; 1 turns parallel ranges off.
    """

    limit: int | None = None
    transfers: int = 2
    per_host: int = 4
    connections: int = 8

    def __post_init__(self) -> None:
        """Bring numbers out of bounds to the nearest valid ones."""
        object.__setattr__(self, "limit", max(self.limit, 1) if self.limit else None)
        for name in ("transfers", "per_host", "connections"):
            object.__setattr__(self, name, min(max(int(getattr(self, name)), 1), MOST))


NAMES = tuple(field.name for field in fields(QueueSettings))


def defaults() -> QueueSettings:
    """Return the settings of the config file, for a queue where nobody changed them."""
    config = load_config().config
    return QueueSettings(**{name: getattr(config, name) for name in NAMES})


def transfer_config(first_byte_timeout: float | None = None) -> TransferConfig:
    """Return how transfers read and write; `first_byte_timeout` in seconds, None for the config file's."""
    return TransferConfig(first_byte_timeout=first_byte_timeout or load_config().config.first_byte_timeout)
