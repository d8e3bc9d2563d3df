"""A checksum of the catalogue is read, and verified like one of the server."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlhub_tui.downloads.answer import Digest
from mlhub_tui.downloads.database import Database
from mlhub_tui.downloads.job import IfExists
from mlhub_tui.downloads.journal import Journal
from mlhub_tui.downloads.live import Live
from mlhub_tui.downloads.multihash import multihash
from mlhub_tui.downloads.store import Store
from mlhub_tui.downloads.transfer import Task, Transfer
from mlhub_tui.errors import VerificationFailed
from mlhub_tui.sources.link import Link
from tests.faults.server import FaultServer

from .conftest import DATA
from .support import QUICK

SHA256 = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    database = Database(tmp_path / "queue.db")
    yield Journal(database, Store(database))
    database.close()


@pytest.mark.parametrize(
    ("value", "digest"),
    [
        (f"1220{SHA256}", Digest("sha-256", SHA256)),
        (f"1340{'ab' * 64}", Digest("sha-512", "ab" * 64)),
        (f"d50110{'cd' * 16}", Digest("md5", "cd" * 16)),
        (f"1220{SHA256}00", None),
        (f"1210{'ab' * 16}", None),
        (f"1114{'ab' * 20}", None),
        ("", None),
        ("12", None),
        ("ff" * 40, None),
        ("no hex", None),
    ],
)
def test_a_multihash_is_read_if_it_is_whole_and_known(value: str, digest: Digest | None) -> None:
    assert multihash(value) == digest


def transfer(server: FaultServer, folder: Path, journal: Journal, digest: Digest) -> Transfer:
    server.md5 = False
    task = Task(folder / "x", folder / "x.part", IfExists.RESUME, digests=(digest,))
    return Transfer(task, Link(server.url), journal, Live(), tuning=QUICK)


def test_a_file_is_verified_by_the_catalogues_checksum(
    server: FaultServer, folder: Path, journal: Journal
) -> None:
    assert transfer(server, folder, journal, Digest("sha-256", SHA256)).run().path.read_bytes() == DATA


def test_a_file_that_is_not_the_catalogues_is_refused(
    server: FaultServer, folder: Path, journal: Journal
) -> None:
    with pytest.raises(VerificationFailed, match="SHA-256"):
        transfer(server, folder, journal, Digest("sha-256", "00" * 32)).run()
    assert not (folder / "x").exists()
