"""Cluster on this machine, in a program of its own, and the packages that any cluster needs.

Its processes have no terminal, write to a log, end with the program that started them, and talk to each other
over TLS with a certificate made for this run: any client that reaches a scheduler can have it run anything.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import json
import logging
import os
import subprocess
import sys
from typing import Any, Self

from .. import paths
from ..errors import DownloadError, MLHubException
from ..fileio import make_private_folder
from ..text import one_line

_PATIENCE = 10.0  # seconds for its end
_MOST = 64  # processes


class NotInstalled(MLHubException):
    """Something that a cluster needs is not installed."""

    default_hint = "pip install 'mlhub-tui[cluster]'"


def installed() -> bool:
    """Return whether clusters can be used by this program, without importing anything of them."""
    return all(importlib.util.find_spec(name) is not None for name in ("distributed", "fsspec"))


def required(name: str, words: str) -> Any:
    """Return a module; NotInstalled with these words if it is not there."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise NotInstalled(f"{words}, which is not installed") from error


class NoLocalCluster(DownloadError):
    """The cluster on this machine could not be started."""

    default_hint = "log/cluster.log below MLHUB_HOME says more; --scheduler names another one"


class LocalCluster:
    """A context manager; starting it blocks for a second or two.

    `workers` are processes, None for one for each core. `scheduler` is then the address of its scheduler, and
    `security` what `distributed.Security` needs for it.
    """

    def __init__(self, workers: int | None) -> None:
        count = max(1, min(workers or os.cpu_count() or 1, _MOST))
        make_private_folder(paths.log_dir())
        log = paths.log_dir() / "cluster.log"
        command = [sys.executable, "-P", "-m", __spec__.name, str(count)]
        with log.open("w") as written:
            self._process = subprocess.Popen(  # noqa: S603  (our own interpreter and module)
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=written, start_new_session=True
            )
        assert self._process.stdout is not None
        try:
            found = json.loads(self._process.stdout.readline())
        except BaseException as error:
            self.__exit__()
            if isinstance(error, ValueError):
                lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
                why = one_line(lines[-1], 200) if lines else "it ended without a message"
                raise NoLocalCluster(f"no cluster on this machine: {why}") from None
            raise
        self.scheduler: str = found["scheduler"]
        self.security: dict[str, Any] = found["security"]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        try:
            self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def main(workers: int) -> None:
    """Run a cluster until nobody holds the other end of standard input any more."""
    import distributed  # of the extra `cluster`; the process that starts this one need not load it

    security = distributed.Security.temporary()
    with distributed.LocalCluster(
        n_workers=workers,
        threads_per_worker=1,
        host="127.0.0.1",
        protocol="tls://",
        dashboard_address=None,
        security=security,
        silence_logs=logging.ERROR,
    ) as cluster:
        names = {"tls_ca_file": "ca_file", "tls_client_cert": "cert", "tls_client_key": "key"}
        config = security.get_tls_config_for_role("client")
        options = {name: config[key] for name, key in names.items()} | {"require_encryption": True}
        print(json.dumps({"scheduler": cluster.scheduler_address, "security": options}), flush=True)  # noqa: T201
        sys.stdin.buffer.read()


if __name__ == "__main__":
    main(int(sys.argv[1]))
