"""locate and cache, and the settings as commands heed them."""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from mlhub_tui.cli.maintenance import PLACES
from mlhub_tui.http.cache import CachedResponse, DocumentCache
from mlhub_tui.planning import index_cache as place
from mlhub_tui.sample.server import SampleServer
from mlhub_tui.sources.static import archive
from mlhub_tui.text import size, use_units

from .conftest import Run


@pytest.fixture(autouse=True)
def si() -> Iterator[None]:
    yield
    use_units("SI")


@pytest.mark.parametrize("what", ["config", "queue", "log", "cache", "profiles"])
def test_locate_prints_a_path_alone(run: Run, mlhub_home: Path, what: str) -> None:
    printed = run("locate", what).stdout
    assert Path(printed.rstrip("\n")).parent == mlhub_home
    assert not mlhub_home.exists()


def test_locate_lists_all(run: Run, mlhub_home: Path) -> None:
    assert run.json("locate")["home"] == str(mlhub_home)
    assert len(run("locate").stdout.splitlines()) == len(PLACES)


def test_locate_knows_the_nearest(run: Run) -> None:
    result = run("locate", "settings", code=2)
    assert "'config'" in result.stderr


def fill() -> None:
    with closing(DocumentCache()) as cache:
        cache.put("k", CachedResponse(b"x" * 5000, "https://a.example/"))
    for folder, name in ((archive.folder(), "a.index"), (place.folder(), "a.db")):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x" * 1000)


def test_the_cache_has_a_size_and_can_be_cleared(run: Run) -> None:
    assert run.json("cache", "size")["total"] == 0
    fill()
    before = run.json("cache", "size")
    assert before["archives"] == before["plans"] == 1000
    assert before["documents"] > 0
    assert "kB removed" in run("cache", "clear").stdout
    after = run.json("cache", "size")
    assert after["archives"] == after["plans"] == 0
    with closing(DocumentCache()) as cache:
        assert cache.size() == (0, 0)


def test_clearing_an_empty_cache_makes_nothing(run: Run, mlhub_home: Path) -> None:
    assert run("cache", "clear").exit_code == 0
    assert not mlhub_home.exists()


def test_a_mistake_in_the_settings_is_a_note_and_the_command_goes_on(run: Run, mlhub_home: Path) -> None:
    mlhub_home.mkdir()
    (mlhub_home / "config.toml").write_text('unit = "IEC"\ntransfers = 3\n')
    result = run("queue", "set", code=0)
    assert "transfers at a time  3" in result.stdout
    assert result.stderr.count("\n") == 1
    assert "there is no setting 'unit'; did you mean units?" in result.stderr


def test_the_units_of_the_settings_count(run: Run, mlhub_home: Path) -> None:
    mlhub_home.mkdir()
    (mlhub_home / "config.toml").write_text('units = "IEC"\nlimit = "2MiB"\n')
    assert "2.0 MiB/s" in run("queue", "set").stdout
    assert size(1024) == "1.0 KiB"
    use_units("SI")
    assert size(1024) == "1.0 kB"


def test_downloads_go_to_the_folder_of_the_settings(
    run: Run, mlhub_home: Path, tmp_path: Path, on_sample: SampleServer
) -> None:
    mlhub_home.mkdir()
    (mlhub_home / "config.toml").write_text(f'download_folder = "{tmp_path}/data"\n')
    assert run("queue", "add", "ref_african_crops_kenya_02_labels").exit_code == 0
    jobs = run.json("queue", "list")
    assert str(tmp_path / "data") in json.dumps(jobs)
    run("queue", "add", "ref_african_crops_kenya_02_source", "--output-dir", tmp_path / "there")
    assert str(tmp_path / "there") in run("queue", "list", "--json").stdout


def _as_other_users() -> None:
    """Leave root, from its next program on, without its right to look into any folder (capabilities(7))."""
    libc, drop = ctypes.CDLL(None), 24  # PR_CAPBSET_DROP
    for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
        libc.prctl(drop, capability, 0, 0, 0)


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
@pytest.mark.parametrize("command", [("sources", "add", "x", "/"), ("sources", "list"), ("queue", "run")])
def test_a_home_that_may_not_be_looked_into_is_named_in_a_sentence(
    mlhub_home: Path, tmp_path: Path, command: tuple[str, ...]
) -> None:
    mlhub_home.mkdir()
    mlhub_home.chmod(0)
    call = [sys.executable, "-m", "mlhub_tui", *command]
    environ = {**os.environ, "MLHUB_HOME": str(mlhub_home), "PYTHONDONTWRITEBYTECODE": "1"}
    before = _as_other_users if os.geteuid() == 0 else None
    try:
        refused = subprocess.run(
            call, env=environ, capture_output=True, text=True, timeout=60, check=False, preexec_fn=before
        )
    finally:
        mlhub_home.chmod(0o700)
    if os.geteuid() == 0 and not refused.returncode:
        pytest.skip("root may look into any folder where it keeps its capabilities")
    assert refused.returncode == 1
    assert f"cannot read the profiles file {mlhub_home / 'profiles'}: Permission denied" in refused.stderr
