"""`mlhub-tui download`: the engine of the app without the app."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from mlhub_tui.sample.server import SampleServer
from tests.support.waiting import until_sync

from .conftest import Command, Run, command_line

LABELS = "ref_african_crops_kenya_02_labels"
SOURCE = "umd_mali_crop_type_source"
UGANDA = "ref_african_crops_uganda_01_labels"


def test_archives_arrive_whole_and_only_their_paths_are_on_stdout(run: Run, on_sample: SampleServer) -> None:
    folder = run.folder / "new" / "folder"
    result = run("download", LABELS, UGANDA, LABELS, "--output-dir", folder, code=0)
    paths = sorted(folder / f"{name}.tar.gz" for name in (LABELS, UGANDA))
    assert sorted(map(Path, result.stdout.splitlines())) == paths
    assert sorted(folder.iterdir()) == paths
    for path in paths:
        with tarfile.open(path) as archive:
            assert archive.getnames()
    assert result.stderr == "", "no progress without a terminal"
    again = run("download", LABELS, "--output-dir", folder, "--if-exists", "overwrite", "--verbose")
    assert f"done {LABELS}.tar.gz" in again.stderr


def test_the_current_folder_is_the_default_and_the_option_may_come_first(
    run: Run, on_sample: SampleServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("download", LABELS).stdout == f"{tmp_path / LABELS}.tar.gz\n"
    assert run("--output-dir", "sub", "download", LABELS).exit_code == 0
    assert (tmp_path / "sub" / f"{LABELS}.tar.gz").is_file()


def test_a_file_that_is_there_is_kept_or_overwritten_as_asked(run: Run, on_sample: SampleServer) -> None:
    path = run.folder / f"{LABELS}.tar.gz"
    path.write_bytes(b"mine")
    arguments = ("download", LABELS, "--output-dir", str(run.folder), "--if-exists")
    assert run(*arguments, "skip").stdout == f"{path}\n"
    assert path.read_bytes() == b"mine"
    assert run(*arguments, "overwrite").exit_code == 0
    whole = path.read_bytes()
    assert len(whole) > 1000
    os.utime(path, (1, 1))
    assert run(*arguments, "resume").exit_code == 0
    assert (path.read_bytes(), path.stat().st_mtime) == (whole, 1)


def test_one_that_does_not_exist_is_named_and_the_others_go_on(run: Run, on_sample: SampleServer) -> None:
    result = run("download", "nowhere", LABELS, "--output-dir", run.folder, code=1)
    assert "nowhere" in result.stderr
    assert result.stdout == f"{run.folder / LABELS}.tar.gz\n"
    assert [entry.name for entry in run.folder.iterdir() if entry.is_file()] == [f"{LABELS}.tar.gz"]


def test_no_key_and_a_refused_key_are_exit_code_3(run: Run, sample: SampleServer, tmp_path: Path) -> None:
    arguments = ("download", LABELS, "--root-url", sample.root_url, "--output-dir", str(tmp_path))
    assert run(*arguments).exit_code == 3
    refused = run(*arguments, "--api-key", "WRONG-KEY-123456", code=3)
    assert "WRONG-KEY" not in refused.output
    assert run(*arguments, "--profile", "__anonymous__").exit_code == 3
    assert not list(tmp_path.glob("*.tar.gz*"))


def test_a_folder_that_cannot_be_made_is_said(run: Run, on_sample: SampleServer, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    result = run("download", LABELS, "--output-dir", tmp_path / "file" / "sub", code=1)
    assert str(tmp_path / "file") in result.stderr
    assert result.stdout == ""


def test_an_unknown_choice_is_a_usage_error(run: Run) -> None:
    assert run("download", LABELS, "--if-exists", "maybe").exit_code == 2
    assert run("download").exit_code == 2


def test_the_sample_catalogue_serves_the_download_itself(command: Command, tmp_path: Path) -> None:
    done = command("download", LABELS, "--sample", "--output-dir", str(tmp_path))
    assert (done.returncode, done.stdout) == (0, f"{tmp_path / LABELS}.tar.gz\n")
    assert "Traceback" not in done.stderr


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interruption_keeps_the_part_and_the_next_run_goes_on(
    slow: SampleServer, run: Run, command: Command, tmp_path: Path, number: int, code: int
) -> None:
    part = tmp_path / f"{SOURCE}.tar.gz.part"
    with subprocess.Popen(
        command_line("download", SOURCE, "--output-dir", str(tmp_path)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        until_sync(lambda: part.exists() and part.stat().st_size > 200_000)
        [job] = run.json("queue", "list")
        assert job["runs"] == f"by a command, pid {process.pid}"
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (code, "")
    assert "interrupted: the progress of 1 transfer is saved" in err
    assert "Traceback" not in err
    kept = part.stat().st_size
    assert kept > 0
    slow.store.rate = None
    slow.store.requests.clear()
    done = command("download", SOURCE, "--output-dir", str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{tmp_path / SOURCE}.tar.gz\n"
    with tarfile.open(tmp_path / f"{SOURCE}.tar.gz") as archive:
        assert archive.getnames()
    assert any(request.range for request in slow.store.requests)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_a_terminal_gets_bars(slow: SampleServer, tmp_path: Path) -> None:
    import pexpect

    name, *arguments = command_line("download", "sn2_AOI_5_Khartoum", "--output-dir", str(tmp_path))
    child = pexpect.spawn(name, arguments, encoding="utf-8", timeout=60, dimensions=(24, 80))
    child.expect(r"\d%\s+[\d.]+ .B/[\d.]+ MB .*B/s.*━")
    child.sendintr()
    child.expect("interrupted: the progress of 1 transfer")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 130
