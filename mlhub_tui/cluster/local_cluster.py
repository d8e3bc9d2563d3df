"""A cluster on this machine: a program of its own that ends with the one that asked for it.

Its processes have no terminal, write to a log, and talk to each other over TLS with a certificate made for
this once: on a machine that others use too, whoever reaches a scheduler can have it run anything.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from types import TracebackType
from typing import IO, Any, Self

from .. import paths
from ..errors import DownloadError
from ..storage import make_private_folder
from ..text import one_line
from . import optional_dependencies as needed

_PATIENCE = 10.0
_MOST = 64  # processes


class NoLocalCluster(DownloadError):
    """The cluster on this machine could not be started."""

    default_hint = "log/cluster.log below MLHUB_HOME says more; --scheduler names another one"


@dataclass(frozen=True, slots=True)
class Address:
    """Where its scheduler is, and what `distributed.Security` needs for it."""

    scheduler: str
    security: dict[str, Any]


class LocalCluster:
    """Such a cluster, as a context manager; starting it blocks for a second or two.

    Parameters
    ----------
    workers
        Processes; None for one for each core.

    Raises
    ------
    NotInstalled
        If `distributed` is not there.
    NoLocalCluster
        If it does not start.
    """

    def __init__(self, workers: int | None) -> None:
        needed.distributed()
        count = max(1, min(workers or os.cpu_count() or 1, _MOST))
        make_private_folder(paths.log_dir())
        command = [sys.executable, "-P", "-m", __spec__.name, str(count)]
        with (paths.log_dir() / "cluster.log").open("w") as log:
            self._process = subprocess.Popen(  # noqa: S603  (our own interpreter and module)
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, start_new_session=True
            )
        try:
            self.address = self._read()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End it, and wait for that."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        try:
            self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _read(self) -> Address:
        out: IO[bytes] | None = self._process.stdout
        assert out is not None
        line = out.readline()
        try:
            found = json.loads(line)
        except ValueError:
            raise NoLocalCluster(f"no cluster on this machine: {_last_line()}") from None
        return Address(found["scheduler"], found["security"])


def _last_line() -> str:
    with contextlib.suppress(OSError):
        lines = (paths.log_dir() / "cluster.log").read_text(errors="replace").split("\n")
        said = [line for line in lines if line.strip()]
        if said:
            return one_line(said[-1], 200)
    return "it ended without a word"


def main(workers: int) -> None:
    """Run a cluster until nobody holds the other end of standard input any more."""
    import logging

    from distributed import LocalCluster as Cluster
    from distributed import Security

    security = Security.temporary()
    with Cluster(
        n_workers=workers,
        threads_per_worker=1,
        processes=True,
        host="127.0.0.1",
        protocol="tls://",
        dashboard_address=None,
        security=security,
        silence_logs=logging.ERROR,
    ) as cluster:
        config = security.get_tls_config_for_role("client")
        told = {
            "tls_ca_file": config["ca_file"],
            "tls_client_cert": config["cert"],
            "tls_client_key": config["key"],
            "require_encryption": True,
        }
        print(json.dumps({"scheduler": cluster.scheduler_address, "security": told}), flush=True)  # noqa: T201
        sys.stdin.buffer.read()


if __name__ == "__main__":
    main(int(sys.argv[1]))
