"""What lies on this disk of finished downloads is found from the queue and from the folder, and verified."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mlhub_tui.http.cache import LastListing
from mlhub_tui.models import Dataset, Entry
from mlhub_tui.planning.filters import Filters
from mlhub_tui.planning.manifest import Manifest, manifest_path
from mlhub_tui.planning.requests import ArchiveRequest, AssetRequest, DatasetRequest
from mlhub_tui.planning.selection import PlannedFile
from mlhub_tui.queue.job import Job, JobState
from mlhub_tui.queue.library import LibraryState, ListedLicences, read_library, verify_entry, with_licence

_SETTLE = "UPDATE fate SET state = ?, bytes = 3 FROM file f WHERE f.id = fate.id AND f.path = ?"
COLLECTION = {"type": "Collection", "id": "maize", "license": "CC-BY-4.0"}


def archive(path: Path, *members: tuple[str, bytes]) -> Path:
    """Write an archive."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:gz") as file:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            file.addfile(info, io.BytesIO(data))
    return path


def maize(folder: Path) -> Path:
    return archive(folder / "maize.tar.gz", ("maize/collection.json", json.dumps(COLLECTION).encode()))


def job(number: int, folder: Path, state: JobState = JobState.DONE, **more: Any) -> Job:
    request = ArchiveRequest("https://x.example/", "work", "maize", folder, title="Maize fields")
    return Job(number, request, request.name, state, number, **more)


def asset(number: int, folder: Path, name: str, state: JobState = JobState.DONE) -> Job:
    request = AssetRequest("https://x.example/", None, "wheat", folder, f"wheat/{name}", name, "image")
    return Job(number, request, f"wheat/{name}", state, number, bytes_total=3)


def dataset(folder: Path, states: dict[str, int]) -> DatasetRequest:
    """Write the files and the manifest of a dataset; state 2 is done, 3 failed."""
    request = DatasetRequest("https://x.example/", None, "crops", folder, Filters(), "2020-01-01 a")
    (folder / "crops").mkdir(parents=True)
    (folder / "crops" / "collection.json").write_text(json.dumps(COLLECTION))
    with Manifest(manifest_path(request)) as manifest:
        manifest.want(PlannedFile(name, f"https://x/{name}", 3, "", False, "a", "i", "k") for name in states)
        with manifest.transaction() as db:
            for name, state in states.items():
                values = (state, name)
                db.execute(_SETTLE, values)
                if state == 2:
                    (folder / "crops" / name).write_text("abc")
    return request


def test_an_archive_of_the_queue_has_source_title_and_licence(tmp_path: Path) -> None:
    path = maize(tmp_path)
    (entry,) = read_library([job(1, tmp_path, bytes_total=path.stat().st_size)], tmp_path)
    assert (entry.name, entry.title, entry.source) == ("maize", "Maize fields", "https://x.example/")
    assert (entry.files, entry.bytes, entry.state) == (1, path.stat().st_size, LibraryState.WHOLE)
    assert with_licence(entry).licence == "CC-BY-4.0"
    assert entry.catalog == path


def test_files_without_documents_have_the_licence_known_when_they_were_queued(tmp_path: Path) -> None:
    fetched = asset(1, tmp_path, "a.tif")
    assert isinstance(fetched.request, AssetRequest)
    fetched = replace(fetched, request=replace(fetched.request, licence="MIT"))
    fetched.path.parent.mkdir(parents=True)
    fetched.path.write_text("abc")
    (entry,) = read_library([fetched], tmp_path)
    assert with_licence(entry).licence == "MIT"
    (fetched.path.parent / "collection.json").write_text(json.dumps(COLLECTION))
    assert with_licence(entry).licence == "CC-BY-4.0", "documents on the disk count first"


@pytest.mark.parametrize("collection", ["wheat", ""])
def test_the_files_of_a_collection_or_a_model_are_one_download(collection: str, tmp_path: Path) -> None:
    folder, jobs = tmp_path / "wheat", []
    for number, name in enumerate(("one/a.tif", "two/a.tif") if collection else ("a.bin", "b.bin")):
        item = name.partition("/")[0] if collection else "wheat"
        request = AssetRequest("https://x.example/", None, collection, folder, name, item, "a", title="An a")
        jobs.append(Job(number, request, name, JobState.DONE, number, bytes_total=3))
        jobs[-1].path.parent.mkdir(parents=True, exist_ok=True)
        jobs[-1].path.write_text("abc")
    (entry,) = read_library(jobs, tmp_path)
    assert (entry.name, entry.title, entry.place, entry.files) == ("wheat", "", folder, 2)
    assert entry.state is LibraryState.WHOLE


def test_what_the_queue_has_forgotten_is_found_in_the_folder(tmp_path: Path) -> None:
    maize(tmp_path)
    dataset(tmp_path, {"a.tif": 2, "b.tif": 2})
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes.txt").write_text("mine")
    found = read_library([], tmp_path)
    assert [(entry.name, entry.files, entry.source) for entry in found] == [
        ("crops", 2, ""),
        ("maize", 1, ""),
    ]


@pytest.mark.parametrize("is_queued", [True, False])
def test_the_catalog_archive_of_a_dataset_is_no_download_of_its_own(is_queued: bool, tmp_path: Path) -> None:
    request = dataset(tmp_path, {"a.tif": 2})
    maize(tmp_path).rename(tmp_path / "crops.tar.gz")
    jobs = [Job(1, request, "crops", JobState.DONE, 1)] if is_queued else []
    (entry,) = read_library(jobs, tmp_path)
    assert entry.place == tmp_path / "crops"
    own = ArchiveRequest("https://x.example/", None, "crops", tmp_path)
    fetched = Job(2, own, own.name, JobState.DONE, 2)
    found = read_library([*jobs, fetched], tmp_path)
    assert {one.place.name for one in found} == {"crops", "crops.tar.gz"}, "it was asked for by itself"


def test_a_folder_that_is_not_there_is_empty(tmp_path: Path) -> None:
    assert read_library([], tmp_path / "none") == []


@pytest.mark.parametrize(
    ("states", "state", "reason"),
    [
        ({"a.tif": 2, "b.tif": 2}, LibraryState.WHOLE, ""),
        ({"a.tif": 2, "b.tif": 3}, LibraryState.PARTLY, "1 file of 2 not fetched"),
    ],
)
def test_a_dataset_is_whole_once_all_its_files_were_fetched(
    states: dict[str, int], state: LibraryState, reason: str, tmp_path: Path
) -> None:
    dataset(tmp_path, states)
    (entry,) = read_library([], tmp_path)
    assert (entry.state, entry.reason) == (state, reason)
    assert with_licence(entry).licence == "CC-BY-4.0"


def test_a_missing_and_a_shortened_file_are_reported(tmp_path: Path) -> None:
    path = maize(tmp_path)
    of_queue = [job(1, tmp_path, bytes_total=path.stat().st_size)]
    path.write_bytes(b"short")
    (entry,) = read_library(of_queue, tmp_path)
    assert (entry.state, entry.reason) == (
        LibraryState.CHANGED,
        "maize.tar.gz has another size than when it was fetched",
    )
    path.unlink()
    (entry,) = read_library(of_queue, tmp_path)
    assert (entry.state, entry.reason) == (LibraryState.MISSING, "maize.tar.gz is missing")
    (entry,) = read_library([asset(number, tmp_path, f"{number}.tif") for number in range(3)], tmp_path)
    assert entry.reason.endswith(".tif is missing, and 2 more files")


def test_assets_of_a_collection_are_one_entry_and_those_not_fetched_make_it_partly_there(
    tmp_path: Path,
) -> None:
    (tmp_path / "wheat").mkdir()
    for name in ("a.tif", "b.tif"):
        (tmp_path / "wheat" / name).write_text("abc")
    jobs = [asset(1, tmp_path, "a.tif"), asset(2, tmp_path, "b.tif")]
    (entry,) = read_library(jobs, tmp_path)
    assert (entry.files, entry.bytes, entry.state) == (2, 6, LibraryState.WHOLE)
    (entry,) = read_library([*jobs, asset(3, tmp_path, "c.tif", JobState.FAILED)], tmp_path)
    assert (entry.state, entry.reason) == (LibraryState.PARTLY, "1 file not fetched")


def test_jobs_of_which_nothing_is_on_disk_are_left_out(tmp_path: Path) -> None:
    assert (
        read_library([job(1, tmp_path, JobState.PAUSED), job(2, tmp_path, JobState.FAILED)], tmp_path) == []
    )


def test_verifying_reads_archives_and_compares_the_sizes_of_a_dataset(tmp_path: Path) -> None:
    path = maize(tmp_path / "archives")
    dataset(tmp_path, {"a.tif": 2, "b.tif": 2})
    (packed,) = read_library([], path.parent)
    (crops,) = read_library([], tmp_path)
    stop = threading.Event()
    assert str(verify_entry(packed, lambda _: None, stop)) == "whole: size, gzip CRC"
    assert str(verify_entry(crops, lambda _: None, stop)) == "whole: sizes"
    data = bytearray(path.read_bytes())
    data[-5] ^= 1  # of the CRC at the end
    path.write_bytes(data)
    (tmp_path / "crops" / "b.tif").unlink()
    assert "damaged: maize.tar.gz" in str(verify_entry(packed, lambda _: None, stop))
    assert "1 file gone or changed, b.tif first" in str(verify_entry(crops, lambda _: None, stop))


def test_an_archive_whose_head_states_no_licence_has_that_of_the_last_listing(tmp_path: Path) -> None:
    archive(tmp_path / "maize.tar.gz", ("maize/image.tif", b"no document"))
    (entry,) = read_library([job(1, tmp_path)], tmp_path)
    assert with_licence(entry, ListedLicences()).licence == "", "nothing is cached"
    licence = "[CC-BY-SA-4.0](https://creativecommons.org/licenses/by-sa/4.0/)"  # as the MLHub API states it
    record = {"id": "crops", "collections": [{"id": "maize", "types": ["labels"], "license": licence}]}
    LastListing(entry.source, "a key").save([Entry.of(Dataset(record))])
    assert with_licence(entry, ListedLicences()).licence == "CC-BY-SA-4.0"
    (of_nobody,) = read_library([], tmp_path)
    assert with_licence(of_nobody, ListedLicences()).licence == "", "its source is not known"


@pytest.mark.parametrize(
    "content",
    [b"no archive", gzip.compress(b"no tar"), gzip.compress(bytes(9000))[:-9]],
    ids=["no gzip", "no tar", "cut"],
)
def test_a_damaged_archive_has_no_licence(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "odd.tar.gz").write_bytes(content)
    (entry,) = read_library([], tmp_path)
    assert with_licence(entry).licence == ""


def test_a_licence_far_inside_a_large_archive_is_not_read_for(tmp_path: Path) -> None:
    members = [
        ("maize/image.tif", bytes(9_000_000)),
        ("maize/collection.json", json.dumps(COLLECTION).encode()),
    ]
    archive(tmp_path / "maize.tar.gz", *members)
    (entry,) = read_library([], tmp_path)
    assert with_licence(entry).licence == ""
