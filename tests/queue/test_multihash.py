"""A checksum of the catalogue is read, and verified like one of the server."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlhub_tui.errors import VerificationFailed
from mlhub_tui.http.link import Link
from mlhub_tui.http.response_headers import Checksum
from mlhub_tui.queue.database import Database
from mlhub_tui.queue.repository import JobRepository
from mlhub_tui.transfer.checksums import StreamingHasher, multihash, unverified
from mlhub_tui.transfer.config import DownloadSpec
from mlhub_tui.transfer.part_file import PartJournal
from tests.support.fault_server import FaultServer

from .conftest import DATA
from .support import run

SHA256 = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[PartJournal]:
    database = Database(tmp_path / "queue.db")
    yield PartJournal(database, JobRepository(database))
    database.close()


@pytest.mark.parametrize(
    ("value", "digest"),
    [
        (f"1220{SHA256}", Checksum("sha-256", SHA256)),
        (f"1340{'ab' * 64}", Checksum("sha-512", "ab" * 64)),
        (f"d50110{'cd' * 16}", Checksum("md5", "cd" * 16)),
        (f"1220{SHA256}00", None),
        (f"1210{'ab' * 16}", None),
        (f"1114{'ab' * 20}", Checksum("sha-1", "ab" * 20)),
        (f"1113{'ab' * 19}", None),
        (f"1620{'ab' * 32}", Checksum("sha3-256", "ab" * 32)),
        (
            "90e40210f52acd32b09769d3b1871b420789456c",
            Checksum("blake2b-128", "f52acd32b09769d3b1871b420789456c"),
        ),
        (f"81e40201{'ab'}", None),
        (f"1220{SHA256.upper()}", Checksum("sha-256", SHA256)),
        (f"f1220{SHA256}", Checksum("sha-256", SHA256)),
        ("QmauZgj9cQmTimYUwaAmPNmzGsv1z2vUGD1CyuXrjkAf4V", Checksum("sha-256", "ba" * 32)),
        ("zQmauZgj9cQmTimYUwaAmPNmzGsv1z2vUGD1CyuXrjkAf4V", Checksum("sha-256", "ba" * 32)),
        (f"mEiC6{'urq6' * 10}ug==", Checksum("sha-256", "ba" * 32)),
        (f"uEiC6{'urq6' * 10}ug", Checksum("sha-256", "ba" * 32)),
        ("bciqlvov2xk5lvov2xk5lvov2xk5lvov2xk5lvov2xk5lvov2xk5lvoq", Checksum("sha-256", "ba" * 32)),
        ("", None),
        ("12", None),
        ("ff" * 40, None),
        ("no hex", None),
    ],
)
def test_a_multihash_is_read_if_it_is_whole_and_known(value: str, digest: Checksum | None) -> None:
    assert multihash(value) == digest


@pytest.mark.parametrize(("value", "said"), [("", False), (None, False), (f"1220{SHA256}", False), (7, True)])
def test_a_checksum_that_cannot_be_verified_is_told(value: object, said: bool) -> None:
    assert bool(unverified(value)) is said


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


def transfer(server: FaultServer, folder: Path, journal: PartJournal, checksum: Checksum) -> Path:
    server.md5 = False
    spec = DownloadSpec(Link(server.url), folder / "x", checksums=(checksum,))
    return run(spec, journal).path


def test_a_file_is_verified_by_the_catalogues_checksum(
    server: FaultServer, folder: Path, journal: PartJournal
) -> None:
    assert transfer(server, folder, journal, Checksum("sha-256", SHA256)).read_bytes() == DATA


def test_a_file_that_is_not_the_catalogues_is_refused(
    server: FaultServer, folder: Path, journal: PartJournal
) -> None:
    with pytest.raises(VerificationFailed, match="SHA-256"):
        transfer(server, folder, journal, Checksum("sha-256", "00" * 32))
    assert not (folder / "x").exists()
