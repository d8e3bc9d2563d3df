"""The sample catalog in a process of its own: apart from the memory and the work of the app."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import threading
from typing import Any

from ..auth import Credentials
from ..child_process import child_command, child_environment
from ..errors import MLHubException

SAMPLE_NAME = "sample catalog"
_START_LIMIT = 60.0
"""Seconds after which a process that does not listen is ended; it takes 0.4 on an idle machine."""


class SampleServerError(MLHubException):
    """The sample catalog could not be started."""

    default_hint = "choose another port with --port, or none for a free one"


class SampleOnDemand:
    """Starts the sample catalog when it is first needed, once, from any thread; again where it has ended.

    The process ends at the end of its standard input, so that it outlives nobody, however its parent ends;
    Ctrl+C and a hang-up in the parent's terminal do not reach it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._credentials: Credentials | None = None

    def credentials(self) -> Credentials:
        """Return the credentials of the running sample catalog; blocks while it starts (about 0.4 s).

        Raises SampleServerError where it does not start.
        """
        with self._lock:
            if self._process is not None and self._process.poll() is not None:
                self._end()
            if self._credentials is None:
                self._process = _spawn()
                try:
                    key, root_url = _first_line(self._process)
                except SampleServerError:
                    self._end()
                    raise
                self._credentials = Credentials(
                    secret=key,
                    root_url=root_url,
                    profile=None,
                    key_origin=SAMPLE_NAME,
                    root_origin=SAMPLE_NAME,
                )
            return self._credentials

    def stop(self) -> None:
        """Stop it if it runs, or is about to; downloads under way break off."""
        if (process := self._process) is not None:
            process.kill()  # it has nothing to save; the lock may be held until it has started
        with self._lock:
            self._end()

    def _end(self) -> None:
        process, self._process, self._credentials = self._process, None, None
        if process is not None:
            with contextlib.suppress(OSError), process:  # which closes its pipes and waits for it
                process.kill()


def _spawn() -> subprocess.Popen[bytes]:
    apart: dict[str, Any] = {"start_new_session": True}
    if os.name == "nt":
        apart = {"creationflags": getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)}
    pipe, null = subprocess.PIPE, subprocess.DEVNULL
    try:
        return subprocess.Popen(  # noqa: S603 - ourselves
            child_command("mlhub_tui.sample.server"),
            stdin=pipe,
            stdout=pipe,
            stderr=null,
            env=child_environment(os.environ),
            **apart,
        )
    except OSError as error:
        raise _not_started(error.strerror or error) from error


def _first_line(process: subprocess.Popen[bytes]) -> tuple[str, str]:
    """Return the key and the root URL that a process writes once it listens.

    Raises SampleServerError where it writes an error, ends, or takes too long.
    """
    assert process.stdout is not None
    late = threading.Timer(_START_LIMIT, process.kill)
    late.daemon = True
    late.start()
    try:
        answer = json.loads(process.stdout.readline())
    except ValueError:  # it ended, or what the user's Python loads at its start printed something
        answer = {"error": "its process gave no address"}
    finally:
        late.cancel()
    if "error" in answer:
        raise _not_started(answer["error"])
    return answer["key"], answer["root_url"]


def _not_started(reason: object) -> SampleServerError:
    hint = "`mlhub-tui sample serve` starts it in a terminal; its error says more"
    return SampleServerError(f"the sample catalog did not start: {reason}", hint=hint)
