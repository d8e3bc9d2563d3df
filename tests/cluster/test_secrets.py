"""Where keys are and are not: with the workers' own configuration, and nowhere on the way to them."""

from __future__ import annotations

import pickle
import zlib
from pathlib import Path
from typing import Any

import pytest

from mlhub_tui.cluster import dask_client, worker
from mlhub_tui.cluster.sharding import Shard, plain_error, split_mark
from mlhub_tui.errors import MLHubException, OutputFolderError, ServerError
from mlhub_tui.planning.manifest_queue import Row
from mlhub_tui.queue.job import JobState

from .runs import settle, wish
from .support import KEY, Bucket, DaskCluster, Field, store_variables

pytestmark = [pytest.mark.cluster, pytest.mark.xdist_group("cluster"), pytest.mark.timeout(120)]

SIGNED = "https://me:hunter2hunter2@a.blob.core.windows.net/c/x.tif?se=2030&sig=c2VjcmV0c2VjcmV0"


def row(number: int, href: str, size: int | None = None) -> Row:
    return Row(number, f"c/{number}.tif", href, size, "", 0)


def test_what_is_sent_has_no_signature_and_shows_nothing_of_its_files() -> None:
    sent = Shard([row(1, SIGNED), row(2, "https://b.example/y.tif?page=2")], host="0123").pack()
    for secret in (b"hunter2", b"c2VjcmV0"):
        assert secret not in sent
        assert secret not in zlib.decompress(sent)
    assert b"tif" not in sent and b"example" not in sent
    first, second = (each.href for each in Shard.unpack(sent).rows if isinstance(each, Row))
    assert split_mark(first) == ("https://a.blob.core.windows.net/c/x.tif", True)
    assert split_mark(second) == ("https://b.example/y.tif?page=2", False)


def test_errors_come_back_without_secrets_and_as_what_they_were() -> None:
    told = ServerError(f"{SIGNED} is down", retry_after=7, hint="wait")
    back = pickle.loads(pickle.dumps(plain_error(told)))
    assert isinstance(back, ServerError) and back.retry_after == 7 and back.hint == "wait"
    assert "c2Vj" not in back.message and "hunter2" not in back.message

    class Special(OutputFolderError):
        """An error of a module of its own."""

    assert type(plain_error(Special("x"))) is OutputFolderError
    assert isinstance(plain_error(MLHubException("x")), MLHubException)


async def test_keys_are_in_no_task_no_news_and_no_log_of_the_cluster(
    cluster: DaskCluster, store: Bucket, mlhub_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[bytes] = []
    submit = dask_client.DaskClient.submit

    def noted(self: Any, work: Any, key: str, *arguments: Any) -> Any:
        sent.append(pickle.dumps((work, key, arguments)))
        return submit(self, work, key, *arguments)

    monkeypatch.setattr(dask_client.DaskClient, "submit", noted)
    with Field(tmp_path, 60, broken=("gone",)) as field:
        job = await settle(field, mlhub_home, wish(field, f"s3://{store.name}/out", cluster))
        assert (job.state, job.files_done) == (JobState.FAILED, 60), job
        assert field.refused == 0  # the workers asked with the key, which the server wants for each file
    everything = b"".join(sent) + cluster.logs().encode() + _state_of(cluster).encode()
    assert worker.fetch_shard.__name__.encode() in b"".join(sent)
    secrets = (KEY, store_variables("")["AWS_SECRET_ACCESS_KEY"], store_variables("")["AWS_ACCESS_KEY_ID"])
    for secret in secrets:
        assert secret.encode() not in everything
    for name in (b"k00", b"i0000"):
        assert name not in everything  # nor is to be seen what is fetched
    queue = (mlhub_home / "queue.db").read_bytes()
    assert not any(secret.encode() in queue for secret in secrets)


def _state_of(cluster: DaskCluster) -> str:
    """Return what a scheduler knows: its workers, tasks and all events that it keeps."""
    from distributed import Client

    with Client(cluster.address, set_as_default=False) as client:
        events = client.get_events()
        known = client.run_on_scheduler(_words)
    return f"{events}{known}"


def _words(dask_scheduler: Any) -> str:
    tasks = [f"{key}{task.annotations}{task.run_spec}" for key, task in dask_scheduler.tasks.items()]
    return f"{tasks}{dask_scheduler.identity()}{dask_scheduler.extensions}"


async def test_a_signature_that_is_part_of_the_catalog_is_not_sent_and_that_is_said(
    cluster: DaskCluster, mlhub_home: Path, out: Path, tmp_path: Path
) -> None:
    with Field(tmp_path, 3, signed="sig=c2VjcmV0c2VjcmV0") as field:
        job = await settle(field, mlhub_home, wish(field, out, cluster))
    assert (job.state, job.files_done, job.files_failed) == (JobState.FAILED, 3, 1), job
    assert "signature" in (out / "crops" / "err_report.csv").read_text()


async def test_a_worker_takes_a_signature_from_the_item_as_it_is_now(
    cluster: DaskCluster, mlhub_home: Path, out: Path, tmp_path: Path
) -> None:
    with Field(tmp_path, 3, signed="sig=c2VjcmV0c2VjcmV0", renewed="sig=bmV3c2VjcmV0bmV3") as field:
        job = await settle(field, mlhub_home, wish(field, out, cluster))
    assert (job.state, job.files_done, job.files_failed) == (JobState.DONE, 4, 0), job
    assert [path.read_bytes() for path in out.glob("crops/**/signed/*.tif")] == [b"signed"]
    assert not any("c2VjcmV0c2VjcmV0" in asked.target for asked in field.server.requests)
