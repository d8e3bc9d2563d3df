"""The small parts: rate and patience, folders, gzip's own check, imports."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from mlhub_tui import fileio
from mlhub_tui.errors import NoSpaceError, OutputFolderError, VerificationFailed
from mlhub_tui.http.errors import QUEUE_RETRIES, RetryPolicy
from mlhub_tui.queue.active_transfer import RateEstimator
from mlhub_tui.queue.run_job import FailureCounter
from mlhub_tui.transfer.content_checks import gzip_whole


def test_a_steady_transfer_has_its_rate_and_eta() -> None:
    meter = RateEstimator(900.0, 5000)
    meter.add(900.5, 5500)
    assert meter.rate == pytest.approx(1000)
    assert meter.eta(34_000) is None, "half a second tells little"
    for second in range(1, 20):
        meter.add(900.0 + second, 5000 + second * 1000)
    assert meter.rate == pytest.approx(1000)
    assert meter.eta(5000 + 29_000) == pytest.approx(10)
    assert meter.eta(5000) == 0, "what is there already takes no time"


def test_the_rate_is_smooth_and_follows() -> None:
    meter, done = RateEstimator(0.0), 0
    for tick in range(1, 40):
        done += 1000 if tick % 2 else 0
        meter.add(tick / 2, done)
    assert meter.rate == pytest.approx(1000, rel=0.15)
    for tick in range(40, 80):
        meter.add(tick / 2, done)
    assert meter.rate is not None
    assert meter.rate < 20
    assert meter.eta(None) is None


def test_starting_over_is_no_negative_rate() -> None:
    meter = RateEstimator(0.0, 10_000)
    meter.add(1.0, 0)
    meter.add(2.0, 500)
    assert meter.rate == pytest.approx(500)


def test_waits_grow_to_their_cap_and_follow_the_server() -> None:
    longest = replace(QUEUE_RETRIES, random=lambda: 1.0)
    assert [longest.delay(failures) for failures in (1, 2, 3, 7, 1000)] == [1, 2, 4, 60, 60]
    assert longest.delay(1, retry_after=90) == 91
    assert longest.delay(1, retry_after=1e9) == longest.longest_wait + 1


def test_retries_are_without_end_unless_it_is_bounded_or_the_answer_makes_no_sense() -> None:
    assert not QUEUE_RETRIES.exhausted(10_000, doubtful=False)
    assert QUEUE_RETRIES.exhausted(4, doubtful=True)
    assert RetryPolicy(tries=3).exhausted(3, doubtful=False)


def test_progress_refills_the_budget_and_a_trickle_does_not() -> None:
    budget = FailureCounter()
    assert [budget.failed(done) for done in (0, 100, 200, 1 << 20, 1 << 20)] == [1, 2, 3, 1, 2]


def test_a_folder_that_is_not_there_yet_is_fine_if_it_can_be_made(tmp_path: Path) -> None:
    fileio.check_writable(tmp_path / "a" / "b")
    assert list(tmp_path.iterdir()) == []
    fileio.make_folder(tmp_path / "a" / "b")
    fileio.check_writable(tmp_path / "a" / "b")


def test_a_file_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputFolderError, match="file is a file, not a folder"):
        fileio.check_writable(tmp_path / "file" / "below")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    with pytest.raises(OutputFolderError, match="link is a link to what does not exist"):
        fileio.check_writable(tmp_path / "link" / "below")


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(OutputFolderError, match="cannot be written: permission denied"):
        fileio.check_writable(tmp_path)


@pytest.mark.skipif(sys.platform != "linux", reason="statvfs")
def test_a_file_system_that_became_read_only_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As ext4 does after an error, and what a cluster mounts for its programs."""
    found = os.statvfs(tmp_path)
    monkeypatch.setattr(os, "statvfs", lambda _: SimpleNamespace(f_flag=found.f_flag | os.ST_RDONLY))
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(OutputFolderError, match="cannot be written: its file system is read-only"):
        fileio.check_writable(tmp_path)


def test_room_is_counted_with_what_is_promised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fileio, "free_space", lambda _: 1000)
    fileio.check_free_space(tmp_path, 600, reserved=400)
    with pytest.raises(
        NoSpaceError, match=r"^600 B are needed; .* 1\.0 kB left, 500 B of it for other transfers$"
    ):
        fileio.check_free_space(tmp_path, 600, reserved=500)


@pytest.mark.parametrize("tail", [b"", bytes(1000), gzip.compress(b"more")], ids=["plain", "padded", "two"])
def test_whole_gzip_is_accepted(tmp_path: Path, tail: bytes) -> None:
    (tmp_path / "x.gz").write_bytes(gzip.compress(os.urandom(3 << 20)) + tail)
    gzip_whole(tmp_path / "x.gz", threading.Event())


@pytest.mark.parametrize("cut", [0, 5, 1000, -1, -8])
def test_cut_gzip_is_not(tmp_path: Path, cut: int) -> None:
    (tmp_path / "x.gz").write_bytes(gzip.compress(os.urandom(10_000))[:cut])
    with pytest.raises(VerificationFailed):
        gzip_whole(tmp_path / "x.gz", threading.Event())


def test_the_queue_is_imported_without_database_client_or_screen() -> None:
    heavy = "'httpx', 'sqlite3', 'pystac', 'textual'"
    code = f"import sys, mlhub_tui.queue.service; print([m for m in ({heavy}) if m in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\n"
