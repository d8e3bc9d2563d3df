"""The program that runs the queue in the background, after the terminal and its session are gone."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from .. import paths
from ..auth import Kind
from ..child_process import child_command, child_environment
from ..errors import DownloadError
from .client import QueueClient
from .job import JobState
from .runner import RunnerKind

if TYPE_CHECKING:
    from ..auth import Credentials

_ARGUMENTS = ("queue", "run", "--until-empty", "--in-background")
_PATIENCE = 10.0


class BackgroundError(DownloadError):
    """The background program could not be started."""

    default_hint = "`mlhub-tui queue run` does the same in a terminal; its error says more"


class Started(NamedTuple):
    """The background program; `note` is what the user should know of it, in one line, or empty."""

    pid: int
    note: str = ""


def log_file() -> Path:
    """Return the path of the file where the background program writes its log."""
    return paths.log_dir() / "queue.log"


def environment(current: Credentials | None, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of the background program, in which it finds the credentials in use here.

    A key from a profile is not handed on: the name of the profile is enough. One from elsewhere goes in the
    environment, which only the user's own processes can read; never on a command line, which all can. Those
    variables are for MLHub APIs: the secret of another source is found through its profile only. Without
    `current`, the environment stays as it is.
    """
    made = child_environment(environ)
    if "MLHUB_HOME" in environ:
        made["MLHUB_HOME"] = str(Path(environ["MLHUB_HOME"]).expanduser().absolute())
    if current is None:
        return made
    for name in ("MLHUB_API_KEY", "MLHUB_PROFILE"):
        made.pop(name, None)
    if current.kind is Kind.MLHUB:
        made["MLHUB_ROOT_URL"] = current.root_url
    if current.profile is not None:
        made["MLHUB_PROFILE"] = current.profile
    elif current.secret and current.kind is Kind.MLHUB:
        made["MLHUB_API_KEY"] = current.secret
    return made


def start(current: Credentials | None, *, seconds: float = _PATIENCE) -> Started:
    """Start the background program, unless one runs already; return once it has opened the queue.

    Blocks meanwhile, about a second, `seconds` at most. It has a session of its own, so that a hang-up does
    not reach it, and ends when there is nothing left to do.

    Raises BackgroundError if it does not start.
    """
    with QueueClient(paths.queue()) as client:
        deadline = time.monotonic() + seconds
        while pids := [pid for kind, pid in client.repository.runners() if kind is RunnerKind.BACKGROUND]:
            # One that is just about to end does not take over what was added a moment ago.
            left = any(job.state is JobState.QUEUED and not job.elsewhere for job in client.jobs())
            if not left or time.monotonic() > deadline:
                return Started(pids[0], _unknown_to(pids[0], current))
            time.sleep(0.05)
        child = _spawn(environment(current, os.environ))
        deadline = time.monotonic() + seconds
        while (RunnerKind.BACKGROUND, child.pid) not in client.repository.runners():
            # One that has nothing to do may be done before it is seen.
            if child.poll() == 0:
                break
            if child.returncode is not None:
                raise BackgroundError(f"the background program ended at once ({child.returncode})")
            if time.monotonic() > deadline:
                child.terminate()
                raise BackgroundError("the background program does not start")
            time.sleep(0.02)
    return Started(child.pid)


def _unknown_to(pid: int, current: Credentials | None) -> str:
    """Return what a program that runs already cannot know: a key that is in no profile."""
    if current is None or current.profile is not None or not current.secret:
        return ""
    return (
        f"pid {pid} ran already, with the key it was started with: a transfer that needs the one in use here"
        f" ({current.key_origin}) waits in it; a key in a profile is found by every program"
    )


def _spawn(environ: Mapping[str, str]) -> subprocess.Popen[bytes]:
    apart: dict[str, Any] = {"start_new_session": True}
    if os.name == "nt":
        flags = ("DETACHED_PROCESS", "CREATE_NEW_PROCESS_GROUP")
        apart = {"creationflags": sum(getattr(subprocess, name, 0) for name in flags)}
    null = subprocess.DEVNULL
    command = child_command("mlhub_tui", *_ARGUMENTS)
    try:
        return subprocess.Popen(  # noqa: S603 - ourselves
            command, stdin=null, stdout=null, stderr=null, cwd=paths.home(), env=environ, **apart
        )
    except OSError as error:
        what = error.strerror or error
        raise BackgroundError(f"the background program cannot be started: {what}") from error
