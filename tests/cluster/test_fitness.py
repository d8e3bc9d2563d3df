"""What is said where a cluster, its workers or a file system are not as they should be."""

from __future__ import annotations

import asyncio
import re
import socket
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mlhub_tui.auth.kind import Kind
from mlhub_tui.cluster import dask_client as sessions
from mlhub_tui.cluster.dask_client import ClusterGone, WorkersUnfit, connected
from mlhub_tui.cluster.local_cluster import LocalCluster
from mlhub_tui.cluster.optional_dependencies import NotInstalled, file_system
from mlhub_tui.cluster.payloads import RunConfig
from mlhub_tui.cluster.probe import look
from mlhub_tui.errors import DownloadError, OutputFolderError
from mlhub_tui.options import ClusterConfig, IfExists
from mlhub_tui.planning.dataset_request import dataset_request
from mlhub_tui.queue.job import JobState
from tests.queue.dataset_support import reached

from .runs import queue_for, settle, wish
from .support import Bucket, DaskCluster, Field, free_port, tree, write_profile

pytestmark = [pytest.mark.cluster, pytest.mark.xdist_group("cluster"), pytest.mark.timeout(120)]


def errand(folder: str = "", url: str = "") -> RunConfig:
    return RunConfig("r", "http://a/", None, Kind.MLHUB, "crops", folder, url, IfExists.RESUME, 16, 4)


async def test_a_scheduler_that_does_not_answer_is_named_and_tried_again(
    mlhub_home: Path, out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "_CONNECT", 0.3)
    with Field(tmp_path, 3) as field:
        request = dataset_request(
            "crops", out, source=field.root_url, cluster=ClusterConfig(f"tcp://127.0.0.1:{free_port()}")
        )
        queue = queue_for(field, mlhub_home)
        try:
            job = await queue.add(request)
            shown = await reached(
                queue, job.id, lambda job: job.state in (JobState.RETRYING, JobState.FAILED)
            )
        finally:
            await asyncio.to_thread(queue.stop, 60)
    assert f"scheduler {request.cluster.scheduler} does not answer" in shown.reason  # type: ignore[union-attr]
    assert shown.hint


def test_an_address_that_is_none_is_refused_in_words() -> None:
    with pytest.raises((DownloadError, ClusterGone)) as caught, connected(ClusterConfig("nonsense://x")):
        pass
    assert "nonsense" in caught.value.message and caught.value.hint


def test_a_scheduler_that_wants_tls_says_what_to_configure() -> None:
    with pytest.raises(DownloadError) as caught, connected(ClusterConfig(f"tls://127.0.0.1:{free_port()}")):
        pass
    assert "TLS" in caught.value.message and "distributed.comm.tls" in caught.value.hint


def test_workers_of_another_version_are_named(cluster: DaskCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "__version__", "99.0")
    with connected(ClusterConfig(cluster.address)) as session, pytest.raises(WorkersUnfit) as caught:
        session.equip(errand("/nowhere"))
    # The second one may not have joined yet.
    assert "2 of 2" not in caught.value.message
    assert re.search(r"worker \S+ has mlhub-tui .*, not 99\.0", caught.value.message)
    assert "tcp://127.0.0.1" in caught.value.message


def test_workers_without_this_program_are_named(
    cluster: DaskCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "_PACKAGE", "no-such-package-of-ours")
    with connected(ClusterConfig(cluster.address)) as session, pytest.raises(WorkersUnfit) as caught:
        session.equip(errand("/nowhere"))
    assert "cannot import" in caught.value.message and "pip install" in caught.value.hint


def test_a_worker_that_does_not_see_the_folder_says_so(tmp_path: Path) -> None:
    found = look(errand(str(tmp_path)), "marker", "text", SimpleNamespace(plugins={}))
    assert found is not None and "does not see the folder" in found.message and "mounted" in found.hint
    (tmp_path / "marker").write_text("another")
    found = look(errand(str(tmp_path)), "marker", "text", SimpleNamespace(plugins={}))
    assert found is not None and "another place" in found.message
    (tmp_path / "marker").write_text("text")
    assert look(errand(str(tmp_path)), "marker", "text", SimpleNamespace(plugins={})) is None


async def test_a_bucket_that_is_not_there_fails_the_job_at_once(
    cluster: DaskCluster, store: Bucket, mlhub_home: Path, tmp_path: Path
) -> None:
    with Field(tmp_path, 3) as field:
        job = await settle(field, mlhub_home, wish(field, "s3://no-such-bucket-here/x", cluster))
        assert field.fetched == 0
    assert job.state is JobState.FAILED
    assert "no-such-bucket-here" in job.reason and job.hint


async def test_no_marker_stays_where_the_files_go(
    cluster: DaskCluster, mlhub_home: Path, out: Path, tmp_path: Path
) -> None:
    with Field(tmp_path, 3) as field:
        assert (await settle(field, mlhub_home, wish(field, out, cluster))).state is JobState.DONE
    assert not [name for name in tree(out) if ".mlhub" in name or name.endswith(".part")]


@pytest.mark.parametrize(("scheme", "package"), [("gs", "gcsfs"), ("abfs", "adlfs")])
def test_a_file_system_that_is_not_installed_is_named_with_its_package(
    scheme: str, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(NotInstalled) as caught:
        file_system(f"{scheme}://bucket/folder")
    assert scheme in caught.value.message and f"pip install {package}" in caught.value.hint


def test_a_scheme_that_nobody_knows_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NotInstalled, match="fsspec knows no nosuch://"):
        file_system("nosuch://bucket/folder")


def test_without_distributed_the_option_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(NotInstalled) as caught, connected(ClusterConfig()):
        pass
    assert "pip install 'mlhub-tui[cluster]'" in caught.value.hint


async def test_a_cluster_on_this_machine_is_made_for_a_job_and_ends_with_it(
    mlhub_home: Path, out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[LocalCluster] = []
    real = LocalCluster.__init__

    def noted(self: LocalCluster, workers: int | None) -> None:
        real(self, workers)
        made.append(self)

    monkeypatch.setattr(LocalCluster, "__init__", noted)
    with Field(tmp_path, 30) as field:
        write_profile(mlhub_home, field.root_url)
        request = dataset_request(
            "crops", out, source=field.root_url, profile="field", cluster=ClusterConfig(workers=1)
        )
        job = await settle(field, mlhub_home, request)
        assert field.again == 0
    assert (job.state, job.files_done) == (JobState.DONE, 30), job
    host, _, port = made[0].address.scheduler.removeprefix("tls://").partition(":")
    assert host == "127.0.0.1"
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, int(port)))
    assert (mlhub_home / "log" / "cluster.log").exists()


def test_a_store_that_refuses_is_told_from_one_that_is_busy(tmp_path: Path) -> None:
    from mlhub_tui.cluster.object_store import ObjectStore, StoreBusy, StoreRefuses, trouble

    place: Any = ObjectStore(tmp_path.as_uri())
    assert isinstance(trouble(PermissionError("no"), place), StoreRefuses)
    assert isinstance(trouble(FileNotFoundError("no bucket"), place), OutputFolderError)
    busy = trouble(OSError("SlowDown: reduce your rate https://x/?sig=c2VjcmV0c2Vj"), place)
    assert isinstance(busy, StoreBusy) and "c2Vj" not in busy.message
