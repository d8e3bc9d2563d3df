"""The main job, from the first screen to the archive on disk."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from mlhub_tui.sample.server import SampleServer

from .conftest import Starter, is_whole

pytestmark = pytest.mark.terminal

COLLECTION = "ref_african_crops_kenya_02_labels"


def test_from_the_sample_catalogue_to_an_archive_on_disk(
    start: Starter, out: Path, sample: SampleServer
) -> None:
    terminal = start("--sample")
    terminal.until("BigEarthNet")
    terminal.press("/")
    terminal.press("kenya_02_lab")
    terminal.until("CV4A Kenya")
    terminal.press("\r")
    terminal.until(COLLECTION)
    terminal.press("\r")
    terminal.until("Overview")
    terminal.press("d")
    terminal.until("If it exists")
    terminal.press("\r")
    terminal.until("queued")
    terminal.press("2")
    terminal.until(lambda: "done" in terminal.text and (out / f"{COLLECTION}.tar.gz").exists())
    terminal.press("q")
    terminal.end()
    assert terminal.status == 0
    assert not terminal.left_over
    assert terminal.line_is_restored
    tail = terminal.raw.rpartition(b"\x1b[?1049l")[2]
    assert not tail.replace(b"\x1b[?", b"").translate(None, b"0123456789hl"), "nothing is said after the end"

    assert [path.name for path in out.iterdir()] == [f"{COLLECTION}.tar.gz"]
    assert is_whole(out / f"{COLLECTION}.tar.gz", sample)
    with tarfile.open(out / f"{COLLECTION}.tar.gz") as archive:
        assert sum(member.isfile() for member in archive) > 10


def test_without_profiles_the_first_screen_is_profiles(start: Starter) -> None:
    terminal = start()
    terminal.until("sample catalog")
    assert "no profile" in terminal.text.lower() or "key" in terminal.text.lower()
    terminal.press("\r")
    terminal.until("BigEarthNet")
    terminal.press("q")
    terminal.end()
    assert terminal.status == 0
