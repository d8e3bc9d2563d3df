"""What becomes of shards that come back otherwise than they should, with a cluster that is played."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from mlhub_tui.cluster import cluster_run
from mlhub_tui.cluster.sharding import RunConfig, Shard, ShardResult
from mlhub_tui.errors import AuthenticationError, MLHubException, NoSpaceError, ServerUnreachable
from mlhub_tui.options import ClusterConfig
from mlhub_tui.planning.manifest import FileStatus, LockedManifest
from mlhub_tui.planning.manifest_queue import ManifestQueue
from mlhub_tui.planning.requests import dataset_request
from mlhub_tui.planning.selection import PlannedFile
from mlhub_tui.transfer.work_source import BatchStats, FileResult
from tests.transfer.batch_support import kit

FILES = 60
Answering = Callable[[list[int]], ShardResult]


class KilledWorker(Exception):
    """As `distributed` names what ends worker after worker."""


class _Future:
    def __init__(self, answer: Callable[[], ShardResult] | None) -> None:
        self.status, self._result, self._error = "finished", None, None
        try:
            self._result = answer() if answer else None
        except Exception as error:
            self.status, self._error = "error", error
        if answer is None:
            self.status = "pending"

    def result(self, timeout: float) -> ShardResult | None:
        return self._result

    def exception(self, timeout: float) -> Exception | None:
        return self._error

    def release(self) -> None:
        """Nothing is held."""

    def add_done_callback(self, call: Any) -> None:
        if self.status != "pending":
            call(self)


class PlayedClient:
    """Workers `a` and `b` of one thread each; `answer` says what becomes of a shard."""

    where, alive = "tcp://played:1", True

    def __init__(self, answer: Answering, lost: int = 0) -> None:
        self.workers = {"a": 1, "b": 1}
        self.present = frozenset("ab")
        self.left_out: dict[str, MLHubException] = {}
        self.joining: dict[str, object] = {}
        self.sent: list[tuple[list[int], bool]] = []
        self._answer, self._lost = answer, lost

    @property
    def threads(self) -> int:
        return len(self.workers)

    def refresh(self, config: RunConfig, marker: str) -> bool:
        if not self.workers:
            raise next(iter(self.left_out.values()))
        return False

    def leave_out(self, worker: str, error: MLHubException) -> None:
        self.left_out[worker] = error
        self.workers.pop(worker, None)

    def submit(self, work: Any, key: str, data: bytes, config: RunConfig) -> tuple[_Future, frozenset[str]]:
        shard = Shard.unpack(data)
        ids = [row.id for row in shard.rows]
        self.sent.append((ids, shard.check))
        if len(self.sent) <= self._lost:
            return _Future(None), frozenset(("gone",))
        return _Future(lambda: self._answer(ids)), frozenset(self.workers)

    def subscribe(self, topic: str, take: Any) -> None:
        """There are no news."""

    def broadcast(self, work: Any, *arguments: Any) -> None:
        """Nobody listens."""

    def cancel(self, futures: Sequence[Any]) -> None:
        """Nothing runs."""


def whole(ids: list[int], error: MLHubException | None = None, worker: str = "a") -> ShardResult:
    return ShardResult(worker, [FileResult(number, 10) for number in ids], error)


@pytest.fixture
def own(tmp_path: Path) -> Iterator[LockedManifest]:
    request = dataset_request("crops", tmp_path, source="http://a.test/", cluster=ClusterConfig("tcp://x:1"))
    made = LockedManifest(request).open()
    made.begin(request.request_id)
    made.want(
        PlannedFile(f"c/{n:03}.tif", f"https://a.test/{n}.tif", 10, "", False, "c", "i", str(n))
        for n in range(FILES)
    )
    yield made
    made.close()


def run(
    own: LockedManifest, client: PlayedClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> BatchStats:
    monkeypatch.setattr(cluster_run, "connected", lambda _: nullcontext(client))
    request = dataset_request("crops", tmp_path, source="http://a.test/", cluster=ClusterConfig("tcp://x:1"))
    files = ManifestQueue(own, request.asset_folder)
    return cluster_run.ClusterRun(request, files, own, kit(tmp_path)).run()


def test_a_file_that_ends_worker_after_worker_is_found_and_fails_alone(
    own: LockedManifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(ids: list[int]) -> ShardResult:
        if 13 in ids:
            raise KilledWorker("13")
        return whole(ids)

    client = PlayedClient(answer)
    stats = run(own, client, tmp_path, monkeypatch)
    assert (stats.fetched, stats.failed, stats.where) == (FILES - 1, 1, "on 2 workers")
    failed = own.entries(FileStatus.FAILED)
    assert [entry.id for entry in failed] == [13]
    assert "worker after worker" in failed[0].error
    assert len(client.sent) < 20  # by halves, not one by one


def test_what_was_not_settled_or_lost_with_its_workers_is_sent_again_and_looked_for_first(
    own: LockedManifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: set[int] = set()

    def answer(ids: list[int]) -> ShardResult:
        new = [number for number in ids if number not in seen]
        seen.update(ids)
        return whole(new[:7] if new else ids)

    client = PlayedClient(answer, lost=1)
    assert run(own, client, tmp_path, monkeypatch).fetched == FILES
    assert client.sent[0][0] in [ids for ids, check in client.sent[1:] if check]
    assert all(check for ids, check in client.sent if len(ids) == 18)


@pytest.mark.parametrize(
    ("error", "sent"),
    [
        (NoSpaceError("no space left"), range(1, 4)),
        (AuthenticationError("refused", status=401), range(2, 7)),  # of both workers
        (ServerUnreachable("no route"), range(4, 30)),
    ],
    ids=["space", "key", "host"],
)
def test_what_no_worker_can_fix_ends_the_run_and_no_file_fails_by_it(
    own: LockedManifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: MLHubException, sent: range
) -> None:
    turn = iter("ab" * 50)
    client = PlayedClient(lambda ids: whole(ids[:3], error, next(turn)))
    with pytest.raises(type(error)):
        run(own, client, tmp_path, monkeypatch)
    stands = own.stats()
    assert stands.failed == 0 and stands.done >= 3
    assert len(client.sent) in sent
