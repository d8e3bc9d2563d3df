"""What becomes of shards that come back otherwise than they should, with a cluster that is played."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mlhub_tui.cluster.cluster_run import ClusterRun
from mlhub_tui.cluster.dask_client import ClusterGone
from mlhub_tui.cluster.payloads import SerializedError, ShardPayload, ShardResult, unpack_rows
from mlhub_tui.errors import AuthenticationError, DownloadError, NoSpaceError, ServerUnreachable
from mlhub_tui.options import ClusterConfig
from mlhub_tui.planning.dataset_request import dataset_request
from mlhub_tui.planning.job_context import JobContext
from mlhub_tui.planning.manifest import FileStatus
from mlhub_tui.planning.manifest_lock import LockedManifest
from mlhub_tui.planning.manifest_queue import ManifestQueue
from mlhub_tui.planning.planned_files import PlannedFile
from mlhub_tui.transfer.failures import TransferCancelled
from mlhub_tui.transfer.work_source import BatchStats
from tests.transfer.batch_support import kit

FILES = 60
Answering = Callable[[list[int], ShardPayload], ShardResult]


class KilledWorker(Exception):
    """As `distributed` names what ends worker after worker."""


class _Future:
    def __init__(self, report: ShardResult | None, error: Exception | None) -> None:
        self._report, self._error = report, error
        self.status = "finished" if error is None else "error"
        if report is None and error is None:
            self.status = "cancelled"

    def result(self, timeout: float) -> ShardResult | None:
        return self._report

    def exception(self, timeout: float) -> Exception | None:
        return self._error

    def release(self) -> None:
        """Nothing is held."""

    def add_done_callback(self, call: Any) -> None:
        call(self)


class PlayedSession:
    """A cluster of two threads; `answer` says what becomes of a shard."""

    where, alive = "tcp://played:1", True

    def __init__(self, answer: Answering | None) -> None:
        self.left_out: dict[str, str] = {}
        self._answer = answer
        self.shards: list[list[int]] = []
        self.checked: list[bool] = []
        self.words: list[str] = []
        self.workers = {"a": 1, "b": 1}
        self.errand: Any = None

    def threads(self) -> dict[str, int]:
        return self.workers

    def equip(self, errand: Any) -> None:
        """All workers are fit."""

    def listen(self, topic: str, hear: Any) -> None:
        """There are no news."""

    def everywhere(self, work: Any, *arguments: Any) -> None:
        self.words.append(work.__name__)

    def cancel(self, futures: list[Any]) -> None:
        """Nothing runs."""

    def gone(self) -> ClusterGone:
        return ClusterGone("scheduler tcp://played:1 does not answer")

    def submit(self, work: Any, key: str, parcel: ShardPayload, errand: Any) -> _Future:
        self.errand = errand
        ids = [row.id for row in unpack_rows(parcel.data)]
        self.shards.append(ids)
        self.checked.append(parcel.check)
        try:
            return _Future(self._answer(ids, parcel) if self._answer else None, None)
        except Exception as error:
            return _Future(None, error)


def whole(ids: list[int], parcel: ShardPayload) -> ShardResult:
    return ShardResult(tuple((number, 10, True) for number in ids))


@pytest.fixture
def own(tmp_path: Path, mlhub_home: Path) -> Iterator[LockedManifest]:
    request = dataset_request(
        "crops", tmp_path / "out", source="http://a.example/", cluster=ClusterConfig("tcp://x:1")
    )
    made = LockedManifest(request, threading.Event())
    made.begin(request.stamp)
    made.files.want(
        PlannedFile(f"c/{n:03}.tif", f"https://a.example/{n}.tif", 10, "", False, "c", "i", str(n))
        for n in range(FILES)
    )
    yield made
    made.release()


def run(own: LockedManifest, session: Any, tmp_path: Path, stop: threading.Event | None = None) -> BatchStats:
    """Run the plan over a session."""
    request = dataset_request(
        "crops", tmp_path / "out", source="http://a.example/", cluster=ClusterConfig("tcp://x:1")
    )
    feed, tally, shared = ManifestQueue(own.files, request.asset_folder), BatchStats(), _kit(tmp_path)
    made = ClusterRun(request, feed, own, shared, tally, session)
    made.run(queue.SimpleQueue(), stop or threading.Event())
    return tally


def _kit(tmp_path: Path) -> JobContext:
    return kit(tmp_path)


def test_all_shards_are_settled_and_the_record_says_how_far_it_was_sent(
    own: LockedManifest, tmp_path: Path
) -> None:
    session = PlayedSession(whole)
    tally = run(own, session, tmp_path)
    assert (tally.fetched, own.files.standing().done) == (FILES, FILES)
    assert sorted(number for shard in session.shards for number in shard) == list(range(1, FILES + 1))
    assert own.noted("sent") == str(FILES)
    assert tally.where == "on 2 workers"
    errand = session.errand
    assert (errand.folder, errand.url) == (str(tmp_path / "out" / "crops"), "")
    assert (errand.most, errand.connections) == (16, 8), "shared by the threads"


def test_a_file_that_ends_worker_after_worker_is_found_and_fails_alone(
    own: LockedManifest, tmp_path: Path
) -> None:
    def answer(ids: list[int], parcel: ShardPayload) -> ShardResult:
        if 13 in ids:
            raise KilledWorker("13")
        return whole(ids, parcel)

    session = PlayedSession(answer)
    tally = run(own, session, tmp_path)
    assert (tally.fetched, tally.failed) == (FILES - 1, 1)
    failed = own.files.entries(FileStatus.FAILED)
    assert [entry.id for entry in failed] == [13]
    assert "worker after worker" in failed[0].error
    assert len(session.shards) < 20  # by halves, not one by one


def test_what_a_shard_did_not_settle_is_sent_again_and_looked_for_first(
    own: LockedManifest, tmp_path: Path
) -> None:
    seen: set[int] = set()

    def answer(ids: list[int], parcel: ShardPayload) -> ShardResult:
        new = [number for number in ids if number not in seen]
        seen.update(ids)
        return whole(new[:7] if new else ids, parcel)

    session = PlayedSession(answer)
    assert run(own, session, tmp_path).fetched == FILES
    later = [check for shard, check in zip(session.shards, session.checked, strict=True) if len(shard) < 25]
    assert later and all(later)


@pytest.mark.parametrize(
    "error", [NoSpaceError("no space left"), AuthenticationError("refused", status=401)], ids=["space", "key"]
)
def test_what_no_worker_can_mend_ends_the_run_and_keeps_what_was_done(
    own: LockedManifest, tmp_path: Path, error: NoSpaceError | AuthenticationError
) -> None:
    def answer(ids: list[int], parcel: ShardPayload) -> ShardResult:
        return ShardResult(whole(ids[:3], parcel).done, (), SerializedError.of(error))

    with pytest.raises(type(error)):
        run(own, PlayedSession(answer), tmp_path)
    standing = own.files.standing()
    assert standing.failed == 0 and standing.done >= 3


def test_a_host_that_no_worker_reaches_is_tried_some_times_and_no_file_fails_by_it(
    own: LockedManifest, tmp_path: Path
) -> None:
    session = PlayedSession(
        lambda ids, parcel: ShardResult(trouble=SerializedError.of(ServerUnreachable("no route")))
    )
    with pytest.raises(ServerUnreachable, match="no route"):
        run(own, session, tmp_path)
    assert own.files.standing().failed == 0
    assert 3 < len(session.shards) < 30


def test_workers_that_cannot_run_a_shard_at_all_end_it_with_what_they_say(
    own: LockedManifest, tmp_path: Path
) -> None:
    def answer(ids: list[int], parcel: ShardPayload) -> ShardResult:
        raise ModuleNotFoundError("No module named 'mlhub_tui'")

    with pytest.raises(DownloadError, match="No module named"):
        run(own, PlayedSession(answer), tmp_path)
    assert own.files.standing().failed == 0


def test_tasks_that_nobody_cancelled_mean_that_the_scheduler_is_gone(
    own: LockedManifest, tmp_path: Path
) -> None:
    with pytest.raises(ClusterGone, match="tcp://played:1"):
        run(own, PlayedSession(None), tmp_path)
    assert own.files.standing().wanted == FILES


def test_a_run_that_is_stopped_says_so_to_the_workers(own: LockedManifest, tmp_path: Path) -> None:
    stop = threading.Event()

    def answer(ids: list[int], parcel: ShardPayload) -> ShardResult:
        stop.set()
        return whole(ids, parcel)

    with pytest.raises(TransferCancelled):
        run(own, PlayedSession(answer), tmp_path, stop)
    assert own.files.standing().done >= 25  # what was reported is kept


def test_it_waits_for_workers_and_says_so(own: LockedManifest, tmp_path: Path) -> None:
    session, stop = PlayedSession(whole), threading.Event()
    session.workers = {}
    threading.Timer(0.1, stop.set).start()
    with pytest.raises(TransferCancelled):
        run(own, session, tmp_path, stop)
    assert session.shards == []
