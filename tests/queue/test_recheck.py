"""A file that is read once more: whole is said with what agrees, damage with what is wrong."""

from __future__ import annotations

import gzip
import hashlib
import os
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from mlhub_tui.queue.job import Job, JobState
from mlhub_tui.queue.library import verify_job
from mlhub_tui.transfer.engine import TransferCancelled

from .support import content, wish

DATA = gzip.compress(os.urandom(3000) * 900, mtime=0)


def finished(folder: Path, data: bytes = DATA, *, sums: bool = True, name: str = "file.tar.gz") -> Job:
    """Return a finished job, and write its file."""
    (folder / name).write_bytes(data)
    known = f"md5:{hashlib.md5(data).hexdigest()} sha-256:{hashlib.sha256(data).hexdigest()}" if sums else ""
    return Job(1, wish(folder), name, JobState.DONE, 1, len(data), len(data), sums=known)


def look(job: Job) -> tuple[tuple[str, ...], str]:
    found = verify_job(job, lambda _: None, threading.Event())
    return found.agrees, found.trouble


def test_a_whole_file_agrees_in_all_that_is_known_of_it(tmp_path: Path) -> None:
    assert look(finished(tmp_path)) == (("size", "MD5", "SHA-256", "gzip CRC"), "")
    assert look(finished(tmp_path, sums=False)) == (("size", "gzip CRC"), "")
    assert look(finished(tmp_path, b"II*\0 no archive", name="B04.tif")) == (("size", "MD5", "SHA-256"), "")


def test_a_flipped_byte_shows_in_the_sum_and_in_gzip_itself(tmp_path: Path) -> None:
    job = finished(tmp_path)
    spoilt = bytearray(DATA)
    spoilt[-6] ^= 1  # in the CRC at the end
    job.path.write_bytes(spoilt)
    assert "gzip" in look(job)[1]
    assert "gzip" in look(replace(job, sums=""))[1]
    other = finished(tmp_path, b"II*\0 no archive", name="B04.tif")
    other.path.write_bytes(b"II*\0 no Archive")
    assert hashlib.md5(b"II*\0 no archive").hexdigest() in look(other)[1]


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda path: path.write_bytes(DATA[:-9]), "it has 19.1 kB, 19.1 kB when"),
        (lambda path: path.write_bytes(DATA + b"x"), "it has 19.1 kB, 19.1 kB when"),
        (lambda path: path.unlink(), "cannot be read"),
        (lambda path: (path.unlink(), path.mkdir()), ""),
    ],
    ids=["cut", "grown", "gone", "a folder"],
)
def test_a_file_that_is_not_the_one_any_more_is_said(tmp_path: Path, damage: object, words: str) -> None:
    job = finished(tmp_path)
    assert callable(damage)
    damage(job.path)
    agrees, trouble = look(job)
    assert (agrees, bool(trouble)) == ((), True)
    assert words in trouble


def test_no_gzip_under_the_name_of_one_is_said_even_where_the_sums_agree(tmp_path: Path) -> None:
    assert "gzip" in look(finished(tmp_path, b"<html>hello</html>"))[1]
    assert "gzip" in look(finished(tmp_path, DATA[: len(DATA) // 2]))[1]


def test_it_tells_how_far_it_is_and_ends_when_it_is_stopped(tmp_path: Path) -> None:
    job, told, stop = finished(tmp_path, content(5 << 20)), [], threading.Event()

    def tell(done: int) -> None:
        told.append(done)
        if len(told) == 2:
            stop.set()

    with pytest.raises(TransferCancelled):
        verify_job(job, tell, stop)
    assert told == [1 << 20, 2 << 20]
