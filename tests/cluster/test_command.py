"""`mlhub-tui download dataset --engine dask`: what it takes and what it refuses."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from mlhub_tui.cli import root
from mlhub_tui.cli.connection import Choice
from mlhub_tui.cli.dataset_download import cluster_of
from mlhub_tui.options import ClusterConfig

from .support import KEY, PROFILE, Bucket, DaskCluster, Field, write_profile

pytestmark = [pytest.mark.cluster, pytest.mark.xdist_group("cluster"), pytest.mark.timeout(120)]


def run(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(root, ["download", "dataset", "crops", *arguments], prog_name="mlhub-tui")
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout, result.stderr


def test_a_cluster_is_the_one_named_else_that_of_dask_s_variable_else_one_of_our_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert cluster_of("local", None, None, None, Choice()) is None
    assert cluster_of("dask", None, None, None, Choice()) == ClusterConfig()
    monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", "tcp://10.0.0.1:8786")
    assert cluster_of("dask", None, None, 4, Choice()) == ClusterConfig("tcp://10.0.0.1:8786", connections=4)
    assert cluster_of("dask", "tcp://10.0.0.2:1", None, None, Choice()) == ClusterConfig("tcp://10.0.0.2:1")
    assert cluster_of("dask", None, 3, None, Choice()) == ClusterConfig(workers=3)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--scheduler", "tcp://10.0.0.1:8786"], "only with --engine dask"),
        (["--connections", "4"], "only with --engine dask"),
        (["--engine", "dask", "--scheduler", "tcp://10.0.0.1:1", "--workers", "2"], "leave it out"),
        (["--engine", "dask", "--api-key", KEY], "MLHUB_API_KEY"),
        (["--engine", "dask", "--archives"], "--assets"),
        (["--output-dir", "s3://me:hunter2hunter2@bucket/x", "--engine", "dask"], "credentials"),
        (["--output-dir", "s3://bucket/x?token=hunter2hunter2", "--engine", "dask"], "credentials"),
    ],
)
def test_options_that_do_not_go_together_are_refused_before_anything_is_asked(
    options: list[str], said: str
) -> None:
    code, _, stderr = run(*options)
    assert code == 2
    assert said in stderr
    assert "hunter2" not in stderr and KEY not in stderr


def test_a_url_without_a_cluster_says_what_to_add(mlhub_home: Path, tmp_path: Path) -> None:
    with Field(tmp_path, 3) as field:
        write_profile(mlhub_home, field.root_url)
        code, _, stderr = run("--profile", PROFILE, "--assets", "--output-dir", "s3://bucket/x")
    assert code == 1
    assert "--engine dask" in stderr


def test_other_downloads_take_no_urls() -> None:
    arguments = ["download", "archive", "c", "--output-dir", "s3://bucket/x"]
    result = CliRunner().invoke(root, arguments, prog_name="mlhub-tui")
    assert result.exit_code == 2
    assert "URL" in result.stderr or "No such command" in result.stderr


def test_without_dask_the_option_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    code, _, stderr = run("--engine", "dask")
    assert code == 1
    assert "pip install 'mlhub-tui[cluster]'" in stderr


def test_a_dataset_goes_to_a_bucket_and_the_queue_knows_it_by_its_url(
    cluster: DaskCluster, store: Bucket, mlhub_home: Path, tmp_path: Path
) -> None:
    place = f"s3://{store.name}/data/"
    with Field(tmp_path, 120) as field:
        write_profile(mlhub_home, field.root_url)
        cluster.knows(field.root_url)
        options = ["--profile", PROFILE, "--assets", "--engine", "dask", "--scheduler", cluster.address]
        code, stdout, stderr = run(*options, "--output-dir", place)
        assert (code, stdout.strip()) == (0, f"{place}crops"), stderr
        assert field.again == 0
        # A run as short as this one may be over before a line of progress is due: the log has it.
        log = CliRunner().invoke(root, ["queue", "log", "1"]).stdout
        assert re.search(r"on [12] workers?", log), log
        code, stdout, _ = run(*options, "--output-dir", place)
        assert (code, field.again) == (0, 0)  # a new wish: all is there
    assert len(store.keys("data/crops/fields")) == 120 + 3
    runner = CliRunner()
    shown = runner.invoke(root, ["queue", "list", "--json"]).stdout
    assert f'"path": "s3://{store.name}/data/crops"' in shown
    good = runner.invoke(root, ["queue", "verify"])
    assert (good.exit_code, f"s3://{store.name}/data/crops" in good.stdout) == (0, True), good.stdout
    store.client.delete_object(Bucket=store.name, Key="data/crops/fields/i0000/k07.tif")
    bad = runner.invoke(root, ["queue", "verify"])
    assert bad.exit_code == 1
    assert "1 file gone or changed, fields/i0000/k07.tif first" in bad.stdout


def test_a_bucket_that_was_emptied_or_changed_is_completed_by_the_command_and_by_a_retry(
    cluster: DaskCluster, store: Bucket, mlhub_home: Path, tmp_path: Path
) -> None:
    runner = CliRunner()
    with Field(tmp_path, 10) as field:
        write_profile(mlhub_home, field.root_url)
        cluster.knows(field.root_url)
        options = ["--profile", PROFILE, "--assets", "--engine", "dask", "--scheduler", cluster.address]
        command = [*options, "--output-dir", f"s3://{store.name}/data/"]
        assert run(*command)[0] == 0
        whole = store.tree("data/crops")
        assert len(whole) > 10
        for key in store.keys("data"):
            store.client.delete_object(Bucket=store.name, Key=key)
        assert run(*command)[0] == 0
        assert (store.tree("data/crops"), field.again) == (whole, 10)
        first, second = sorted(name for name in whole if name.endswith(".tif"))[:2]
        store.client.delete_object(Bucket=store.name, Key=f"data/crops/{first}")
        store.client.put_object(Bucket=store.name, Key=f"data/crops/{second}", Body=b"short")
        assert "2 files gone or changed" in runner.invoke(root, ["queue", "verify"]).stdout
        listed = runner.invoke(root, ["queue", "list", "--json"]).stdout
        number = str(max(job["id"] for job in json.loads(listed)))
        assert runner.invoke(root, ["queue", "retry", number]).exit_code == 0
        ran = runner.invoke(root, ["queue", "run", "--until-empty", "--profile", PROFILE])
        assert ran.exit_code == 0, ran.output
        assert (store.tree("data/crops"), field.again) == (whole, 12)
        assert runner.invoke(root, ["queue", "verify"]).exit_code == 0
        documents = sorted(name for name in whole if name.endswith(".json"))
        for name in documents[1:]:
            store.client.delete_object(Bucket=store.name, Key=f"data/crops/{name}")
        bad = runner.invoke(root, ["queue", "verify", number])
        assert (bad.exit_code, f"{len(documents) - 1} files gone or changed" in bad.stdout) == (1, True)
        assert runner.invoke(root, ["queue", "retry", number]).exit_code == 0
        assert runner.invoke(root, ["queue", "run", "--until-empty", "--profile", PROFILE]).exit_code == 0
        assert (store.tree("data/crops"), field.again) == (whole, 12)
        assert runner.invoke(root, ["queue", "verify"]).exit_code == 0


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("tls://127.0.0.1:9", "requires TLS certificates, and Dask's configuration has no certificates"),
        ("wss://127.0.0.1:9", "requires TLS certificates, and Dask's configuration has no certificates"),
        ("ucx://127.0.0.1:9", "needs `distributed-ucxx`, which is not installed"),
        ("http://127.0.0.1:9", "is no address of a scheduler"),
        ("nonsense://127.0.0.1:9", "is no address of a scheduler"),
        ("inproc://x", "is no address of a scheduler"),
        ("127.0.0.1:99999", "is no address of a scheduler"),
        ("127.0.0.1", "is no address of a scheduler"),
        ("tcp://me:hunter2hunter2@10.0.0.1:8786", "is no address of a scheduler"),
    ],
)
def test_an_address_that_cannot_be_one_fails_at_once_in_a_sentence(
    mlhub_home: Path, tmp_path: Path, address: str, said: str
) -> None:
    with Field(tmp_path, 3) as field:
        write_profile(mlhub_home, field.root_url)
        options = ("--profile", PROFILE, "--assets", "--engine", "dask", "--scheduler", address)
        code, stdout, stderr = run(*options, "--output-dir", str(tmp_path / "out"))
    assert (code, stdout) == (1, "")
    assert said in stderr
    assert "Traceback" not in stderr and "hunter2" not in stderr
