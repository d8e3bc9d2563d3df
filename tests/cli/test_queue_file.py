"""A queue whose file cannot be used: every command says so, and the file stays as it is."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import Command, Run

LABELS = "ref_african_crops_kenya_02_labels"
Spoil = Callable[[Path], object]
COMMANDS = [
    ("queue", "list"),
    ("queue", "list", "--json"),
    ("queue", "run", "--until-empty"),
    ("queue", "run", "--detach"),
    ("--sample", "queue", "add", LABELS),
    ("queue", "pause"),
    ("queue", "cancel", "--yes"),
    ("queue", "clear"),
    ("queue", "verify"),
    ("queue", "log", "1"),
    ("queue", "limit", "5M"),
    ("--sample", "download", "archives", LABELS),
]


def _empty(path: Path) -> None:
    """Leave a file of no bytes; what was written last is still in SQLite's journal beside it."""
    path.with_name("queue.db-wal").write_bytes(path.read_bytes())
    path.write_bytes(b"")


def _newer(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()


def _another_program(path: Path) -> None:
    path.unlink()
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE moz_places (id INTEGER)")
        connection.execute("PRAGMA user_version = 3")
    connection.close()


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _link(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.parent / "not mounted" / "queue.db")


def _lost(path: Path) -> None:
    path.rename(path.with_name("queue.db-wal"))


SPOILT: dict[str, tuple[Spoil, str]] = {
    "garbage": (lambda path: path.write_bytes(b"this is no database\n" * 500), "not a database"),
    "empty": (_empty, "is empty"),
    "torn": (lambda path: os.truncate(path, path.stat().st_size - 4096), "damaged"),
    "header": (lambda path: os.truncate(path, 50), "damaged"),
    "newer": (_newer, "newer version"),
    "another program's": (_another_program, "another program"),
    "folder": (_folder, "is a folder"),
    "link to nowhere": (_link, "not mounted"),
    "its journal alone": (_lost, "is missing"),
}


def content(folder: Path) -> dict[str, object]:
    """Return what is in a folder, but for what SQLite leaves behind when it reads."""
    return {
        entry.name: entry.readlink() if entry.is_symlink() else entry.is_dir() or entry.read_bytes()
        for entry in folder.iterdir()
        if not entry.name.endswith("-shm") and (entry.suffix != ".db-wal" or entry.stat().st_size)
    }


@pytest.fixture
def queue(run: Run, mlhub_home: Path, tmp_path: Path) -> Path:
    """The file of a queue with a job in it."""
    assert run("--sample", "queue", "add", LABELS, "--output-dir", tmp_path).exit_code == 0
    return mlhub_home / "queue.db"


@pytest.mark.slow
@pytest.mark.parametrize("kind", SPOILT)
def test_every_command_names_a_file_that_cannot_be_used_and_leaves_it_as_it_is(
    kind: str, queue: Path, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    spoil, words = SPOILT[kind]
    spoil(queue)
    before = content(queue.parent)
    for command in COMMANDS:
        result = run(*command)
        assert result.exit_code == 1, (command, result.output)
        assert result.stdout == ""
        first, hint = result.stderr.splitlines()
        assert str(queue) in first, command
        assert words in first, command
        assert "MLHUB_HOME" in hint
    assert content(queue.parent) == before
    report = run("doctor", "--offline", "--json")
    found = [entry for entry in json.loads(report.stdout) if entry["part"] == "queue"]
    assert [entry["state"] for entry in found] == ["wrong"]
    assert words in found[0]["value"]
    assert content(queue.parent) == before


def test_a_file_that_was_renamed_as_the_message_says_makes_room_for_an_empty_queue(
    queue: Path, run: Run
) -> None:
    _empty(queue)
    told = run("queue", "list").stderr
    assert "rename queue.db and queue.db-wal" in told
    for name in ("queue.db", "queue.db-wal"):
        (queue.parent / name).rename(queue.parent / f"{name}.old")
    assert run.json("queue", "list") == []
    assert run("queue", "run", "--until-empty").exit_code == 0
    assert (queue.parent / "queue.db-wal.old").stat().st_size


def test_a_copy_of_the_file_put_back_has_the_jobs(queue: Path, run: Run) -> None:
    copy = shutil.copy(queue, queue.with_name("copy"))
    queue.write_bytes(b"")
    assert run("queue", "list").exit_code == 1
    shutil.copy(copy, queue)
    assert len(run.json("queue", "list")) == 1


@pytest.mark.parametrize(("name", "mode"), [("queue.db", 0o000), ("queue.db", 0o400), (".", 0o500)])
def test_a_file_that_may_not_be_read_or_written_is_named(name: str, mode: int, queue: Path, run: Run) -> None:
    place = queue.parent / name
    before = place.stat().st_mode
    place.chmod(mode)
    try:
        if os.access(place, os.W_OK):
            pytest.skip("root may write whatever the mode says")
        for command in (("queue", "list"), ("queue", "run", "--until-empty"), ("queue", "pause")):
            result = run(*command, code=1)
            assert str(queue) in result.stderr
    finally:
        place.chmod(before)
    assert len(run.json("queue", "list")) == 1


def test_a_home_that_cannot_be_made_stops_the_queue_and_not_a_download(run: Run, mlhub_home: Path) -> None:
    mlhub_home.write_text("")  # a file where the folder should be
    for command in (("--sample", "queue", "run", "--until-empty"), ("--sample", "queue", "add", LABELS)):
        result = run(*command, code=1)
        assert str(mlhub_home) in result.stderr
    result = run("--sample", "download", "archives", LABELS, "--output-dir", run.folder / "out", code=0)
    assert "not saved for the next start" in result.stderr
    assert (run.folder / "out" / f"{LABELS}.tar.gz").stat().st_size


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a folder in which nobody can make one")
def test_where_the_home_cannot_be_written_downloads_work_after_one_warning(
    command: Command, tmp_path: Path
) -> None:
    home = {"MLHUB_HOME": "/proc/mlhub-home"}
    assert command("--sample", "list", "datasets", **home).returncode == 0
    for arguments, found in (
        (("archives", LABELS), f"{LABELS}.tar.gz"),
        (("dataset", "ref_african_crops_kenya_02", "--collection", f"{LABELS}=labels"), "labels.tif"),
    ):
        out = tmp_path / arguments[0]
        done = command("--sample", "download", *arguments, "--output-dir", str(out), **home)
        assert done.returncode == 0, done.stderr
        assert list(out.rglob(found))
        assert done.stderr.count("transfers are not saved for the next start") == 1
        assert "set MLHUB_HOME to another folder" in done.stderr
    refused = command("--sample", "queue", "add", LABELS, **home)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "/proc/mlhub-home/queue.db" in refused.stderr
