"""Settings of the queue: speed and numbers of transfers, stored in its database for all its programs."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, fields
from typing import TypedDict

from ..config import load as load_config
from ..http.retry import RetryPolicy
from ..transfer.config import TransferConfig
from .process import Process, RunnerKind

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


class EngineConfig(TypedDict, total=False):
    """How one program runs the queue; what is left out has a default."""

    concurrency: int | None  # transfers at a time, whatever the settings say
    per_host: int | None  # the same for one host
    only_own: bool  # run what was added here and nothing else, for a command that has one thing to do
    retries: RetryPolicy  # by default for as long as it takes
    config: TransferConfig  # time-outs and sizes of the transfers
    look: float  # seconds between two checks of them, and of what other programs did; 0.5
    tls: ssl.SSLContext | None  # TLS settings of the transfers, the system's by default
    identity: Process | None  # the program, this one by default
    kind: RunnerKind  # what it is for, so that others can show where a job runs; an app by default
    room_every: float  # seconds between two checks whether a disk that was full has space again; 10
