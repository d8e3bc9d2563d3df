"""A dataset as one job of the queue: its phases, its holds, and what stands on disk in the end."""

from __future__ import annotations

import asyncio
import csv
import errno
import os
import random
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from mlhub_tui.models import BBox
from mlhub_tui.options import IfExists
from mlhub_tui.planning.filters import Filters
from mlhub_tui.planning.manifest import FileStatus, LockedManifest, Manifest, manifest_path
from mlhub_tui.planning.requests import DatasetRequest
from mlhub_tui.queue.client import QueueClient
from mlhub_tui.queue.job import JobAction, JobState
from mlhub_tui.queue.service import QueueService
from tests.support.fault_server import FaultServer
from tests.support.http_server import Answer, Request
from tests.transfer.batch_support import origin

from ..planning.made import Json, archive, asset, collection, item, named
from .dataset_support import CATALOG, CROPS, Crops, assets_in, queue_at, reached, settle, shops, stock, wish
from .support import ENDLESS

MANY = 160


async def test_a_dataset_is_one_job_with_its_catalog_and_all_its_files(crops: Crops) -> None:
    contents, out = crops.stock(30), crops.out
    job = await crops.settle()
    assert (job.state, job.reason) == (JobState.DONE, "30 files")
    assert (job.files_done, job.files_failed, job.files_total) == (30, 0, 30)
    size = len(crops.server.by_target[CATALOG]) + sum(map(len, contents.values()))
    assert (job.bytes_done, job.bytes_total) == (size, size)
    assert job.path == out / CROPS
    assert assets_in(out / CROPS) == contents
    assert (out / f"{CROPS}.tar.gz").read_bytes() == crops.server.by_target[CATALOG]
    assert (out / CROPS / "catalog.json").is_file()
    assert (out / CROPS / "fields/i00003/i00003.json").is_file()
    assert (out / CROPS / "err_report.csv").read_bytes() == b""
    assert len(crops.queue.snapshot()) == 1


@pytest.mark.slow
async def test_a_job_tells_what_it_is_at(crops: Crops) -> None:
    crops.stock(MANY)
    crops.server.plan = lambda request: slow(request) or Answer(pace=0.02, piece=100)
    said: list[tuple[JobState, str]] = []
    job = await crops.queue.add(wish(crops.out))

    def note() -> bool:
        now = next(each for each in crops.queue.snapshot() if each.id == job.id)
        said.append((now.state, now.reason))
        return now.state is JobState.DONE

    await reached(crops.queue, job.id, lambda _: note())
    assert (JobState.DOWNLOADING, "the catalog") in said
    files = [
        reason for state, reason in said if state is JobState.DOWNLOADING and f"of {MANY} files" in reason
    ]
    assert files


async def test_a_second_run_fetches_what_is_missing_and_other_filters_add(crops: Crops) -> None:
    contents, out = crops.stock(20), crops.out
    first = Filters(Filters.keys({"fields": ["a"]}))
    assert (await crops.settle(first)).reason == "10 files"
    (out / CROPS / "fields/i00001/a.tif").unlink()
    crops.server.requests.clear()
    await crops.settle(first)
    assert crops.gets == ["/store/i00001/a.tif"]
    crops.server.requests.clear()
    await crops.settle(Filters(Filters.keys({"fields": ["b"]})))
    assert sorted(crops.gets) == [f"/store/i{number:05}/b.tif" for number in range(10)]
    assert assets_in(out / CROPS) == contents


async def test_failures_end_the_job_with_their_number_and_a_retry_takes_those_and_what_is_gone_since(
    crops: Crops,
) -> None:
    contents, out = crops.stock(12, c="mailto://a.example", d="ftp://a.example/x.tif"), crops.out
    shelf = dict(crops.server.by_target)
    lost = shelf.pop("/store/i00004/b.tif")
    crops.server.by_target = shelf
    crops.server.plan = lambda request: Answer(404) if request.target not in crops.server.by_target else None
    job = await crops.settle()
    assert (job.state, job.reason) == (JobState.FAILED, "done with 3 failed: 11 of 14 files are there")
    assert "retry fetches only those" in job.hint
    assert (job.files_done, job.files_failed, job.files_total) == (11, 3, 14)
    rows = list(csv.reader((out / CROPS / "err_report.csv").read_text().splitlines()))
    assert [row[1:5] for row in rows] == [
        [CROPS, "fields", "i00000", "c"],
        [CROPS, "fields", "i00000", "d"],
        [CROPS, "fields", "i00004", "b"],
    ]
    assert isinstance(job.request, DatasetRequest)
    with Manifest(manifest_path(job.request)) as files:
        assert [entry.file.key for entry in files.entries(FileStatus.FAILED)] == ["c", "d", "b"]
        assert files.stats().failed == 3
        assert [entry.id for entry in files.entries(after=files.entries(most=5)[-1].id, most=2)] == [6, 7]
    crops.server.by_target = {**shelf, "/store/i00004/b.tif": lost}
    (out / CROPS / "fields/i00002/a.tif").unlink()
    worked_on = out / CROPS / "fields/i00003/a.tif"
    worked_on.write_bytes(worked_on.read_bytes() + b"with overviews")
    crops.server.requests.clear()
    await crops.queue.retry(job.id)
    job = (await crops.queue.wait([job.id]))[0]
    assert job.reason == "done with 2 failed: 12 of 14 files are there"
    assert sorted(crops.gets) == ["/store/i00002/a.tif", "/store/i00004/b.tif"]
    found = assets_in(out / CROPS)
    assert {path for path in found if found[path] != contents.get(path)} == {"fields/i00003/a.tif"}


async def test_nothing_matches_is_said_before_anything_is_unpacked(crops: Crops) -> None:
    crops.stock(6)
    job = await crops.settle(Filters(bbox=BBox(50, 50, 51, 51)))
    assert (job.state, job.reason) == (JobState.FAILED, f"nothing in {CROPS} matches the filters")
    assert job.hint.startswith("widen the area")
    assert [path.name for path in crops.out.iterdir()] == [f"{CROPS}.tar.gz"]


async def test_the_catalog_alone_and_assets_apart(crops: Crops) -> None:
    contents, out, apart = crops.stock(4), crops.out, crops.folder / "assets"
    job = await crops.settle(Filters(catalog_only=True))
    assert (job.state, job.reason) == (JobState.DONE, "the catalog")
    assert assets_in(out / CROPS) == {}
    assert (out / CROPS / "catalog.json").is_file()
    job = await crops.settle(assets=apart)
    assert assets_in(apart / CROPS) == contents
    assert assets_in(out / CROPS) == {}
    assert (apart / CROPS / "err_report.csv").is_file()


@pytest.mark.slow
@pytest.mark.parametrize("catalogs", [1, 2], ids=["all is there", "the catalog is gone meanwhile"])
async def test_pause_and_resume_go_on_where_it_was(crops: Crops, catalogs: int) -> None:
    contents, out = crops.stock(MANY), crops.out
    crops.server.plan = slow
    job = await crops.begin()
    await crops.queue.pause(job.id)
    await reached(crops.queue, job.id, lambda now: now.state is JobState.PAUSED)
    if catalogs == 2:
        (out / f"{CROPS}.tar.gz").unlink()
    crops.server.plan = None
    await crops.queue.resume(job.id)
    done = (await crops.queue.wait([job.id]))[0]
    assert done.state is JobState.DONE
    assert assets_in(out / CROPS) == contents
    assert (out / f"{CROPS}.tar.gz").read_bytes() == crops.server.by_target[CATALOG]
    assert crops.gets.count(CATALOG) == catalogs
    # What was on its way, or not put away, when it was paused comes again.
    assert len(crops.gets) <= MANY + catalogs + 32


def slow(request: Request) -> Answer | None:
    return Answer(pace=0.05, piece=60) if request.target != CATALOG else None


async def test_pauses_at_any_moment_never_lock_the_job_out(crops: Crops) -> None:
    contents, out, chance = crops.stock(40), crops.out, random.Random(3)
    job = await crops.queue.add(wish(out))
    for _ in range(25):
        await asyncio.sleep(chance.uniform(0, 0.04))
        await crops.queue.pause(job.id)
        await crops.queue.resume(job.id)
    job = (await crops.queue.wait([job.id]))[0]
    assert (job.state, job.reason) == (JobState.DONE, "40 files")
    assert assets_in(out / CROPS) == contents


@pytest.mark.slow
async def test_a_cancel_keeps_what_came_and_says_where_and_a_retry_fetches_it_again_where_it_is_gone(
    crops: Crops,
) -> None:
    contents = crops.stock(MANY)
    crops.server.plan = slow
    job = await crops.begin()
    await crops.queue.cancel(job.id)
    job = next(each for each in crops.queue.snapshot() if each.id == job.id)
    assert job.state is JobState.CANCELLED
    assert job.reason.endswith(f"are saved in {crops.out / CROPS}")
    assert len(assets_in(crops.out / CROPS)) >= 5
    shutil.rmtree(crops.out)
    crops.server.plan = None
    await crops.queue.retry(job.id)
    job = (await crops.queue.wait([job.id]))[0]
    assert job.state is JobState.DONE
    assert assets_in(crops.out / CROPS) == contents
    assert (crops.out / CROPS / "catalog.json").is_file()


@pytest.mark.slow
async def test_what_nobody_runs_is_cancelled_with_a_word_on_its_files(
    mlhub_home: Path, server: FaultServer, tmp_path: Path
) -> None:
    stock(server, tmp_path, MANY)
    server.plan = slow
    queue = queue_at(mlhub_home, shops(server))
    job = await queue.add(wish(tmp_path / "out"))
    await reached(queue, job.id, lambda now: now.files_done > 5)
    await asyncio.to_thread(queue.stop, 60)
    with QueueClient(mlhub_home / "queue.db") as desk:
        [done] = desk.order(JobAction.CANCEL, delete_part=True).done
    assert done.state is JobState.CANCELLED
    assert done.reason.endswith(f"files are saved in {tmp_path / 'out' / CROPS}")


@pytest.mark.slow
async def test_a_program_that_ends_leaves_it_to_the_next_one(
    mlhub_home: Path, server: FaultServer, tmp_path: Path
) -> None:
    contents, out = stock(server, tmp_path, MANY), tmp_path / "out"
    server.plan = slow
    first = queue_at(mlhub_home, shops(server))
    job = await first.add(wish(out))
    await reached(first, job.id, lambda now: now.files_done > 5)
    await asyncio.to_thread(first.stop, 60)
    with QueueClient(mlhub_home / "queue.db") as desk:
        [left] = desk.jobs()
        assert left.state is JobState.QUEUED
        assert left.request == job.request
        assert left.files_total == MANY
    server.plan = None
    second = queue_at(mlhub_home, shops(server))
    await reached(second, job.id, lambda now: now.state is JobState.DONE)
    await asyncio.to_thread(second.stop, 60)
    assert assets_in(out / CROPS) == contents
    assert [request.target for request in server.gets].count(CATALOG) == 1


@pytest.mark.slow
async def test_another_program_can_list_the_files_of_a_running_job_and_pause_it(
    crops: Crops, mlhub_home: Path
) -> None:
    crops.stock(MANY)
    crops.server.plan = slow
    job = await crops.begin()

    def look() -> None:
        with QueueClient(mlhub_home / "queue.db") as desk:
            [seen] = desk.jobs()
            assert isinstance(seen.request, DatasetRequest)
            with Manifest(manifest_path(seen.request)) as files:
                assert files.stats().files == MANY
                assert files.entries(FileStatus.DONE, most=3)
            desk.order(JobAction.PAUSE)

    await asyncio.to_thread(look)
    await reached(crops.queue, job.id, lambda now: now.state is JobState.PAUSED)


@pytest.mark.parametrize("status", [429, 503])
async def test_a_store_that_refuses_holds_the_job_and_fails_no_file(
    mlhub_home: Path, server: FaultServer, tmp_path: Path, status: int
) -> None:
    contents, out = stock(server, tmp_path, 30), tmp_path / "out"
    queue = queue_at(mlhub_home, shops(server), ENDLESS)  # else its tries may be over before one looks
    gone = True
    server.plan = lambda request: Answer(status) if gone and request.target != CATALOG else None
    job = await queue.add(wish(out))
    held = await reached(queue, job.id, lambda now: now.state is JobState.RETRYING)
    assert held.files_failed == 0
    assert str(status) in held.reason
    gone = False
    job = (await queue.wait([job.id]))[0]
    assert (job.state, job.files_done) == (JobState.DONE, 30)
    assert assets_in(out / CROPS) == contents
    await asyncio.to_thread(queue.stop, 60)


async def test_too_little_room_holds_the_job(crops: Crops, monkeypatch: pytest.MonkeyPatch) -> None:
    contents, out = crops.stock(10), crops.out

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr("mlhub_tui.transfer.local_folder.sync_files", full)
        job = await crops.settle()
        assert (job.state, job.files_failed) == (JobState.NO_SPACE, 0)
    await crops.queue.resume(job.id)
    assert (await crops.queue.wait([job.id]))[0].state is JobState.DONE
    assert assets_in(out / CROPS) == contents


async def test_room_is_kept_for_what_is_known_to_come(crops: Crops, monkeypatch: pytest.MonkeyPatch) -> None:
    contents, out = crops.stock(30, size=2000), crops.out
    with monkeypatch.context() as patched:
        patched.setattr("mlhub_tui.fileio.free_space", lambda _: 20_000)
        job = await crops.settle()
        assert job.state is JobState.NO_SPACE
        assert "has 20.0 kB left" in job.reason
        assert assets_in(out / CROPS) == {}
    await crops.queue.resume(job.id)
    assert (await crops.queue.wait([job.id]))[0].state is JobState.DONE
    assert assets_in(out / CROPS) == contents


@pytest.mark.slow
async def test_overwrite_replaces_all_once_even_when_it_is_paused(crops: Crops) -> None:
    contents, out = crops.stock(MANY), crops.out
    await crops.settle()
    for path in (out / CROPS).rglob("*.tif"):
        path.write_bytes(b"x" * path.stat().st_size)
    crops.server.requests.clear()
    crops.server.plan = slow
    request = wish(out, if_exists=IfExists.OVERWRITE)
    job = await crops.queue.add(request)
    await reached(
        crops.queue, job.id, lambda now: 0 < now.files_done < MANY and now.state is JobState.DOWNLOADING
    )
    await crops.queue.pause(job.id)
    crops.server.plan = None
    # Given again, as a command is after Ctrl+C, the same wish is gone on with.
    await settle(crops.queue, replace(request, request_id="2020-01-01 other"))
    assert assets_in(out / CROPS) == contents
    assert len(crops.gets) <= MANY + 1 + 32


async def test_two_runs_never_write_one_folder(crops: Crops, monkeypatch: pytest.MonkeyPatch) -> None:
    crops.stock(4)
    monkeypatch.setattr("mlhub_tui.planning.manifest._PATIENCE", 0.1)
    request = wish(crops.out)

    held = LockedManifest(request).open()
    job = await settle(crops.queue, request)
    held.close()
    assert (job.state, job.reason) == (JobState.FAILED, f"another program downloads to {crops.out / CROPS}")


async def test_a_dataset_without_a_catalog_fails_with_a_sentence(queue: QueueService, tmp_path: Path) -> None:
    job = await settle(queue, replace(wish(tmp_path / "out"), dataset_id="other"))
    assert (job.state, job.reason) == (
        JobState.FAILED,
        "the catalog of dataset other does not exist; it may still be generating",
    )


async def test_a_truncated_catalog_fails_with_a_sentence(crops: Crops) -> None:
    crops.stock(30)
    crops.server.by_target = {CATALOG: crops.server.by_target[CATALOG][:-40]}
    job = await crops.settle()
    assert job.state is JobState.FAILED
    assert "damaged" in job.reason or "ends" in job.reason or "cut" in job.reason, job.reason
    assert not (crops.out / CROPS).exists()


async def test_members_that_lead_outside_are_left_out(crops: Crops) -> None:
    crops.stock(2)
    base = f"{origin(crops.server)}/store/i00000"
    evil = item("../../../evil", assets={"../../a": asset(f"{base}/a.tif"), "a": asset(f"{base}/a.tif")})
    members: list[tuple[str, Json | bytes]] = [
        *named(CROPS, [collection("fields"), item("x", assets={"b": asset(f"{base}/b.tif")})]),
        (f"{CROPS}/fields/evil.json", evil),
        ("../evil.txt", b"evil"),
        ("/evil.txt", b"evil"),
        (f"{CROPS}/../../evil.txt", b"evil"),
    ]
    made = archive(crops.folder / "evil.tar.gz", members)
    crops.server.by_target = {**crops.server.by_target, CATALOG: made.read_bytes()}
    out = crops.folder / "deep" / "out"
    job = await settle(crops.queue, wish(out))
    assert (job.state, job.files_done) == (JobState.DONE, 3)
    assert all(
        path.is_relative_to(out / CROPS) or path == out / f"{CROPS}.tar.gz"
        for path in files_below(crops.folder / "deep")
    )
    assert not list(crops.folder.rglob("evil.txt"))


def files_below(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


async def test_a_server_is_asked_for_links_only_as_often_as_it_has_to_be(
    mlhub_home: Path, server: FaultServer, tmp_path: Path
) -> None:
    stock(server, tmp_path, 30)
    resolver = shops(server)
    queue = queue_at(mlhub_home, resolver)
    await settle(queue, wish(tmp_path / "out"))
    assert len(resolver.shop.asked) == 1
    assert resolver.shop.asked[0].startswith(origin(server))
    await asyncio.to_thread(queue.stop, 60)


async def test_two_items_of_one_id_are_both_there_and_that_is_said(crops: Crops) -> None:
    urls = [f"{origin(crops.server)}/store/{year}/image.tif" for year in (2019, 2020)]
    documents = [item("image", assets={"data": asset(url)}) for url in urls]
    members = [(f"{CROPS}/fields/{number}/image.json", each) for number, each in enumerate(documents)]
    made = archive(crops.folder / "made.tar.gz", [*named(CROPS, [collection("fields")]), *members])
    contents = {url.removeprefix(origin(crops.server)): url.encode() for url in urls}
    crops.server.by_target = {**contents, CATALOG: made.read_bytes()}
    job = await crops.settle()
    assert (job.state, job.files_done) == (JobState.DONE, 2)
    assert "1 item with the id of another, in a folder apart" in job.reason
    found = assets_in(crops.out / CROPS)
    assert sorted(found.values()) == sorted(contents.values())
    assert found["fields/image/data.tif"] == urls[0].encode()
