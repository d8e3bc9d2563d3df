"""Programs with a queue, forked from one that has imported everything: a kill costs no start of Python.

Run as `nest.py`, it reads the arguments of a program as a line of JSON and writes the program's pid.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import Self, cast

ROOT = Path(__file__).parent.parent.parent


class Nest:
    """Starts programs (see `program.py`) in a few milliseconds each; a context manager."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.queue.nest"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate(timeout=300)

    def hatch(self, *arguments: str) -> int:
        """Start a program with arguments, and return its pid."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(arguments) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())


def is_gone(pid: int) -> bool:
    """Return whether a program has ended."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def end(pid: int, number: int = signal.SIGKILL, seconds: float = 300.0) -> None:
    """Send a signal to a program and wait until it is gone."""
    deadline = time.monotonic() + seconds
    try:
        os.kill(pid, number)
        while True:
            os.kill(pid, 0)
            assert time.monotonic() < deadline
            time.sleep(0.001)
    except ProcessLookupError:
        return


def _function(name: str) -> Callable[..., object]:
    """Return a function by its module and name, imported before the fork."""
    module, _, function = name.partition(":")
    return cast("Callable[..., object]", getattr(import_module(module), function))


def main() -> None:
    """Fork a program for each line."""
    from mlhub_tui.http.connect import trusted_context
    from mlhub_tui.planning import dataset_job as dataset_run
    from mlhub_tui.queue import scheduler
    from tests.queue import dataset_program, program

    assert all((dataset_run, scheduler))
    trusted_context()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them
    for line in sys.stdin:
        home, url, folder, *names = json.loads(line)
        called = _function(names.pop()) if names[:1] == ["--call"] else None
        pid = os.fork()
        if pid == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115 - as long as the program
            if called is not None:
                called(Path(home), url, *names[1:])
            elif names == ["--dataset"]:
                asyncio.run(dataset_program.main(Path(home), url, Path(folder)))
            else:
                asyncio.run(program.main(Path(home), url, Path(folder), names))
            os._exit(0)
        print(pid, flush=True)


if __name__ == "__main__":
    main()
