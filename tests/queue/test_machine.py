"""The machine's own faults: disks, folders, names, clocks, signals. The end is a whole file, or a reason."""

from __future__ import annotations

import errno
import os
import signal
import socket
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mlhub_tui import fileio
from mlhub_tui.queue.database import Database
from mlhub_tui.queue.job import JobState
from mlhub_tui.queue.repository import JobRepository
from mlhub_tui.queue.runner import Process
from mlhub_tui.queue.service import QueueService
from mlhub_tui.transfer.config import TransferConfig
from tests.support.fault_server import FaultServer
from tests.support.http_server import Answer
from tests.support.waiting import until, until_sync

from .conftest import DATA, Queues, ended
from .support import ENDLESS, HASTY, QUICK, SLOW, WIDE, Links, content, files, wish
from .test_processes import program


class Disk:
    """A small file system of its own."""

    def __init__(self, path: Path, size: int, inodes: int) -> None:
        self.path = path
        path.mkdir()
        self._mount("-t", "tmpfs", "-o", f"size={size},nr_inodes={inodes}", "tmpfs")

    def _mount(self, *options: str) -> None:
        done = subprocess.run(["mount", *options, str(self.path)], capture_output=True, text=True)
        if done.returncode:
            pytest.skip(f"cannot mount: {done.stderr.strip()}")

    def read_only(self, wanted: bool) -> None:
        """Mount it read-only, or writable again."""
        self._mount("-o", "remount," + ("ro" if wanted else "rw"))

    def fill(self) -> Path:
        """Take all the room that is left."""
        path = self.path / "filler"
        with path.open("wb", buffering=0) as file:
            for piece in (65536, 4096):
                try:
                    while file.write(bytes(piece)):
                        pass
                except OSError as error:
                    assert error.errno == errno.ENOSPC
        return path

    def unmount(self) -> None:
        """Take it away."""
        subprocess.run(["umount", "-l", str(self.path)], check=True)


@pytest.fixture
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Disk]:
    """Return a small disk; its parameter is bytes and inodes."""
    if os.name != "posix" or os.geteuid() != 0:
        pytest.skip("needs root, to mount a small disk")
    size, inodes = getattr(request, "param", (1 << 19, 100))
    disk = Disk(tmp_path / "disk", size, inodes)
    yield disk
    disk.unmount()


@pytest.mark.slow
@pytest.mark.parametrize("tuning", [QUICK, WIDE], ids=["one connection", "many"])
@pytest.mark.parametrize("disk", [(8 << 20, 100)], indirect=True)
async def test_a_disk_full_at_the_part_keeps_what_there_is_and_goes_on_when_there_is_room(
    queues: Queues, disk: Disk, tuning: TransferConfig
) -> None:
    queues.server.content, queues.server.always = content(3 << 20), replace(SLOW, piece=1 << 15)
    queue = queues.start(config=tuning)
    job = await queue.add(wish(disk.path))
    await until(lambda: queue.snapshot()[0].bytes_done > 200_000)
    await until(lambda: tuning is QUICK or queues.server.open > 2)
    filler = disk.fill()
    queues.server.hurry()
    job = await ended(queue, job)
    assert job.state is JobState.NO_SPACE
    assert "no space left" in job.reason
    assert job.bytes_done > 200_000
    filler.unlink()
    assert list(files(disk.path)) == ["file.tar.gz.part"]
    await queue.resume(job.id)
    assert (await ended(queue, job)).path.read_bytes() == queues.server.content
    assert queues.server.ranges[-1] is not None


@pytest.mark.parametrize("disk", [(4 << 20, 2)], indirect=True)
async def test_a_disk_without_room_for_a_second_name_still_gets_the_final_one(
    queues: Queues, disk: Disk
) -> None:
    queue = queues.start()
    job = await ended(queue, await queue.add(wish(disk.path)))
    assert (job.state, files(disk.path)) == (JobState.DONE, {"file.tar.gz": len(DATA)})


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EACCES, errno.EROFS, errno.EIO])
async def test_a_rename_that_fails_keeps_the_whole_part_and_is_done_later_without_fetching(
    queues: Queues, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    def refuse(*_: Any) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(fileio, "_renameat2", lambda: None)
    monkeypatch.setattr(Path, "hardlink_to", refuse)
    monkeypatch.setattr(Path, "rename", refuse)
    queue, job = await queues.fetch()
    full = code == errno.ENOSPC
    assert job.state is (JobState.NO_SPACE if full else JobState.FAILED)
    assert ("no space" if full else os.strerror(code)) in job.reason
    assert files(queues.folder) == {"file.tar.gz.part": len(DATA)}
    monkeypatch.undo()
    await (queue.resume(job.id) if full else queue.retry(job.id))
    assert (await ended(queue, job)).path.read_bytes() == DATA
    assert queues.server.sent <= len(DATA) + (64 << 10)


@pytest.mark.parametrize("disk", [(8 << 20, 100)], indirect=True)
async def test_a_disk_full_in_the_database_is_said_costs_no_file_and_is_made_good_later(
    server: FaultServer, folder: Path, disk: Disk
) -> None:
    server.always = SLOW
    queue = QueueService(disk.path / "queue.db", Links(server.url), retries=HASTY, config=QUICK)
    queue.start()
    try:
        job = await queue.add(wish(folder))
        await until(lambda: queue.snapshot()[0].state is JobState.DOWNLOADING)
        filler = disk.fill()
        server.hurry()
        assert (await ended(queue, job)).path.read_bytes() == DATA
        assert "cannot be written" in queue.notice
        filler.unlink()
        await until(lambda: not queue.notice)
    finally:
        queue.stop(60)
    with sqlite3.connect(disk.path / "queue.db") as connection:
        assert connection.execute("SELECT state FROM jobs").fetchall() == [("done",)]


@pytest.mark.parametrize("left", [0, 300_000])
async def test_a_disk_that_is_full_when_the_queue_is_opened_costs_its_memory_only(
    server: FaultServer, folder: Path, disk: Disk, left: int
) -> None:
    filler = disk.fill()
    os.truncate(filler, filler.stat().st_size - left)
    queue = QueueService(disk.path / "queue.db", Links(server.url), retries=HASTY, config=QUICK)
    queue.start()
    try:
        job = await ended(queue, await queue.add(wish(folder)))
        assert job.path.read_bytes() == DATA
        assert "not saved for the next start" in queue.notice
    finally:
        queue.stop(60)


@pytest.mark.slow
@pytest.mark.parametrize("disk", [(4 << 20, 100)], indirect=True)
async def test_a_folder_made_read_only_fails_with_a_kept_part_and_goes_on_later(
    queues: Queues, disk: Disk
) -> None:
    queues.server.always = SLOW
    queue = queues.start()
    job = await queue.add(wish(disk.path))
    await until(lambda: queue.snapshot()[0].bytes_done > 30_000)
    await queue.pause(job.id)
    await until(lambda: queues.server.open == 0)
    disk.read_only(True)
    queues.server.hurry()
    await queue.resume(job.id)
    failed = await ended(queue, job)
    assert (failed.state, list(files(disk.path))) == (JobState.FAILED, ["file.tar.gz.part"])
    assert "cannot" in failed.reason
    disk.read_only(False)
    await queue.retry(job.id)
    assert (await ended(queue, job)).path.read_bytes() == DATA
    assert queues.server.ranges[-1] is not None


async def test_a_target_that_became_a_folder_meanwhile_is_left_alone_and_the_part_kept(
    queues: Queues,
) -> None:
    queues.server.always = SLOW
    queue, job = await queues.begin()
    await until(lambda: queue.snapshot()[0].state is JobState.DOWNLOADING)
    (queues.folder / "file.tar.gz").mkdir()
    queues.server.hurry()
    failed = await ended(queue, job)
    assert failed.state is JobState.FAILED
    assert "folder" in failed.reason
    assert (queues.folder / "file.tar.gz.part").read_bytes() == DATA
    (queues.folder / "file.tar.gz").rmdir()
    await queue.retry(job.id)
    assert (await ended(queue, job)).path.read_bytes() == DATA


async def test_a_name_that_stops_resolving_is_tried_again_and_goes_on_where_it_stopped(
    queues: Queues, monkeypatch: pytest.MonkeyPatch
) -> None:
    look_up, down = socket.getaddrinfo, False

    def resolver(host: Any, *rest: Any, **named: Any) -> Any:
        if host in ("store.example", b"store.example"):
            if down:
                raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
            host = "127.0.0.1"
        return look_up(host, *rest, **named)

    monkeypatch.setattr(socket, "getaddrinfo", resolver)
    monkeypatch.setenv("NO_PROXY", "store.example")
    queues.server.script.append(replace(SLOW, after=len(DATA) // 2))
    queue = queues.start(Links(queues.server.url.replace("127.0.0.1", "store.example")), retries=ENDLESS)
    job = await queue.add(queues.wish())
    await until(lambda: queue.snapshot()[0].state is JobState.DOWNLOADING)
    down = True
    queues.server.hurry()
    await until(lambda: queue.snapshot()[0].state is JobState.RETRYING and queue.snapshot()[0].tries > 2)
    assert "store.example" in queue.snapshot()[0].reason
    assert queue.snapshot()[0].next_try is not None
    down = False
    assert (await ended(queue, job)).path.read_bytes() == DATA
    assert queues.server.ranges[-1] is not None


@pytest.mark.parametrize("jump", [-86_400.0, 86_400.0], ids=["back", "forward"])
async def test_a_clock_that_jumps_neither_holds_up_a_retry_nor_takes_a_job_away(
    queues: Queues, monkeypatch: pytest.MonkeyPatch, jump: float
) -> None:
    queues.server.script.append(Answer(after=len(DATA) // 2))
    queues.server.script.append(Answer(status=503))
    real, offset = time.time, 0.0
    monkeypatch.setattr(time, "time", lambda: real() + offset)
    queue, job = await queues.begin()
    await until(lambda: len(queues.server.gets) > 0)
    offset = jump
    assert (await ended(queue, job)).path.read_bytes() == DATA


@pytest.mark.parametrize("jump", [-86_400.0, 86_400.0], ids=["back", "forward"])
def test_a_clock_that_jumps_does_not_make_a_living_program_look_dead(tmp_path: Path, jump: float) -> None:
    now = 1e9
    one = JobRepository(Database(tmp_path / "queue.db"), clock=lambda: now)
    two = JobRepository(Database(tmp_path / "queue.db"), clock=lambda: now)
    one.add([wish(tmp_path)])
    now += jump
    assert two.adopt() == []
    assert two.load()[0].elsewhere


def test_of_a_program_on_another_machine_only_the_heartbeat_tells(tmp_path: Path) -> None:
    now = 1e9
    far = JobRepository(
        Database(tmp_path / "queue.db"), identity=Process(1, "elsewhere", ""), clock=lambda: now
    )
    far.add([wish(tmp_path)])
    near = JobRepository(Database(tmp_path / "queue.db"), clock=lambda: now)
    assert near.adopt() == []
    now += 3600
    assert [job.name for job in near.adopt()] == ["file.tar.gz"]


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="needs signals")
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
@pytest.mark.parametrize("wide", [False, True], ids=["one connection", "many"])
def test_a_program_told_to_end_records_every_byte(
    server: FaultServer, tmp_path: Path, mlhub_home: Path, name: str, wide: bool
) -> None:
    server.content = DATA * 3
    server.always = Answer(piece=8192, pace=0.2 if wide else 0.04)
    folder = tmp_path / "out"
    told = program(mlhub_home, server, folder, "file", wide=wide)
    until_sync(lambda: server.sent > len(DATA) // 2)
    told.send_signal(getattr(signal, name))
    told.communicate(timeout=60)
    assert told.returncode == 0
    with sqlite3.connect(mlhub_home / "queue.db") as connection:
        [(synced, more)] = connection.execute("SELECT synced, extents FROM parts").fetchall()
        assert connection.execute("SELECT state, runner FROM jobs").fetchall() == [("queued", None)]
    status = (folder / "file.tar.gz.part").stat()
    if wide:
        assert more
        assert status.st_size > len(server.content)
    else:
        assert (synced, more) == (status.st_size, "")
