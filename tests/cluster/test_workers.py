"""Uneven workers, several clients, and a busy store: what the command does, and what it shows."""

from __future__ import annotations

import json
import os
import re
import signal
import threading
from pathlib import Path

import pytest

from mlhub_tui.queue.client import QueueClient
from mlhub_tui.queue.job import JobAction, JobState
from tests.support.http_server import Answer, Request

from .support import (
    Bucket,
    DaskCluster,
    Field,
    command,
    environment,
    s3_server,
    tree,
    wait_for,
    write_profile,
)

pytestmark = [pytest.mark.cluster, pytest.mark.xdist_group("cluster"), pytest.mark.timeout(600)]

_DISGUISE = """
import importlib.abc, importlib.metadata, os, sys
real = importlib.metadata.version
def version(name):
    if name.lower().replace("_", "-") != "mlhub-tui":
        return real(name)
    if os.environ["SEEMS"] == "none":
        raise importlib.metadata.PackageNotFoundError(name)
    return os.environ["SEEMS"]
class Hidden(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "mlhub_tui":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
if "SEEMS" in os.environ:
    importlib.metadata.version = version
    if os.environ["SEEMS"] == "none":
        sys.meta_path.insert(0, Hidden())
"""
"""Makes a worker look as if it lacked this program, or had it in another version."""


@pytest.fixture
def disguise(tmp_path: Path) -> str:
    site = tmp_path / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(_DISGUISE)
    return str(site)


def held(field: Field, gate: threading.Event, after: int = 20) -> None:
    """Have an API answer for so many files, and for the others once a gate is open."""

    def wait(request: Request) -> Answer | None:
        if "/files/" in request.target and field.fetched >= after:
            gate.wait(120)
        return None

    field.before = wait


def only_our_lines(log: str) -> bool:
    """Return whether a client said nothing but lines of progress, its end, and hints: no library did."""
    return all(re.match(r"crops: |done |failed |needs |  |/|s3://", line) for line in log.splitlines())


def test_workers_that_cannot_take_part_are_named_and_the_others_do_the_job_until_none_is_left(
    s3: str, tmp_path: Path, disguise: str
) -> None:
    keyless, wrong = tmp_path / "keyless", tmp_path / "wrong"
    with (
        Field(tmp_path, 200) as field,
        DaskCluster(tmp_path, environment(tmp_path / "workers", s3), 1) as cluster,
    ):
        cluster.knows(field.root_url)
        write_profile(wrong, field.root_url)
        profiles = wrong / "profiles"
        profiles.write_text(profiles.read_text().replace("api_key = sk", "api_key = no"))
        cluster.add_worker(MLHUB_HOME=str(keyless))
        cluster.add_worker(MLHUB_HOME=str(wrong))
        cluster.add_worker(SEEMS="none", PYTHONPATH=disguise)
        cluster.add_worker(SEEMS="0.0.9", PYTHONPATH=disguise)
        cluster.joined(5)
        options = ("--engine", "dask", "--scheduler", cluster.address)
        client = command(field, tmp_path / "client", s3, str(tmp_path / "out"), *options)
        assert client.wait() == 0, client.log.read_text()
        assert (field.fetched, field.again) == (200, 0)
        said = client.log.read_text()
        assert said.count("left out: worker") == 3 or "left out" in said, said
        assert only_our_lines(said), said
        cluster.workers[0].kill()
        client = command(field, tmp_path / "client", s3, str(tmp_path / "again"), *options)
        assert client.wait() == 1
        said = client.log.read_text()
    assert "no worker can take part" in said, said
    assert "Traceback" not in said


def test_a_job_waits_for_workers_and_leaves_out_one_that_joins_late_without_the_program(
    s3: str, tmp_path: Path, disguise: str
) -> None:
    gate = threading.Event()
    with (
        Field(tmp_path, 120) as field,
        DaskCluster(tmp_path, environment(tmp_path / "workers", s3), 0) as cluster,
    ):
        held(field, gate)
        cluster.knows(field.root_url)
        options = ("--engine", "dask", "--scheduler", cluster.address)
        client = command(field, tmp_path / "client", s3, str(tmp_path / "out"), *options)
        wait_for(lambda: "has no workers" in client.log.read_text(), "words about workers")
        cluster.add_worker()
        wait_for(lambda: field.fetched > 0, "the first files")
        late = cluster.add_worker(SEEMS="none", PYTHONPATH=disguise)
        wait_for(lambda: "out-of-band function 'version'" in late.log.read_text(), "a look at it")
        gate.set()
        assert client.wait() == 0, client.log.read_text()
        said = client.log.read_text()
    assert (field.fetched, field.again) == (120, 0)
    assert re.search(r"left out: worker \S+: it cannot import mlhub-tui", said), said
    assert only_our_lines(said), said


def test_a_worker_that_hangs_holds_no_other_whether_it_joins_or_has_shards(
    s3: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = threading.Event()
    with (
        Field(tmp_path, 200) as field,
        DaskCluster(tmp_path, environment(tmp_path / "workers", s3), 2) as cluster,
    ):
        held(field, gate)
        cluster.knows(field.root_url)
        cluster.joined(2)
        hanging = cluster.workers[1]
        os.kill(hanging.pid, signal.SIGSTOP)
        options = ("--engine", "dask", "--scheduler", cluster.address)
        place, home = str(tmp_path / "out"), tmp_path / "client"
        client = command(field, home, s3, place, *options)
        wait_for(lambda: field.fetched > 10, "the first files")
        monkeypatch.setenv("MLHUB_HOME", str(home))
        with QueueClient(home / "queue.db") as queue:
            wait_for(lambda: "1 more does not answer" in queue.jobs()[0].reason, "words about the other")
            os.kill(hanging.pid, signal.SIGCONT)
            wait_for(lambda: "on 2 workers" in queue.jobs()[0].reason, "the other one")
            os.kill(hanging.pid, signal.SIGSTOP)
            queue.order(JobAction.PAUSE, [1])
            assert client.wait() == 1
            assert queue.jobs()[0].state is JobState.PAUSED
        os.kill(hanging.pid, signal.SIGCONT)
        gate.set()
        client = command(field, home, s3, place, *options)
        assert client.wait() == 0, client.log.read_text()
        said = client.log.read_text()
    assert len(list((tmp_path / "out").rglob("*.tif"))) == 200
    assert only_our_lines(said.replace("paused crops", "done crops").replace("note: ", "  ")), said


@pytest.mark.parametrize("place", ["bucket", "folder"])
def test_a_second_client_keeps_away_from_a_destination_and_says_who_is_at_it(
    cluster: DaskCluster, store: Bucket, s3: str, tmp_path: Path, place: str
) -> None:
    gate, where = threading.Event(), f"s3://{store.name}/out" if place == "bucket" else str(tmp_path / "out")
    old = {"run": "old", "who": "x", "home": "another", "since": 1.0, "seen": 2.0}
    if place == "bucket":  # a marker of a client that was killed long ago
        key = "out/crops/.mlhub-tui-run-old.json"
        store.client.put_object(Bucket=store.name, Key=key, Body=json.dumps(old).encode())
    with Field(tmp_path, 200) as field:
        held(field, gate)
        cluster.knows(field.root_url)
        options = ("--engine", "dask", "--scheduler", cluster.address)
        first = command(field, tmp_path / "first", s3, where, *options)
        wait_for(lambda: field.fetched > 10, "the first files")
        second = command(field, tmp_path / "second", s3, where, *options)
        assert second.wait() == 1
        gate.set()
        assert first.wait() == 0, first.log.read_text()
        assert (field.fetched, field.again) == (200, 0)
        assert command(field, tmp_path / "second", s3, where, *options).wait() == 0
        assert field.fetched == 200
    said = second.log.read_text()
    assert re.search(rf"@\S+ \(process \d+\) downloads to {where}/crops since \d{{4}}-", said), said
    assert "wait until that ends, or choose another folder" in said
    left = store.keys("out") if place == "bucket" else list(tree(tmp_path / "out"))
    assert not [name for name in left if ".mlhub" in name or name.endswith(".part")]


def test_a_store_that_says_slow_down_is_waited_for_and_that_is_shown(tmp_path: Path) -> None:
    slow, gate = tmp_path / "slow", threading.Event()
    once = {"AWS_MAX_ATTEMPTS": "1"}  # botocore waits half a minute before it says that a store is busy
    with (
        s3_server(tmp_path, slow) as s3,
        Field(tmp_path, 150) as field,
        DaskCluster(tmp_path, environment(tmp_path / "workers", s3, **once), 1) as cluster,
    ):
        held(field, gate)
        store = Bucket(s3, "busy")
        cluster.knows(field.root_url)
        cluster.joined(1)
        slow.touch()
        options = ("--engine", "dask", "--scheduler", cluster.address)
        client = command(field, tmp_path / "client", s3, f"s3://{store.name}/out", *options, **once)
        wait_for(lambda: "is busy" in client.log.read_text(), "words about the first steps")
        slow.unlink()
        wait_for(lambda: field.fetched > 10, "the first files")
        before = client.log.read_text().count("is busy")
        slow.touch()
        gate.set()
        wait_for(lambda: client.log.read_text().count("is busy") > before, "words about the files")
        slow.unlink()
        assert client.wait() == 0, client.log.read_text()
        assert len(store.keys("out/crops/fields")) == len(field.contents) + 3
        said = client.log.read_text()
    assert field.again <= 32
    assert only_our_lines(said), said
