"""A checksum of the catalogue is read, and verified like one of the server."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlhub_tui.errors import VerificationFailed
from mlhub_tui.http.credentials import Link
from mlhub_tui.http.versions import Checksum
from mlhub_tui.queue.database import Database
from mlhub_tui.queue.part_repository import PartRepository
from mlhub_tui.queue.repository import JobRepository
from mlhub_tui.transfer.config import DownloadSpec
from mlhub_tui.transfer.part_file import StreamingHasher
from tests.support.fault_server import FaultServer

from .conftest import DATA
from .support import run

SHA256 = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[PartRepository]:
    database = Database(tmp_path / "queue.db")
    yield PartRepository(database, JobRepository(database))
    database.close()


def test_every_algorithm_that_is_read_can_be_computed(tmp_path: Path) -> None:
    file = tmp_path / "x"
    file.write_bytes(b"abc")
    digests = {
        Checksum("sha-1", hashlib.sha1(b"abc").hexdigest()),
        Checksum("sha3-256", hashlib.sha3_256(b"abc").hexdigest()),
        Checksum("blake2b-128", hashlib.blake2b(b"abc", digest_size=16).hexdigest()),
        Checksum("blake2s-256", hashlib.blake2s(b"abc").hexdigest()),
    }
    follower = StreamingHasher(file, tuple(digests), lambda: 3)
    follower.start()
    follower.finish(3)
    with pytest.raises(VerificationFailed, match="BLAKE2B-128"):
        wrong = StreamingHasher(file, (Checksum("blake2b-128", "00" * 16),), lambda: 3)
        wrong.start()
        wrong.finish(3)


def transfer(server: FaultServer, folder: Path, journal: PartRepository, checksum: Checksum) -> Path:
    server.md5 = False
    spec = DownloadSpec(Link(server.url), folder / "x", checksums=(checksum,))
    return run(spec, journal).path


def test_a_file_is_verified_by_the_catalogues_checksum(
    server: FaultServer, folder: Path, journal: PartRepository
) -> None:
    assert transfer(server, folder, journal, Checksum("sha-256", SHA256)).read_bytes() == DATA


def test_a_file_that_is_not_the_catalogues_is_refused(
    server: FaultServer, folder: Path, journal: PartRepository
) -> None:
    with pytest.raises(VerificationFailed, match="SHA-256"):
        transfer(server, folder, journal, Checksum("sha-256", "00" * 32))
    assert not (folder / "x").exists()


def test_a_gzip_file_may_have_the_sum_of_its_content_which_is_not_saved_as_its_own(
    folder: Path, journal: PartRepository
) -> None:
    sums = (
        Checksum("sha-256", SHA256),
        Checksum("md5", hashlib.md5(gzip.compress(DATA, mtime=0)).hexdigest()),
    )
    with FaultServer(gzip.compress(DATA, mtime=0)) as server:
        server.md5 = False
        found = run(DownloadSpec(Link(server.url), folder / "x.gz", checksums=sums), journal)
    assert found.checksums == sums[1:]
