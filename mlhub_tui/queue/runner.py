"""Programs at the queue: which they are, whether they still run, and the settings they share."""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import TypedDict

from ..config import load as load_config
from ..http.errors import RetryPolicy
from ..transfer.config import TransferConfig

STALE = 30.0
"""Seconds without a heartbeat after which a program that cannot be looked at counts as gone."""


class RunnerKind(StrEnum):
    """What a program at the queue is for; a client runs nothing."""

    APP = "app"
    COMMAND = "command"
    RUNNER = "runner"
    BACKGROUND = "background"
    CLIENT = "visitor"  # as version 0.1 writes it


_PLACES: Mapping[str, str] = {
    RunnerKind.APP: "in the app",
    RunnerKind.COMMAND: "by a command",
    RunnerKind.RUNNER: "by `queue run`",
    RunnerKind.BACKGROUND: "in the background",
}


@dataclass(frozen=True, slots=True)
class Process:
    """A running program; `token` tells it from others with its pid: boot and start time, where known."""

    pid: int
    host: str
    token: str


def this_process() -> Process:
    """Return this program."""
    return Process(os.getpid(), socket.gethostname(), _token(os.getpid()))


def place(process: Process, kind: str) -> str:
    """Return where a program runs, in words for people: `in the background, pid 4711`."""
    words = f"{_PLACES.get(kind, 'elsewhere')}, pid {process.pid}"
    return words if process.host == socket.gethostname() else f"{words} on {process.host}"


def alive(process: Process, silent: float) -> bool:
    """Return whether a program still runs, `silent` seconds after its last heartbeat.

    On this host the system is asked, so that a suspended program (Ctrl+Z) keeps its jobs; elsewhere, and on
    Windows, the heartbeat decides.
    """
    if process.host != socket.gethostname() or os.name != "posix":
        return silent < STALE
    try:
        os.kill(process.pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    token = _token(process.pid)
    return token == process.token if token and process.token else silent < STALE


def _token(pid: int) -> str:
    try:
        # proc_pid_stat(5): after the name, which may hold brackets, come the state and the start time.
        fields = Path(f"/proc/{pid}/stat").read_text("ascii", "replace").rpartition(")")[2].split()
        state, started = fields[0], fields[19]
    except (OSError, IndexError):
        return ""
    return "ended" if state in "ZX" else f"{_boot()}:{started}"


@cache
def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        return ""


MOST = 64
"""The most transfers at a time, from one host, and connections to one file."""


@dataclass(frozen=True, slots=True)
class QueueSettings:
    """What can be changed while transfers run.

    - `limit`: Bytes per second of all transfers together, whichever programs run them; None for no limit.
    - `transfers`: Transfers at a time; every program that runs the queue has one, however many others have.
    - `per_host`: Transfers at a time from one host.
    - `connections`: Connections to one file at most; 1 turns parallel ranges off.
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

    transfers: int | None  # at a time, whatever the settings say
    only_own: bool  # run what was added here and nothing else, for a command that has one thing to do
    retries: RetryPolicy  # by default for as long as it takes
    config: TransferConfig  # time-outs and sizes of the transfers
    look: float  # seconds between two checks of them, and of what other programs did; 0.5
    tls: ssl.SSLContext | None  # TLS settings of the transfers, the system's by default
    identity: Process | None  # the program, this one by default
    kind: RunnerKind  # what it is for, so that others can show where a job runs; an app by default
    room_every: float  # seconds between two checks whether a disk that was full has space again; 10
