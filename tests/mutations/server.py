"""A process that has imported what tests import, and forks to run some: a second or two less each time.

A line of input is a JSON list of pytest's arguments and the file for its output; the answers are the child's
id, and its exit code when it ends.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress
from importlib import import_module

import pytest

_HEAVY = (  # not ours: those are what is changed
    "click cryptography.x509 h11 httpcore httpx humanize hypothesis.stateful hypothesis.strategies moto"
    " pytest_asyncio pytest_timeout sqlite3 starlette.applications textual.app textual.widgets tomlkit"
    " trustme unittest.mock uvicorn xdist.plugin"
)


def main() -> None:
    for name in _HEAVY.split():
        with suppress(ImportError):
            import_module(name)
    for line in sys.stdin:
        arguments, output = json.loads(line)
        child = os.fork()
        if not child:
            os.setsid()
            written = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.dup2(written, 1)
            os.dup2(written, 2)
            code = 3
            try:
                code = int(pytest.main(arguments))
            finally:
                os._exit(code)
        print(child, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


if __name__ == "__main__":
    main()
