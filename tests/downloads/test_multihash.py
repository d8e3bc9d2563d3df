"""A checksum of the catalogue is read, and verified like one of the server."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlhub_tui.downloads.database import Database
from mlhub_tui.downloads.job import IfExists
from mlhub_tui.downloads.live import Live
from mlhub_tui.downloads.one.answer import Digest
from mlhub_tui.downloads.one.journal import Journal
from mlhub_tui.downloads.one.multihash import multihash, unverified
from mlhub_tui.downloads.one.transfer import Task, Transfer
from mlhub_tui.downloads.one.verify import Follower
from mlhub_tui.downloads.store import Store
from mlhub_tui.errors import VerificationFailed
from mlhub_tui.sources.link import Link
from tests.support.fault_server import FaultServer

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
        (f"1114{'ab' * 20}", Digest("sha-1", "ab" * 20)),
        (f"1113{'ab' * 19}", None),
        (f"1620{'ab' * 32}", Digest("sha3-256", "ab" * 32)),
        (
            "90e40210f52acd32b09769d3b1871b420789456c",
            Digest("blake2b-128", "f52acd32b09769d3b1871b420789456c"),
        ),
        (f"81e40201{'ab'}", None),
        (f"1220{SHA256.upper()}", Digest("sha-256", SHA256)),
        (f"f1220{SHA256}", Digest("sha-256", SHA256)),
        ("QmauZgj9cQmTimYUwaAmPNmzGsv1z2vUGD1CyuXrjkAf4V", Digest("sha-256", "ba" * 32)),
        ("zQmauZgj9cQmTimYUwaAmPNmzGsv1z2vUGD1CyuXrjkAf4V", Digest("sha-256", "ba" * 32)),
        (f"mEiC6{'urq6' * 10}ug==", Digest("sha-256", "ba" * 32)),
        (f"uEiC6{'urq6' * 10}ug", Digest("sha-256", "ba" * 32)),
        ("bciqlvov2xk5lvov2xk5lvov2xk5lvov2xk5lvov2xk5lvov2xk5lvoq", Digest("sha-256", "ba" * 32)),
        ("", None),
        ("12", None),
        ("ff" * 40, None),
        ("no hex", None),
    ],
)
def test_a_multihash_is_read_if_it_is_whole_and_known(value: str, digest: Digest | None) -> None:
    assert multihash(value) == digest


@pytest.mark.parametrize(("value", "said"), [("", False), (None, False), (f"1220{SHA256}", False), (7, True)])
def test_a_checksum_that_cannot_be_verified_is_told(value: object, said: bool) -> None:
    assert bool(unverified(value)) is said


def test_every_algorithm_that_is_read_can_be_computed(tmp_path: Path) -> None:
    file = tmp_path / "x"
    file.write_bytes(b"abc")
    digests = {
        Digest("sha-1", hashlib.sha1(b"abc").hexdigest()),
        Digest("sha3-256", hashlib.sha3_256(b"abc").hexdigest()),
        Digest("blake2b-128", hashlib.blake2b(b"abc", digest_size=16).hexdigest()),
        Digest("blake2s-256", hashlib.blake2s(b"abc").hexdigest()),
    }
    follower = Follower(file, tuple(digests), lambda: 3)
    follower.start()
    follower.check(3, 0.01, threading.Event())
    with pytest.raises(VerificationFailed, match="BLAKE2B-128"):
        wrong = Follower(file, (Digest("blake2b-128", "00" * 16),), lambda: 3)
        wrong.start()
        wrong.check(3, 0.01, threading.Event())


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
