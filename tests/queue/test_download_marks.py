"""Marks of what is downloaded: by jobs that run, ended or were cleared, manifests, and what is on disk."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mlhub_tui.auth import Kind
from mlhub_tui.models import Dataset, Entry, EntryKind
from mlhub_tui.models.search import parse_span
from mlhub_tui.planning.filters import Filters
from mlhub_tui.planning.manifest import Manifest, manifest_path
from mlhub_tui.planning.requests import ArchiveRequest, AssetRequest, DatasetRequest, dataset_request
from mlhub_tui.planning.selection import PlannedFile
from mlhub_tui.queue.download_marks import Mark, read_marks
from mlhub_tui.queue.job import Job, JobState

SOURCE = "https://stac.example.org/"
DATASET = Entry.of(Dataset({"id": "d", "collections": [{"id": "c"}, {"id": "other"}]}))


def collection(name: str) -> Entry:
    return Entry(EntryKind.COLLECTION, name)


def item(name: str, holder: str = "c", url: str = "") -> Entry:
    return Entry(EntryKind.ITEM, name, url=url, collection_id=holder)


def archive(folder: Path, name: str, state: JobState, **more: Any) -> Job:
    request = ArchiveRequest(SOURCE, None, name, folder)
    return Job(1, request, request.name, state, 1, **more)


def asset(folder: Path, number: int, name: str, state: JobState) -> Job:
    request = AssetRequest(SOURCE, None, "c", folder, f"c/{name}/{number}.tif", name, str(number))
    if state is JobState.DONE:
        (folder / request.name).parent.mkdir(parents=True, exist_ok=True)
        (folder / request.name).touch()
    return Job(number, request, request.name, state, number)


@pytest.mark.parametrize(
    ("state", "more", "mark"),
    [
        (JobState.QUEUED, {}, Mark.QUEUED),
        (JobState.CONNECTING, {}, Mark.QUEUED),
        (JobState.DOWNLOADING, {"bytes_done": 5}, Mark.PARTLY),
        (JobState.FAILED, {"bytes_done": 5}, Mark.PARTLY),
        (JobState.FAILED, {}, Mark.NONE),
        (JobState.CANCELLED, {}, Mark.NONE),
    ],
)
def test_an_archive_has_the_mark_of_its_job(
    tmp_path: Path, state: JobState, more: dict[str, int], mark: Mark
) -> None:
    marks = read_marks([archive(tmp_path, "c", state, **more)], tmp_path, SOURCE)
    assert marks.of(collection("c")) is mark
    assert marks.of(DATASET) is mark, "of one collection of two"


def test_a_finished_archive_counts_while_it_is_there_also_when_its_job_was_cleared(tmp_path: Path) -> None:
    job = archive(tmp_path, "c", JobState.DONE)
    assert not read_marks([job], tmp_path, SOURCE), "it was deleted"
    job.path.touch()
    for jobs in ([job], []):
        marks = read_marks(jobs, tmp_path, SOURCE)
        assert marks.of(collection("c")) is Mark.DOWNLOADED
        assert marks.of(item("i")) is Mark.DOWNLOADED, "all of the collection is"
        assert marks.of(DATASET) is Mark.PARTLY
    (tmp_path / "other.tar.gz").touch()
    assert read_marks([], tmp_path, SOURCE).of(DATASET) is Mark.DOWNLOADED


def test_jobs_of_another_source_give_no_marks(tmp_path: Path) -> None:
    assert not read_marks([archive(tmp_path, "c", JobState.QUEUED)], tmp_path / "none", "https://x.example/")


def test_an_item_is_downloaded_when_all_its_chosen_assets_are(tmp_path: Path) -> None:
    jobs = [
        asset(tmp_path, 1, "whole", JobState.DONE),
        asset(tmp_path, 2, "half", JobState.DONE),
        asset(tmp_path, 3, "half", JobState.QUEUED),
        asset(tmp_path, 4, "none", JobState.QUEUED),
    ]
    marks = read_marks(jobs, tmp_path, SOURCE)
    found = [marks.of(item(name)) for name in ("whole", "half", "none", "unknown")]
    assert found == [Mark.DOWNLOADED, Mark.PARTLY, Mark.QUEUED, Mark.NONE]
    assert marks.of(collection("c")) is Mark.PARTLY


def planned(folder: Path, filters: Filters = Filters(), done: int = 3) -> Job:  # noqa: B008 - it is frozen
    """Return the job of a dataset of three files, so many of which are done."""
    request = dataset_request("d", folder, filters, source=SOURCE, kind=Kind.MLHUB)
    where = (("c", "one"), ("c", "two"), ("other", "three"))
    files = [PlannedFile(f"{c}/{i}/B.tif", "https://x/B", None, "", False, c, i, "B") for c, i in where]
    with Manifest(manifest_path(request)) as manifest:
        manifest.want(files)
        with manifest.transaction() as db:
            db.execute("UPDATE fate SET state = 2 WHERE id <= ?", (done,))
    request.asset_folder.mkdir(parents=True, exist_ok=True)
    state = JobState.DONE if done == 3 else JobState.FAILED
    return Job(1, request, request.name, state, 1, files_done=done, files_total=3)


def test_a_dataset_has_the_marks_of_its_manifest(tmp_path: Path) -> None:
    marks = read_marks([planned(tmp_path, done=1)], tmp_path / "other", SOURCE)
    assert [marks.of(collection(name)) for name in ("c", "other")] == [Mark.PARTLY, Mark.NONE]
    assert [marks.of(item(name)) for name in ("one", "two")] == [Mark.DOWNLOADED, Mark.NONE]
    assert marks.of(DATASET) is Mark.PARTLY
    whole = planned(tmp_path)
    for jobs in ([whole], []):  # as its folder is in the output folder, the job may be cleared
        marks = read_marks(jobs, tmp_path, SOURCE)
        assert marks.of(collection("c")) is marks.of(DATASET) is Mark.DOWNLOADED


@pytest.mark.parametrize("filters", [Filters((("c", frozenset({"B"})),)), Filters(when=parse_span("2018"))])
def test_a_plan_of_a_part_leaves_its_collection_partly_there(tmp_path: Path, filters: Filters) -> None:
    marks = read_marks([planned(tmp_path, filters)], tmp_path / "other", SOURCE)
    assert marks.of(collection("c")) is marks.of(DATASET) is Mark.PARTLY
    assert marks.of(item("one")) is Mark.DOWNLOADED


def test_a_collection_of_a_static_catalog_is_known_by_its_url(tmp_path: Path) -> None:
    job = planned(tmp_path)
    url = "https://stac.example.org/c/collection.json"
    assert isinstance(job.request, DatasetRequest)
    request = replace(job.request, kind=Kind.STATIC, collections=(url,))
    marks = read_marks([replace(job, request=request)], tmp_path / "other", SOURCE)
    assert marks.of(Entry(EntryKind.CATALOG, url=url)) is Mark.DOWNLOADED
