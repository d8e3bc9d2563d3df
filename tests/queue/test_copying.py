"""Assets of this machine are copied like transfers: whole, verified, under their names at the end only."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import io
import os
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlhub_tui.auth import Kind
from mlhub_tui.errors import (
    DownloadError,
    EntityDoesNotExist,
    FileConflict,
    NoSpaceError,
    RemoteChanged,
    VerificationFailed,
)
from mlhub_tui.http.credentials import Link
from mlhub_tui.http.versions import Checksum
from mlhub_tui.options import IfExists
from mlhub_tui.planning.assets import DocumentOrigin, requests_for
from mlhub_tui.planning.resolver import OneSource
from mlhub_tui.queue.database import Database
from mlhub_tui.queue.job import JobState
from mlhub_tui.queue.part_repository import PartRepository as Parts
from mlhub_tui.queue.repository import JobRepository
from mlhub_tui.sources.static.document_urls import file_url, member_url
from mlhub_tui.transfer import local_files
from mlhub_tui.transfer.config import DownloadResult, DownloadSpec
from mlhub_tui.transfer.engine import TransferCancelled
from mlhub_tui.transfer.part_file import PartRecord
from tests.support.waiting import PATIENCE

from .catalog import Catalog, tree
from .conftest import DATA, Queues
from .support import run

SHA256 = Checksum("sha-256", hashlib.sha256(DATA).hexdigest())


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Parts]:
    database = Database(tmp_path / "queue.db")
    yield Parts(database, JobRepository(database))
    database.close()


@pytest.fixture
def original(tmp_path: Path) -> Path:
    path = tmp_path / "in" / "sub dir" / "100%!.tif"
    path.parent.mkdir(parents=True)
    path.write_bytes(DATA)
    return path


@pytest.fixture(params=["t.tar", "t.tar.gz"])
def archive(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    path = tmp_path / str(request.param)
    with tarfile.open(path, "w:gz" if path.suffix == ".gz" else "w") as tar:
        for name, data in (("./c//before.bin", b"x" * 5000), ("c/a b.tif", DATA), ("c/link", b"")):
            info = tarfile.TarInfo(name)
            if name == "c/link":
                info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return path


def copy(
    folder: Path, journal: Parts, url: str, *known: Checksum, if_exists: IfExists = IfExists.RESUME
) -> DownloadResult:
    return run(DownloadSpec(Link(url), folder / "x.tif", if_exists, checksums=known), journal)


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have each file copied byte by byte, also on a file system that clones."""
    monkeypatch.setattr("mlhub_tui.transfer.local_files.clone", lambda *_: False)


@pytest.fixture(params=["clone", "plain"])
def way(request: pytest.FixtureRequest) -> str:
    """The ways a file can be copied, each forced; a clone works on some file systems only."""
    if request.param == "plain":
        request.getfixturevalue("plain")
    return str(request.param)


def test_a_file_is_copied_and_verified(way: str, original: Path, folder: Path, journal: Parts) -> None:
    outcome = copy(folder, journal, file_url(original), SHA256)
    assert outcome == DownloadResult(folder / "x.tif", len(DATA), fetched=True, checksums=(SHA256,))
    assert outcome.path.read_bytes() == DATA
    assert tree(folder) == {"x.tif": len(DATA)}


def test_a_member_of_an_archive_is_copied(archive: Path, folder: Path, journal: Parts) -> None:
    url = member_url(file_url(archive), "c/a b.tif")
    assert copy(folder, journal, url, SHA256).path.read_bytes() == DATA
    (folder / "x.tif").unlink()
    assert copy(folder, journal, member_url(file_url(archive), "c/before.bin")).size == 5000


@pytest.mark.parametrize("member", ["c/nowhere", "c/link", "c"])
def test_a_member_that_is_no_file_does_not_exist(
    archive: Path, folder: Path, journal: Parts, member: str
) -> None:
    with pytest.raises(EntityDoesNotExist, match="has no file"):
        copy(folder, journal, member_url(file_url(archive), member))
    assert tree(folder) == {}


def test_a_broken_archive_says_so(archive: Path, folder: Path, journal: Parts) -> None:
    archive.write_bytes(archive.read_bytes()[:9000] if archive.suffix == ".tar" else b"\x1f\x8b no gzip")
    with pytest.raises(DownloadError, match="cannot be read"):
        copy(folder, journal, member_url(file_url(archive), "c/a b.tif"))
    assert not (folder / "x.tif").exists()


def test_what_is_missing_or_no_file_fails_at_once(tmp_path: Path, folder: Path, journal: Parts) -> None:
    with pytest.raises(EntityDoesNotExist, match="nowhere"):
        copy(folder, journal, file_url(tmp_path / "nowhere"))
    os.mkfifo(tmp_path / "pipe")
    for name in ("pipe", "."):
        with pytest.raises(DownloadError):
            copy(folder, journal, file_url(tmp_path / name))
    assert tree(folder) == {}


def test_an_empty_file_is_copied(tmp_path: Path, folder: Path, journal: Parts) -> None:
    (tmp_path / "empty").touch()
    assert copy(folder, journal, file_url(tmp_path / "empty")).path.read_bytes() == b""


def test_bytes_that_are_not_the_documents_stay_a_part(original: Path, folder: Path, journal: Parts) -> None:
    with pytest.raises(VerificationFailed):
        copy(folder, journal, file_url(original), Checksum("md5", "0" * 32))
    assert list(tree(folder)) == ["x.tif.part"]
    entry = journal.load(folder / "x.tif.part")
    assert entry is None or entry.synced == 0


def test_a_part_of_something_else_is_overwritten_and_its_record_too(
    original: Path, folder: Path, journal: Parts
) -> None:
    part = folder / "x.tif.part"
    folder.mkdir()
    part.write_bytes(b"other" * len(DATA))
    journal.begin(part, PartRecord("https://h/x", synced=100))
    assert copy(folder, journal, file_url(original)).path.read_bytes() == DATA
    assert journal.load(part) is None


def test_what_is_there_is_kept_refused_or_replaced(original: Path, folder: Path, journal: Parts) -> None:
    target = copy(folder, journal, file_url(original)).path
    assert copy(folder, journal, file_url(original)).fetched is False
    target.write_bytes(b"mine")
    with pytest.raises(FileConflict, match="4 B here"):
        copy(folder, journal, file_url(original))
    assert copy(folder, journal, file_url(original), if_exists=IfExists.SKIP).fetched is False
    assert target.read_bytes() == b"mine"
    copy(folder, journal, file_url(original), if_exists=IfExists.OVERWRITE)
    assert target.read_bytes() == DATA


def test_a_disk_without_room_is_seen_before_a_byte(original: Path, folder: Path, journal: Parts) -> None:
    def none(needed: int, size: int) -> None:
        raise NoSpaceError(f"{needed} of {size}")

    with pytest.raises(NoSpaceError, match=f"{len(DATA)} of {len(DATA)}"):
        run(DownloadSpec(Link(file_url(original)), folder / "x.tif"), journal, reserve=none)
    assert tree(folder) == {}


@pytest.mark.usefixtures("plain")
def test_a_disk_that_fills_up_meanwhile_is_told(
    original: Path, folder: Path, journal: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(NoSpaceError):
        copy(folder, journal, file_url(original))


def test_a_file_that_is_written_to_while_it_is_copied_is_not_taken(
    original: Path, folder: Path, journal: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    def meanwhile(target: int, source: int) -> bool:
        with original.open("r+b") as file:
            file.write(b"new")
        os.utime(original, (1, 1))
        return False

    monkeypatch.setattr("mlhub_tui.transfer.local_files.clone", meanwhile)
    with pytest.raises(RemoteChanged, match="while it was copied"):
        copy(folder, journal, file_url(original))
    assert not (folder / "x.tif").exists()


def test_a_search_through_an_archive_can_be_ended(archive: Path) -> None:
    stop = threading.Event()
    stop.set()
    with (
        pytest.raises(TransferCancelled),
        local_files.open_local(member_url(file_url(archive), "c/a b.tif"), stop),
    ):
        pass


async def test_a_file_that_was_moved_is_looked_up_again_in_its_item(queues: Queues, original: Path) -> None:
    catalog = Catalog(str(original.parent / "catalog.json"), Kind.STATIC)
    document = catalog.put("i", file_url(original.parent / "i.json"), data="old.tif", gone="gone.tif")
    requests = requests_for(DocumentOrigin.of(catalog), [document], queues.folder).requests
    catalog.put("i", document.url, data=file_url(original), gone="gone.tif")
    queue = queues.start(OneSource(catalog))
    jobs = await queue.add_many(requests)
    moved, gone = await queue.wait([job.id for job in jobs])
    assert moved.path.read_bytes() == DATA
    assert (gone.state, "gone.tif does not exist" in gone.reason) == (JobState.FAILED, True)


@pytest.mark.usefixtures("plain")
async def test_the_queue_copies_pauses_and_goes_on(
    queues: Queues, original: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = threading.Event()
    chunks = local_files.LocalOriginal.chunks

    def slowly(original: local_files.LocalOriginal, size: int) -> Iterator[bytes]:
        for data in chunks(original, 16 << 10):
            yield data
            gate.wait(0.2)

    monkeypatch.setattr(local_files.LocalOriginal, "chunks", slowly)
    catalog = Catalog(str(original.parent / "catalog.json"), Kind.STATIC)
    document = catalog.put("i", file_url(original.parent / "i.json"), data=original.name.replace("%", "%25"))
    [request] = requests_for(DocumentOrigin.of(catalog), [document], queues.folder).requests
    queue = queues.start(OneSource(catalog))
    job = await queue.add(request)
    async with asyncio.timeout(PATIENCE):
        while not 0 < next(shown.bytes_done for shown in queue.snapshot()) < len(DATA):
            await asyncio.sleep(0.01)
        await queue.pause(job.id)
        [job] = await queue.wait([job.id])
        assert (job.state, job.path.exists()) == (JobState.PAUSED, False)
        gate.set()
        await queue.resume(job.id)
        [job] = await queue.wait([job.id])
    assert (job.state, job.bytes_done) == (JobState.DONE, len(DATA))
    assert job.path == queues.folder / "c" / "i" / "data.tif"
    assert job.path.read_bytes() == DATA
