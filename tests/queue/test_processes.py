"""Programs that are killed, and several at once: nothing is lost, no file has two writers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlhub_tui.queue.job import JobState
from mlhub_tui.queue.service import QueueService
from tests.support.fault_server import FaultServer
from tests.support.http_server import Answer
from tests.support.waiting import PATIENCE, until_sync

from .support import HASTY, QUICK, SLOW, Links, content, files

ROOT = Path(__file__).parent.parent.parent
DATA = content(3 << 20)


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer(DATA) as server:
        yield server


def program(
    home: Path, server: FaultServer, folder: Path, *names: str, wide: bool = False
) -> subprocess.Popen[str]:
    """Start a program and wait until it has queued what it is to fetch."""
    options = ["--wide"] if wide else []
    command = [sys.executable, "-m", "tests.queue.program", str(home), server.url, str(folder)]
    started = subprocess.Popen(
        [*command, *options, *names],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert started.stdout is not None
    assert started.stdout.readline() == "started\n"
    return started


def test_two_programs_at_one_target_fetch_it_once(
    server: FaultServer, tmp_path: Path, mlhub_home: Path
) -> None:
    server.always = Answer(pace=0.02)
    one, two = (program(mlhub_home, server, tmp_path / "out", "file") for _ in range(2))
    out, _ = one.communicate(timeout=PATIENCE)
    assert out == "['done']\n"
    out, _ = two.communicate(timeout=PATIENCE)
    assert out == "['done']\n"
    assert (tmp_path / "out" / "file.tar.gz").read_bytes() == DATA
    assert len(server.gets) == 1


def test_two_programs_with_different_queues_do_not_mix_their_bytes(
    server: FaultServer, tmp_path: Path
) -> None:
    server.shared_pace = 0.1  # until the other one has given up, however slowly it starts
    folder = tmp_path / "out"
    one = program(tmp_path / "h1", server, folder, "file")
    until_sync((folder / "file.tar.gz.part").exists)  # from here on it is the first one's
    two = program(tmp_path / "h2", server, folder, "file")
    assert two.communicate(timeout=PATIENCE)[0] == "['failed']\n"
    server.shared_pace = 0.0
    assert one.communicate(timeout=PATIENCE)[0] == "['done']\n"
    assert (folder / "file.tar.gz").read_bytes() == DATA


@pytest.mark.slow
def test_what_a_killed_program_was_at_goes_on_in_the_next_one(
    server: FaultServer, tmp_path: Path, mlhub_home: Path
) -> None:
    server.always = SLOW
    victim = program(mlhub_home, server, tmp_path / "out", "file")
    heir = program(mlhub_home, server, tmp_path / "out", "other")
    victim.send_signal(signal.SIGKILL)
    victim.communicate()
    server.hurry()
    out, _ = heir.communicate(timeout=PATIENCE)
    assert "done" in out
    queue = QueueService(mlhub_home / "queue.db", Links(server.url), retries=HASTY, config=QUICK)
    queue.start()
    until_sync(lambda: {job.state for job in queue.snapshot()} == {JobState.DONE}, queue.snapshot)
    queue.stop(60)
    assert sorted(files(tmp_path / "out")) == ["file.tar.gz", "other.tar.gz"]
