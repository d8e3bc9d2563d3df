"""The parts of a dataset's job at their edges: what is shown, kept, looked at again, and named for others."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

from mlhub_tui.errors import OutputFolderError
from mlhub_tui.models import Item
from mlhub_tui.planning.assets import Aria2
from mlhub_tui.planning.dataset_job import BatchProgress
from mlhub_tui.planning.dataset_plan import cached_catalog, catalog_cache, copy_catalog, plan_dataset
from mlhub_tui.planning.manifest import LockedManifest, ManifestStats, manifest_path
from mlhub_tui.planning.report import verify_files
from mlhub_tui.planning.selection import PlannedFile
from mlhub_tui.queue.job import JobState
from mlhub_tui.queue.run_job import job_context
from mlhub_tui.text import size as size_words
from mlhub_tui.transfer.config import TransferPhase, TransferProgress
from mlhub_tui.transfer.engine import TransferCancelled
from mlhub_tui.transfer.work_source import BatchStats
from tests.support.fault_server import FaultServer
from tests.support.http_server import Answer, Request

from ..planning.made import asset, item
from .dataset_support import CATALOG, Crops, shops, stock, wish

DIGEST = "1220" + "ab" * 32


def planned(number: int) -> PlannedFile:
    return PlannedFile(
        f"fields/i{number}/a.tif", f"http://h/{number}", 5, "", False, "fields", f"i{number}", "a"
    )


async def test_a_job_shows_its_files_as_the_list_and_memory_have_them() -> None:
    live, tally = TransferProgress(), BatchStats()
    watch = BatchProgress(
        live, tally, 100, ManifestStats(wanted=6, done=3, failed=1, bytes_done=30, bytes_known=90)
    )
    watch.show()
    assert (live.files_done, live.files_failed, live.files_total) == (3, 1, 10)
    assert (live.done, live.total, live.connections, live.phase) == (130, 190, 1, TransferPhase.CONNECTING)
    assert live.words == "3 of 10 files, 1 failed"
    large = TransferProgress()
    tally.large["x"] = large
    watch.show()
    assert live.phase is TransferPhase.CONNECTING
    large.wrote(7)
    watch.show()
    assert (live.done, live.phase, live.connections) == (137, TransferPhase.DOWNLOADING, 1)
    tally.large["y"] = TransferProgress()
    tally.fetched, tally.there, tally.failed, tally.bytes = 2, 1, 1, 20
    tally.where, tally.reason = "2 workers", "waits for h"
    watch.show()
    assert (live.files_done, live.files_failed, live.done, live.connections) == (6, 2, 157, 2)
    assert live.words == "6 of 10 files, 2 failed, 2 workers; waiting: waits for h"
    watch.show()
    tally.failed, tally.reason = 3, ""
    watch.show()
    tally.fetched = 99
    watch.show()
    assert live.files_done == 10
    said = [words for _, words in live.events]
    assert said == [
        "1 file failed so far",
        "2 workers",
        "waits for h",
        "2 files failed so far",
        "4 files failed so far",
    ]
    tally.large.clear()
    live.enter(TransferPhase.CONNECTING)
    watch.show()
    assert live.phase is TransferPhase.CONNECTING, "nothing came since"
    live.total = 5
    BatchProgress(live, BatchStats(), 100, ManifestStats(wanted=1, unknown=1)).show()
    assert live.total is None


def test_a_new_wish_begins_at_nothing_and_the_same_goes_on(tmp_path: Path) -> None:
    request = wish(tmp_path / "out")
    for stamp, listed in (("one", ""), ("one", "done"), ("two", ""), ("one", "")):
        own = LockedManifest(request).open()
        own.begin(stamp)
        assert (own.get_checkpoint("stamp"), own.get_checkpoint("listed")) == (stamp, listed)
        own.set_checkpoint("listed")
        own.close()


def test_who_waits_for_a_manifest_may_give_up(tmp_path: Path) -> None:
    request = wish(tmp_path / "out")
    own, waiting = LockedManifest(request).open(), LockedManifest(request)
    waiting.give_up()
    with pytest.raises(TransferCancelled):
        waiting.open()
    own.close()
    waiting.open().close()


def test_lists_of_half_a_year_ago_are_dropped(tmp_path: Path) -> None:
    old, young, mine = (wish(tmp_path / name) for name in ("old", "young", "mine"))
    day = 86400.0
    for request in (old, young, mine):
        LockedManifest(request).open().close()
    for request, age in ((old, 181 * day), (young, 179 * day), (mine, 999 * day)):
        os.utime(manifest_path(request), (time.time() - age,) * 2)
    manifest_path(old).with_name(manifest_path(old).name + "-wal").write_bytes(b"")
    LockedManifest(mine).open().close()
    left = {path.name for path in manifest_path(mine).parent.iterdir() if path.suffix != ".lock"}
    assert left == {manifest_path(young).name, manifest_path(mine).name}


def test_files_that_are_gone_or_changed_are_counted_and_the_first_is_named(tmp_path: Path) -> None:
    request, told = wish(tmp_path / "out"), list[int]()
    own = LockedManifest(request).open()
    own.want(planned(number) for number in range(1200))
    with own.transaction() as db:
        db.execute("UPDATE fate SET state = 2, bytes = 5 WHERE id <= 1100")
    own.close()
    for number in range(1100):
        path = request.asset_folder / planned(number).path
        path.parent.mkdir(parents=True)
        path.write_bytes(b"12345")
    assert verify_files(request, told.append, threading.Event()) == ""
    assert told == [5500]
    (request.asset_folder / planned(7).path).write_bytes(b"123456")
    assert (
        verify_files(request, told.append, threading.Event())
        == "1 file gone or changed, fields/i7/a.tif first"
    )
    (request.asset_folder / planned(1050).path).unlink()
    found = verify_files(request, told.append, threading.Event())
    assert found == "2 files gone or changed, fields/i7/a.tif first"
    stop = threading.Event()
    stop.set()
    with pytest.raises(TransferCancelled):
        verify_files(request, told.append, stop)
    assert verify_files(wish(tmp_path / "other"), told.append, stop) == ""


def test_a_planned_catalog_is_taken_where_none_is_begun(tmp_path: Path) -> None:
    request, target = wish(tmp_path / "out"), tmp_path / "out" / "crops.tar.gz"
    assert not copy_catalog(request, target)
    catalog_cache().mkdir(parents=True)
    cached_catalog(request).write_bytes(b"x")
    part = target.with_name("crops.tar.gz.part")
    part.parent.mkdir()
    part.write_bytes(b"")
    assert not copy_catalog(request, target)
    part.unlink()
    assert copy_catalog(request, target)
    assert {path.name: path.read_bytes() for path in target.parent.iterdir()} == {target.name: b"x"}
    assert not copy_catalog(request, target)
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OutputFolderError):
        copy_catalog(request, tmp_path / "file" / "crops.tar.gz")


async def test_planning_keeps_the_catalog_and_drops_old_ones_that_take_too_much_room(
    server: FaultServer, tmp_path: Path
) -> None:
    stock(server, tmp_path, 4)
    catalog_cache().mkdir(parents=True)
    for name, size, age in (("new.gz", 1 << 30, 1), ("middle.gz", 1 << 30, 2), ("old.gz", 1, 3)):
        with (catalog_cache() / name).open("wb") as file:
            file.truncate(size)  # a hole takes no room
        os.utime(catalog_cache() / name, (time.time() - age * 1000,) * 2)
    request, said = wish(tmp_path / "out"), list[tuple[str, int, int | None]]()
    index = await plan_dataset(request, shops(server).shop, job_context, lambda *told: said.append(told))
    with index:
        assert index.contents()[0].items == 2
    assert {path.name for path in catalog_cache().iterdir()} == {
        "new.gz",
        "middle.gz",
        cached_catalog(request).name,
    }
    assert said[0][0] == "the catalog"
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("statuses", "state", "words"),
    [
        ([403], JobState.DONE, "8 files"),
        (
            [404, 404],
            JobState.FAILED,
            'the catalog of dataset "crops" does not exist; it may still be generating',
        ),
        ([403, 410], JobState.FAILED, "it may still be generating"),
        ([404, 403], JobState.FAILED, "403"),
    ],
)
async def test_a_catalog_s_link_that_is_refused_is_asked_for_once_more(
    crops: Crops, statuses: list[int], state: JobState, words: str
) -> None:
    crops.stock(8)
    refused = list(statuses)

    def plan(request: Request) -> Answer | None:
        if request.target != CATALOG:
            return None
        if state is JobState.FAILED and not refused:
            refused.extend(statuses)
        return Answer(refused.pop(0)) if refused else None

    crops.server.plan = plan
    job = await crops.settle()
    assert job.state is state
    assert words in job.reason


async def test_what_was_there_is_no_news(crops: Crops, mlhub_home: Path) -> None:
    contents = crops.stock(8)
    job = await crops.settle()
    first = [event.words for event in await crops.queue.log(job.id)]
    whole = sum(map(len, contents.values())) + len(crops.server.by_target[CATALOG])
    assert first[-1].startswith(f"done: {size_words(whole)}, in ") and first[-1].endswith("; 8 files")
    crops.server.requests.clear()
    for _ in ("the manifest knows the files", "they are found on the disk"):
        job = await crops.settle()
        assert (await crops.queue.log(job.id))[-1].words == "done: 8 files"
        assert [request.target for request in crops.server.requests if request.method == "GET"] == []
        for path in (mlhub_home / "datasets").iterdir():
            path.unlink()


def test_aria2_gets_what_it_can_fetch_with_the_sums_that_it_knows() -> None:
    entries = {
        "a": asset("file:///data/a.tif"),
        "b": asset("https://h/b.tif", **{"file:checksum": DIGEST}),
        "c": asset("https://h/c.tif", **{"file:checksum": "zz"}),
        "d": asset("https://h/d.tif", **{"file:checksum": f"1620{'ab' * 32}"}),  # SHA3-256, which aria2 lacks
    }
    made = Aria2()
    lines = (made.head + made.add(Item(item("one", assets=entries))) + made.finish(whole=True)).splitlines()
    assert lines == [
        "https://h/b.tif",
        "  out=fields/one/b.tif",
        f"  checksum=sha-256={'ab' * 32}",
        "https://h/c.tif",
        "  out=fields/one/c.tif",
        "https://h/d.tif",
        "  out=fields/one/d.tif",
    ]
    assert made.notes() == ["files of this machine, left out: 1"]
    assert (Aria2().notes(), Aria2().finish(whole=False)) == ([], "")
