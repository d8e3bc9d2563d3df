"""Programs at the queue: which one is that, and does it still run."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path

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
    return Process(os.getpid(), platform.node(), _token(os.getpid()))


def place(process: Process, kind: str) -> str:
    """Return where a program runs, in words for people: `in the background, pid 4711`."""
    words = f"{_PLACES.get(kind, 'elsewhere')}, pid {process.pid}"
    return words if process.host == platform.node() else f"{words} on {process.host}"


def alive(process: Process, silent: float) -> bool:
    """Return whether a program still runs, `silent` seconds after its last heartbeat.

    On this host the system is asked, so that a suspended program (Ctrl+Z) keeps its jobs; elsewhere, and on
    Windows, the heartbeat decides.
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
