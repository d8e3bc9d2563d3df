"""What is said where a cluster, its workers or a file system are not as they should be."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import dask
import pytest
from distributed import Security

from mlhub_tui.cluster import dask_client as sessions
from mlhub_tui.cluster.dask_client import ClusterGone, DaskClient, LocalCluster, SchedulerSilent, connected
from mlhub_tui.cluster.object_store import StoreRefuses
from mlhub_tui.errors import APIKeyNotFound, DownloadError, MLHubException
from mlhub_tui.options import ClusterConfig
from mlhub_tui.planning.requests import dataset_request
from mlhub_tui.queue.job import JobState
from tests.queue.dataset_support import reached

from .runs import queue_for, settle, wish
from .support import Bucket, DaskCluster, Field, free_port, write_profile

pytestmark = [pytest.mark.cluster, pytest.mark.xdist_group("cluster"), pytest.mark.timeout(120)]


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


def test_a_host_that_answers_nothing_is_given_up_at_the_first_try_and_waited_for_once_it_was_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sessions, "_CONNECT", 0.5)
    with contextlib.ExitStack() as held, socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        address = f"127.0.0.1:{full.getsockname()[1]}"
        for _ in range(4):  # of which the system takes one or two, and drops the packets of the others
            waiting = held.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        with pytest.raises(SchedulerSilent, match=f"{address} does not answer: no connection in 0.5 s"):
            held.enter_context(connected(ClusterConfig(f"tcp://{address}")))
        monkeypatch.setattr(sessions, "_reached", {f"tcp://{address}"})
        with pytest.raises(ClusterGone, match=f"{address} does not answer: no connection in time"):
            held.enter_context(connected(ClusterConfig(f"tcp://{address}")))
    with contextlib.ExitStack() as held, socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        for named in (address, f"tcp://{address}", f"ws://{address}"):
            with pytest.raises(SchedulerSilent, match=f"what listens at {named} does not speak") as caught:
                held.enter_context(connected(ClusterConfig(named)))
            assert "dashboard 8787" in caught.value.hint


@pytest.mark.parametrize(
    ("said", "kind", "words"),
    [
        (b"SSH-2.0-OpenSSH_9.6\r\n", SchedulerSilent, "does not speak as a scheduler of Dask does"),
        (b"", ClusterGone, "does not answer: connection reset"),
    ],
)
def test_what_listens_and_is_no_scheduler_is_told_by_what_it_says_first(
    said: bytes, kind: type[MLHubException], words: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other, ThreadPoolExecutor(1) as pool:
        address = f"tcp://127.0.0.1:{other.getsockname()[1]}"

        def greet() -> None:
            taken, _ = other.accept()
            with taken:
                taken.sendall(said)

        done = pool.submit(greet)
        with pytest.raises(kind, match=words), connected(ClusterConfig(address)):
            pass
        done.result()


def failure(address: str, kind: type[MLHubException]) -> MLHubException:
    """Return the error with which connecting to a scheduler fails."""
    with pytest.raises(kind) as caught, connected(ClusterConfig(address)):
        pass
    return caught.value


def test_web_sockets_and_certificates_of_another_scheduler_are_told_without_dask_s_patience(
    cluster: DaskCluster, tmp_path: Path
) -> None:
    cluster.joined(1)
    address = f"127.0.0.1:{cluster.port}"
    refused = failure(f"ws://127.0.0.1:{free_port()}", ClusterGone)
    assert refused.message.endswith("does not answer: connection refused")
    own, other = (Security.temporary() for _ in range(2))
    files = {name: tmp_path / name for name in ("ca_file", "cert", "key")}
    for name, file in files.items():
        file.write_text(own.get_tls_config_for_role("client")[name])
    role = {"cert": str(files["cert"]), "key": str(files["key"])}
    trust = {"distributed.comm.tls.ca-file": str(files["ca_file"]), "distributed.comm.tls.client": role}
    context = other.get_listen_args("scheduler")["ssl_context"]
    with (
        dask.config.set(trust),
        socket.create_server(("127.0.0.1", 0)) as listening,
        ThreadPoolExecutor(1) as pool,
    ):

        def accept() -> None:
            taken, _ = listening.accept()
            with taken, contextlib.suppress(OSError):
                context.wrap_socket(taken, server_side=True)

        plain = failure(f"tls://{address}", DownloadError)
        done = pool.submit(accept)
        foreign = failure(f"tls://127.0.0.1:{listening.getsockname()[1]}", DownloadError)
        done.result()
    assert plain.message.endswith("TLS failed: wrong version number") and "use tcp://" in plain.hint
    assert foreign.message.endswith("TLS failed: self-signed certificate")


def test_what_a_worker_lacks_is_not_to_be_looked_for_here() -> None:
    client = DaskClient(None, "tcp://scheduler:8786")
    client.leave_out("tcp://a:1", APIKeyNotFound("no key"))
    client.leave_out("tcp://b:1", StoreRefuses("s3://x refuses access"))
    keyless, refused = client.left_out.values()
    assert keyless.hint == f"there, and not here: {APIKeyNotFound.default_hint}"
    assert refused.hint == StoreRefuses.default_hint


async def test_a_bucket_that_is_not_there_fails_the_job_at_once(
    cluster: DaskCluster, store: Bucket, mlhub_home: Path, tmp_path: Path
) -> None:
    with Field(tmp_path, 3) as field:
        job = await settle(field, mlhub_home, wish(field, "s3://no-such-bucket-here/x", cluster))
        assert field.fetched == 0
    assert job.state is JobState.FAILED
    assert "no-such-bucket-here" in job.reason and job.hint


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
    host, _, port = made[0].scheduler.removeprefix("tls://").partition(":")
    assert host == "127.0.0.1"
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, int(port)))
    assert (mlhub_home / "log" / "cluster.log").exists()
