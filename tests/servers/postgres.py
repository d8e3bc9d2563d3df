"""A PostgreSQL of our own: a private cluster on loopback that trusts everyone and keeps nothing."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from .processes import free_port, serving

_PROGRAMS = Path("/usr/lib/postgresql/15/bin")
_POSTGIS = Path("/usr/share/postgresql/15/extension/postgis.control")
_CARELESS = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "unix_socket_directories=")


def need_postgres() -> None:
    """Go on only where PostgreSQL and PostGIS are installed."""
    if not (_PROGRAMS / "initdb").exists() or not _POSTGIS.exists():
        pytest.skip("PostgreSQL 15 with PostGIS 3 is not installed (Debian: postgresql-15-postgis-3)")


@contextmanager
def private_postgres() -> Iterator[dict[str, str]]:
    """Run a cluster and give the environment variables by which libpq finds it."""
    as_user = _unprivileged()
    # Not in pytest's folders, which the user postgres may not enter.
    folder = Path(tempfile.mkdtemp(prefix="mlhub-postgres-"))
    try:
        if as_user:
            shutil.chown(folder, "postgres")
        data, port = folder / "data", free_port()
        initdb = [
            str(_PROGRAMS / "initdb"),
            "-D",
            str(data),
            "-A",
            "trust",
            "-U",
            "postgres",
            "-N",
            "-E",
            "UTF8",
        ]
        subprocess.run([*as_user, *initdb], check=True, capture_output=True, timeout=60, cwd="/")
        settings = ["listen_addresses=127.0.0.1", f"port={port}", *_CARELESS]
        server = [*as_user, str(_PROGRAMS / "postgres"), "-D", str(data)]
        command = server + [part for setting in settings for part in ("-c", setting)]
        with serving(command, port, folder / "log"):
            yield {
                "PGHOST": "127.0.0.1",
                "PGPORT": str(port),
                "PGUSER": "postgres",
                "PGPASSWORD": "not-asked-for",
                "PGDATABASE": "postgres",
            }
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _unprivileged() -> list[str]:
    """Return what runs a command as another user, since PostgreSQL refuses to run as root."""
    if os.getuid() != 0:
        return []
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
