"""Which program is that, and does it still run: pid, host, and a token that a reused pid does not have."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path

STALE = 30.0
"""Seconds without a heartbeat after which a program that cannot be looked at counts as gone."""


class RunnerKind(StrEnum):
    """What a program at the queue is for."""

    APP = "app"
    COMMAND = "command"
    RUNNER = "runner"
    BACKGROUND = "background"
    CLIENT = "visitor"  # as version 0.1 writes it
    """It looks, adds and asks, and runs nothing: what it adds is taken by whoever runs the queue."""


_PLACES = {
    RunnerKind.APP: "in the app",
    RunnerKind.COMMAND: "by a command",
    RunnerKind.RUNNER: "by `queue run`",
    RunnerKind.BACKGROUND: "in the background",
}


@dataclass(frozen=True, slots=True)
class Process:
    """A running program. `token` names its boot and start time; empty where the system does not tell."""

    pid: int
    host: str
    token: str


def this_process() -> Process:
    """Return the program that asks."""
    return Process(os.getpid(), platform.node(), _token(os.getpid()))


def place(process: Process, kind: str) -> str:
    """Return where a program runs, in words for people: `in the background, pid 4711`."""
    where = _PLACES.get(RunnerKind(kind), "elsewhere") if kind in set(RunnerKind) else "elsewhere"
    words = f"{where}, pid {process.pid}"
    return words if process.host == platform.node() else f"{words} on {process.host}"


def alive(process: Process, silent: float) -> bool:
    """Return whether a program still runs, given the seconds since its last heartbeat.

    On this host the system is asked, so that a suspended program (Ctrl+Z) keeps what is its own; elsewhere,
    and on systems without signals that only ask, the heartbeat decides.
    """
    if process.host != platform.node() or os.name != "posix":
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
