"""`mlhub-tui queue`: one queue for the app and the command line, run by whoever runs it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tarfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mlhub_tui.auth import Credentials
from mlhub_tui.cli.queue_run import open_log
from mlhub_tui.planning.requests import ArchiveRequest
from mlhub_tui.queue import background
from mlhub_tui.queue.client import QueueClient
from mlhub_tui.queue.database import Database
from mlhub_tui.queue.repository import JobRepository
from mlhub_tui.queue.runner import RunnerKind
from mlhub_tui.sample.server import SampleServer
from tests.support.waiting import until_sync

from .conftest import Command, Run, command_line

LABELS = "ref_african_crops_kenya_02_labels"
UGANDA = "ref_african_crops_uganda_01_labels"
SOURCE = "umd_mali_crop_type_source"
posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")


@pytest.fixture
def runner() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start `queue run` in a process of its own, which ends with the test."""
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            command_line("queue", "run", *arguments),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=_hear_hangups if os.name == "posix" else None,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


def _hear_hangups() -> None:
    """Take SIGHUP as in a terminal: under `nohup` it is ignored, and what a test starts inherits that."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def jobs(run: Run) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = run.json("queue", "list")
    return listed


def grown(path: Path, size: int = 200_000) -> Callable[[], bool]:
    return lambda: path.exists() and path.stat().st_size > size


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    # It may be a child of this process that nobody has waited for.
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"


def test_what_is_added_is_listed_run_and_cleared(run: Run, on_sample: SampleServer, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    added = run("queue", "add", LABELS, UGANDA, LABELS, "--output-dir", folder, code=0)
    assert [line.split("\t")[1] for line in added.stdout.splitlines()] == ["queued", "queued"]
    assert "nothing runs the queue now" in added.stderr
    first, second = jobs(run)
    assert (first["name"], first["state"], first["error"]) == (f"{LABELS}.tar.gz", "queued", None)
    assert {"id", "bytes_done", "bytes_total", "path"} <= first.keys()
    done = run("queue", "run", "--until-empty", code=0)
    assert sorted(done.stdout.splitlines()) == sorted([first["path"], second["path"]])
    for job in jobs(run):
        assert (job["state"], job["bytes_done"]) == ("done", job["bytes_total"])
        assert tarfile.is_tarfile(job["path"])
    table = run("queue", "list").stdout.splitlines()
    assert table[0].split()[:3] == ["ID", "NAME", "STATE"]
    assert len(table) == 3
    assert run("queue", "clear", second["id"]).exit_code == 0
    assert [job["id"] for job in jobs(run)] == [first["id"]]
    assert run("queue", "clear").exit_code == 0
    assert jobs(run) == []
    assert Path(second["path"]).exists()


def test_an_empty_queue_is_an_empty_array_and_makes_no_file(run: Run, mlhub_home: Path) -> None:
    assert jobs(run) == []
    assert "empty" in run("queue", "list").stderr
    assert not mlhub_home.exists()
    assert run("queue", "run", "--until-empty").exit_code == 0


def test_verbs_act_on_what_nobody_runs_and_say_what_they_cannot(run: Run, on_sample: SampleServer) -> None:
    run("queue", "add", LABELS, UGANDA, "--output-dir", run.folder)
    one, two = (str(job["id"]) for job in jobs(run))
    assert run("queue", "pause").exit_code == 0
    assert {job["state"] for job in jobs(run)} == {"paused"}
    again = run("queue", "pause", one, "99", code=1)
    assert f"job {one} is paused: pause does not apply" in again.stderr
    assert "there is no job 99" in again.stderr
    assert run("queue", "resume", one).stdout.split("\t")[:2] == [one, "queued"]
    assert run("queue", "retry", one).exit_code == 1
    assert run("queue", "retry").exit_code == 0, "nothing it applies to is no failure"
    asked = run("queue", "cancel", one, input="n\n")
    assert (asked.exit_code, jobs(run)[0]["state"]) == (1, "queued")
    assert run("queue", "cancel", one, input="y\n").exit_code == 0
    assert run("queue", "cancel", "--yes").exit_code == 0
    assert {job["state"] for job in jobs(run)} == {"cancelled"}
    assert run("queue", "cancel", one, "--yes").exit_code == 1
    assert run("queue", "retry", two).exit_code == 0
    assert run("queue", "clear", two).exit_code == 1
    assert run("queue", "pause", "x").exit_code == 2


def test_a_key_that_will_not_be_found_is_said_and_never_kept(
    run: Run, sample: SampleServer, tmp_path: Path, mlhub_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ("queue", "add", LABELS, "--output-dir", str(tmp_path), "--root-url", sample.root_url)
    secret = "SECRET-KEY-0123456789"
    given = run(*arguments, "--api-key", secret)
    assert "the key (--api-key argument) is not saved with the queue" in given.stderr
    assert "there is no API key" in run(*arguments).stderr
    monkeypatch.setenv("MLHUB_API_KEY", secret)
    assert "MLHUB_API_KEY" in run(*arguments).stderr
    monkeypatch.delenv("MLHUB_API_KEY")
    profile = f"[mine]\napi_key = {secret}\nroot_url = {sample.root_url}\n"
    (mlhub_home / "profiles").write_text(profile)
    kept = run(*arguments, "--profile", "mine")
    assert "not kept" not in kept.stderr
    other = run("queue", "add", LABELS, "--profile", "mine", "--root-url", "http://127.0.0.1:9/mlhub/v1/")
    assert "is not that of profile mine" in other.stderr
    assert not any(
        secret.encode() in path.read_bytes() for path in mlhub_home.iterdir() if path.name != "profiles"
    )


def test_a_profiles_key_is_found_when_the_job_runs(run: Run, sample: SampleServer, mlhub_home: Path) -> None:
    mlhub_home.mkdir()
    (mlhub_home / "profiles").write_text(f"[mine]\napi_key = {sample.key}\nroot_url = {sample.root_url}\n")
    run("queue", "add", LABELS, "--profile", "mine", "--output-dir", run.folder)
    run("queue", "run", "--until-empty", code=0)


def test_one_that_failed_makes_the_exit_code_and_the_others_arrive(run: Run, on_sample: SampleServer) -> None:
    run("queue", "add", "nowhere", LABELS, "--output-dir", run.folder)
    done = run("queue", "run", "--until-empty")
    assert (done.exit_code, done.stdout) == (1, f"{run.folder / LABELS}.tar.gz\n")
    failed = jobs(run)[0]
    assert failed["state"] == "failed"
    assert "nowhere" in failed["error"]
    assert run("queue", "run", "--until-empty").exit_code == 0, "old news is no failure of this run"


def test_a_job_without_its_key_waits_for_one(run: Run, sample: SampleServer, tmp_path: Path) -> None:
    where = ("--root-url", sample.root_url)
    run("queue", "add", LABELS, "--output-dir", tmp_path, *where)
    assert run("queue", "run", "--until-empty", *where).exit_code == 3
    assert jobs(run)[0]["state"] == "needs a key"
    assert run("queue", "run", "--until-empty", "--api-key", sample.key, *where).exit_code == 0


def test_jobs_of_the_sample_catalogue_bring_their_own_server(command: Command, tmp_path: Path) -> None:
    assert command("queue", "add", LABELS, "--sample", "--output-dir", str(tmp_path)).returncode == 0
    done = command("queue", "run", "--until-empty")
    assert (done.returncode, done.stdout) == (0, f"{tmp_path / LABELS}.tar.gz\n"), done.stderr


@pytest.mark.slow
@posix
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_signal_stops_a_runner_and_the_next_one_goes_on(
    number: int, code: int, run: Run, slow: SampleServer, tmp_path: Path, runner: Any
) -> None:
    run("queue", "add", SOURCE, "--output-dir", tmp_path)
    process = runner()
    part = tmp_path / f"{SOURCE}.tar.gz.part"
    until_sync(grown(part))
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    slow.store.rate = None
    assert (process.returncode, out) == (code, "")
    assert "stopped: the progress of 1 transfer is saved" in err
    assert "Traceback" not in err
    [job] = jobs(run)
    assert (job["state"], job["runs"]) == ("queued", None)
    assert job["bytes_done"] > 0
    slow.store.requests.clear()
    assert run("queue", "run", "--until-empty").exit_code == 0
    assert any(request.range for request in slow.store.requests)
    assert tarfile.is_tarfile(job["path"])


@pytest.mark.slow
@posix
def test_commands_reach_a_runner_in_another_process(run: Run, slow: SampleServer, runner: Any) -> None:
    process = runner()
    run("queue", "add", SOURCE, "--output-dir", run.folder)
    part = run.folder / f"{SOURCE}.tar.gz.part"
    until_sync(grown(part))
    until_sync(lambda: jobs(run)[0]["bytes_done"] > 0 and jobs(run)[0]["rate"])
    [job] = jobs(run)
    assert (job["state"], job["runs"]) == ("downloading", f"by `queue run`, pid {process.pid}")
    paused = run("queue", "pause", job["id"])
    assert paused.stdout.split("\t")[1:2] == ["paused"], paused.output
    cancelled = run("queue", "cancel", "--yes")
    assert cancelled.stdout.split("\t")[1:2] == ["cancelled"], (cancelled.output, jobs(run))
    assert not part.exists()
    assert process.poll() is None


@pytest.mark.slow
@posix
def test_a_killed_runner_is_succeeded_and_no_file_has_two_writers(
    run: Run, slow: SampleServer, tmp_path: Path, runner: Any
) -> None:
    run("queue", "add", SOURCE, LABELS, UGANDA, "--output-dir", tmp_path)
    one = runner("--until-empty")
    until_sync(grown(tmp_path / f"{SOURCE}.tar.gz.part"))
    two = runner()
    slow.store.rate = None
    one.kill()
    one.communicate()
    until_sync(lambda: {job["state"] for job in jobs(run)} == {"done"})
    two.terminate()
    out, _ = two.communicate()
    assert f"{tmp_path / SOURCE}.tar.gz" in out
    with SampleServer(rate=None) as whole:
        os.environ["MLHUB_ROOT_URL"] = whole.root_url  # put back by the fixture that set it
        expected = tmp_path / "expected"
        assert run("download", SOURCE, LABELS, UGANDA, "--output-dir", expected).exit_code == 0
    for name in (SOURCE, LABELS, UGANDA):
        fetched, right = (folder / f"{name}.tar.gz" for folder in (tmp_path, expected))
        assert fetched.read_bytes() == right.read_bytes()
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.slow
@posix
def test_a_detached_runner_survives_a_hang_up_and_ends_by_itself(
    run: Run, on_sample: SampleServer, tmp_path: Path, mlhub_home: Path
) -> None:
    run("queue", "add", SOURCE, "--output-dir", tmp_path)
    run("queue", "limit", "20k")  # so that it lasts until all is looked at
    started = run("queue", "run", "--detach", code=0)
    pid = int(started.stderr.split("pid ")[1].split()[0])
    assert os.getsid(pid) == pid != os.getsid(0)
    arguments = Path(f"/proc/{pid}/cmdline").read_bytes() if Path("/proc").is_dir() else b""
    assert on_sample.key.encode() not in arguments.split(b"\0")
    again = run("queue", "run", "--detach")
    assert f"pid {pid}" in again.stderr, "one is enough"
    os.kill(pid, signal.SIGHUP)
    until_sync(lambda: jobs(run)[0]["runs"] == f"in the background, pid {pid}")
    run("queue", "limit", "off")
    until_sync(lambda: jobs(run)[0]["state"] == "done")
    until_sync(lambda: gone(pid))
    log = mlhub_home / "log" / "queue.log"
    words = log.read_text()
    assert f"done {SOURCE}.tar.gz" in words
    assert "ends with 0" in words
    assert log.stat().st_mode & 0o077 == 0


def test_the_environment_of_a_background_runner_leads_to_the_same_credentials() -> None:
    root = "https://api.example.org/mlhub/v1/"
    environ = {"MLHUB_API_KEY": "other", "MLHUB_PROFILE": "p", "MLHUB_HOME": "home", "PATH": "/bin"}
    from_argument = background.environment(Credentials("secret", root, None, "--api-key argument"), environ)
    assert (from_argument["MLHUB_API_KEY"], from_argument["MLHUB_ROOT_URL"]) == ("secret", root)
    assert "MLHUB_PROFILE" not in from_argument
    from_profile = background.environment(Credentials("secret", root, "mine", "profile mine"), environ)
    assert (from_profile["MLHUB_PROFILE"], from_profile["MLHUB_ROOT_URL"]) == ("mine", root)
    assert "secret" not in from_profile.values()
    assert "MLHUB_API_KEY" not in from_profile
    as_it_is = background.environment(None, environ)
    assert (as_it_is["MLHUB_API_KEY"], as_it_is["PATH"]) == ("other", "/bin")
    assert as_it_is["MLHUB_HOME"] == str(Path.cwd() / "home"), "it runs in another folder"


def test_the_log_of_the_background_has_no_keys(mlhub_home: Path) -> None:
    secret = "SECRET-KEY-0123456789"
    with open_log(secret) as log:
        log.info(f"asked https://x/?key={secret}&a=1\nthen {secret}\x1b[1m %s")
    lines = (mlhub_home / "log" / "queue.log").read_text().splitlines()
    assert len(lines) == 3
    assert "SECRET" not in "".join(lines)
    assert lines[2] == "    then ****[1m %s"


@posix
def test_a_background_runner_that_cannot_start_says_so(
    monkeypatch: pytest.MonkeyPatch, mlhub_home: Path
) -> None:
    monkeypatch.setattr(sys, "executable", str(mlhub_home / "nothing"))
    with pytest.raises(background.BackgroundError):
        background.start(None)
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(background.BackgroundError, match="ended at once"):
        background.start(None)


def test_settings_are_shown_changed_and_kept(run: Run) -> None:
    assert run.json("queue", "set") == {"limit": None, "transfers": 2, "per_host": 4, "connections": 8}
    assert "5.0 MB/s" in run("queue", "limit", "5M").stdout
    assert run("queue", "set", "--transfers", "3", "--connections", "1").exit_code == 0
    shown = run.json("queue", "limit")
    assert shown == {"limit": 5_000_000, "transfers": 3, "per_host": 4, "connections": 1}
    assert run.json("queue", "limit", "off")["limit"] is None


@pytest.mark.parametrize(
    "arguments",
    [["limit", "fast"], ["limit", "-1"], ["set", "--transfers", "0"], ["set", "--limit", "5 apples"]],
)
def test_a_setting_that_makes_no_sense_is_a_usage_error(
    run: Run, mlhub_home: Path, arguments: list[str]
) -> None:
    assert run("queue", *arguments).exit_code == 2
    assert not (mlhub_home / "queue.db").exists()


def test_a_queue_on_a_disk_that_is_not_mounted_is_not_called_empty(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "home").symlink_to(tmp_path / "unmounted")
    monkeypatch.setenv("MLHUB_HOME", str(tmp_path / "home"))
    result = run("queue", "list")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "home is a link to what does not exist" in result.stderr


def test_finished_files_are_verified_and_a_damaged_one_is_found(run: Run, on_sample: SampleServer) -> None:
    assert "nothing to verify" in run("queue", "verify").stderr
    assert run("queue", "add", LABELS, UGANDA, "--output-dir", run.folder).exit_code == 0
    assert "job 1 is queued" in run("queue", "verify", "1").stderr
    assert run("queue", "run", "--until-empty").exit_code == 0
    good = run("queue", "verify", code=0)
    assert good.stdout.splitlines()[0] == f"1\twhole: size, MD5, gzip CRC\t{run.folder / LABELS}.tar.gz"
    archive = run.folder / f"{UGANDA}.tar.gz"
    spoilt = bytearray(archive.read_bytes())
    spoilt[len(spoilt) // 2] ^= 1
    archive.write_bytes(spoilt)
    bad = run("queue", "verify", "1", "2", "9", "--json", code=1)
    assert [bool(found["error"]) for found in json.loads(bad.stdout)] == [False, True]
    assert "there is no job 9" in bad.stderr
    assert "overwrite" in run("queue", "verify", "2").stderr


@pytest.mark.slow
def test_until_empty_waits_for_what_another_program_runs_too(
    runner: Callable[..., subprocess.Popen[str]], run: Run, on_sample: SampleServer, tmp_path: Path
) -> None:
    assert run("queue", "add", SOURCE, "--output-dir", tmp_path).exit_code == 0
    run("queue", "limit", "20k")  # so that it lasts until the other one has seen it, however late that starts
    first = runner("--until-empty")
    until_sync(lambda: '"downloading"' in run("queue", "list", "--json").stdout)
    second = runner("--until-empty")
    assert second.stderr is not None
    assert f"by `queue run`, pid {first.pid}" in second.stderr.readline()
    run("queue", "limit", "off")
    out, _ = second.communicate(timeout=60)
    assert (out, second.returncode) == ("", 0)
    assert (tmp_path / f"{SOURCE}.tar.gz").exists()
    assert first.communicate(timeout=60)[0] == f"{tmp_path / SOURCE}.tar.gz\n"


def test_a_key_that_a_running_background_program_does_not_know_is_said(mlhub_home: Path) -> None:
    there = JobRepository(Database(mlhub_home / "queue.db"), kind=RunnerKind.BACKGROUND)
    typed = Credentials("0123456789abcdef", "https://mlhub.example.org/v1/", None, "MLHUB_API_KEY")
    started = background.start(typed)
    assert started.pid == os.getpid()
    assert "MLHUB_API_KEY" in started.note
    assert "cdef" not in started.note
    stored = Credentials("0123456789abcdef", "https://mlhub.example.org/v1/", "team", "profile team")
    assert background.start(stored) == (os.getpid(), "")
    there.leave()


@posix
def test_a_background_program_that_is_about_to_end_is_not_relied_on(mlhub_home: Path, tmp_path: Path) -> None:
    ending = JobRepository(Database(mlhub_home / "queue.db"), kind=RunnerKind.BACKGROUND)
    with QueueClient(mlhub_home / "queue.db") as client:
        client.add([ArchiveRequest("http://127.0.0.1:9/", None, "c", tmp_path)])
    end = threading.Timer(0.5, ending.leave)
    end.start()
    pid = background.start(None).pid
    end.join()
    assert pid != os.getpid(), "what was just added is not taken over by it"
    os.kill(pid, signal.SIGTERM)
    until_sync(lambda: gone(pid))
