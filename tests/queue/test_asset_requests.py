"""From documents to requests: names for hostile ids, choices by key, and what the queue's database keeps."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlhub_tui.auth import Credentials, Kind
from mlhub_tui.errors import NotOffered
from mlhub_tui.models import Asset, Collection, Item
from mlhub_tui.planning.assets import AssetGroup, AssetTally, DocumentOrigin, multihash, requests_for
from mlhub_tui.planning.layout import asset_extension, file_names
from mlhub_tui.planning.requests import SAMPLE, ArchiveRequest, AssetRequest
from mlhub_tui.queue.database import Database
from mlhub_tui.queue.job import JobState
from mlhub_tui.queue.repository import JobRepository
from mlhub_tui.queue.run_job import credentials_for, open_for_job

API = DocumentOrigin("https://api.example/", Kind.STAC_API)
STATIC = DocumentOrigin("/data/catalog.json", Kind.STATIC)

HOSTILE = st.text(max_size=300) | st.sampled_from(
    ["..", "/etc/passwd", "a/../../b", "con", "C:\\x", "", "\ud800", "a\0b", "x" * 300, "~root", "-rf"]
)


def item(item_id: str, *, collection: str = "c", url: str = "", **assets: Any) -> Item:
    return Item({"id": item_id, "collection": collection, "assets": assets}, url=url)


def asset(key: str, href: str, media_type: str = "") -> Asset:
    return Asset(key, href, media_type=media_type)


@pytest.mark.parametrize(
    ("href", "media_type", "end"),
    [
        ("https://h/a.tif", "", ".tif"),
        ("https://h/a.tiff?sig=1.png", "", ".tif"),
        ("s3://b/a.JP2", "", ".JP2"),
        ("..\\a.geojson", "", ".geojson"),
        ("https://h/a.tar.gz", "", ".gz"),
        ("https://h.tif/download", "", ""),
        ("https://h/download", "image/tiff; application=geotiff", ".tif"),
        ("https://h/a.b c", "image/png", ".png"),
        ("https://h/a.%2e%2e%2f", "", ""),
        ("https://[broken", "application/json", ".json"),
        ("/vsicurl?max_retry=3&url=https%3A%2F%2Fh%2Fa.tif", "", ".tif"),
    ],
)
def test_the_extension_is_that_of_the_path_or_of_the_media_type(href: str, media_type: str, end: str) -> None:
    assert asset_extension(asset("k", href, media_type)) == end


def test_names_that_a_file_system_could_mix_up_are_told_apart() -> None:
    keys = ["B1", "b1", "b1.tif", "x", "x.tif.part", "y", "\u00e9t\u00e9", "e\u0301te\u0301"]
    ends = ["/1.tif", "/2.TIF", "/3", "/4.tif", "/5", "/6.png", "/7.tif", "/8.tif"]
    assets = [asset(key, f"https://h{end}") for key, end in zip(keys, ends, strict=True)]
    names = file_names(assets)
    assert names["y"] == "y.png"
    assert names["x"] == "x.tif"
    folded = {unicodedata.normalize("NFC", name).casefold() for name in names.values()}
    assert len(folded) == len(keys)
    assert folded.isdisjoint(f"{name}.part" for name in folded)
    assert file_names(assets) == names


@settings(max_examples=50, deadline=None)
@given(collection=HOSTILE, item_id=HOSTILE.filter(bool), keys=st.lists(HOSTILE, unique=True, max_size=5))
def test_no_id_leads_out_of_the_folder_and_no_two_assets_share_a_path(
    collection: str, item_id: str, keys: list[str]
) -> None:
    document = Item(
        {
            "id": item_id,
            "collection": collection,
            "assets": {key: {"href": "https://h/x.tif"} for key in keys},
        }
    )
    requests = requests_for(API, [document], Path("/out")).requests
    paths = [request.folder / request.name for request in requests]
    assert len({str(path).casefold() for path in paths}) == len(keys)
    for path in paths:
        assert path.is_relative_to("/out")
        assert ".." not in path.parts
        assert len(PurePosixPath(path).parts) in (4, 5)
        assert all(len(part.encode()) <= 240 for part in path.parts)


def test_choices_count_sum_and_explain() -> None:
    documents = [
        item("1", data={"href": "https://h/1.tif", "file:size": 10, "roles": ["data"], "type": "image/tiff"}),
        item(
            "2",
            data={"href": "https://h/2.tif", "roles": ["data", "cog"], "title": "Data"},
            meta={"href": "m.xml"},
        ),
        item("3", data={"href": "s3://usgs-landsat/3.tif", "file:size": 5}),
    ]
    tally = AssetTally()
    for document in documents:
        tally.add(document)
    data, meta = tally.by_key()
    assert data == AssetGroup(
        key="data",
        title="Data",
        count=3,
        size=10,
        sized=1,
        roles=("data", "cog"),
        media_types=("image/tiff",),
        barred=1,
        paid=1,
        why=data.why,
    )
    assert "requester-pays" in data.why
    assert (meta.key, meta.count, meta.barred, meta.why) == ("meta", 1, 1, "m.xml is no address of a file")


def test_keys_and_roles_choose_and_what_is_left_out_is_said() -> None:
    documents = [
        item(
            "1",
            a={"href": "https://h/a.tif", "roles": ["data"]},
            b={"href": "https://h/b.tif", "roles": ["overview"]},
            c={"roles": ["data"]},
        )
    ]
    every = requests_for(API, documents, Path("/out"))
    assert [request.key for request in every.requests] == ["a", "b"]
    assert [(entry.document_id, entry.key, entry.why) for entry in every.left_out] == [
        ("1", "c", "it has no href")
    ]
    chosen = requests_for(API, documents, Path("/out"), keys=["b"], roles=["data"])
    assert [request.key for request in chosen.requests] == ["a", "b"]
    assert [request.key for request in requests_for(API, documents, Path("/out"), keys=["b"]).requests] == [
        "b"
    ]


@pytest.mark.parametrize(
    "entry",
    [
        {"href": "https://h/x.zarr"},
        {"href": "https://h/x", "type": "application/vnd+zarr"},
        {"href": "s3://b/folder/"},
        {"href": "file:///data/folder/"},
    ],
)
def test_a_store_of_many_files_is_left_out(entry: dict[str, Any]) -> None:
    selection = requests_for(API, [item("i", a=entry)], Path("/out"))
    assert [left.why.partition(":")[0] for left in selection.left_out] == ["it is a store of many files"]


def test_all_recorded_documents_are_taken_and_told(stac_recorded: Path) -> None:
    documents = [
        (Item if found.get("type") == "Feature" else Collection)(found, url="https://h/c/i.json")
        for file in stac_recorded.glob("*.json")
        for found in _documents(json.loads(file.read_bytes()))
    ]
    selection = requests_for(API, documents, Path("/out"))
    assert len(selection.requests) > 1000
    assert all("://" in request.href for request in selection.requests)
    assert all(multihash(request.checksum) for request in selection.requests if request.checksum)
    assert all(left.why for left in selection.left_out)
    tally = AssetTally()
    for document in documents:
        tally.add(document)
    assert sum(group.barred for group in tally.by_key()) == len(selection.left_out)


def _documents(found: Any) -> Iterator[dict[str, Any]]:
    if isinstance(found, dict):
        if isinstance(found.get("assets"), dict) and isinstance(found.get("id"), str):
            yield found
        for value in found.values():
            yield from _documents(value)
    elif isinstance(found, list):
        for value in found:
            yield from _documents(value)


def test_a_request_says_what_the_asset_is_not_only_where() -> None:
    document = item(
        "i", url="https://h/c/i.json", a={"href": "./a.tif", "file:size": 7, "file:checksum": "1220ab"}
    )
    [request] = requests_for(STATIC, [document], Path("/out")).requests
    assert request == AssetRequest(
        source="/data/catalog.json",
        profile=None,
        collection_id="c",
        folder=Path("/out/c"),
        name="i/a.tif",
        item_id="i",
        key="a",
        href="https://h/c/a.tif",
        document_url="https://h/c/i.json",
        kind=Kind.STATIC,
        title="i a",
        size=7,
        checksum="1220ab",
    )
    [listed] = requests_for(API, [document], Path("/out")).requests
    assert listed.document_url == ""
    [sample] = requests_for(DocumentOrigin(SAMPLE, Kind.MLHUB), [document], Path("/out")).requests
    assert sample.href == ""


def test_a_collection_id_is_taken_from_the_listing_where_the_item_has_none() -> None:
    document = item("i", collection="", a={"href": "https://h/a.tif"})
    [request] = requests_for(API, [document], Path("/out"), collection_id="c").requests
    assert (request.collection_id, request.folder) == ("c", Path("/out/c"))
    [request] = requests_for(API, [document], Path("/out")).requests
    assert request.folder / request.name == Path("/out/i/a.tif")


@pytest.fixture
def store(tmp_path: Path) -> JobRepository:
    return JobRepository(Database(tmp_path / "queue.db"))


def test_the_queue_keeps_assets_as_they_were_asked_for(store: JobRepository) -> None:
    document = item(
        "i\ud800/..", collection="\ud800", a={"href": "https://h/a.html", "file:checksum": "1220ab"}
    )
    [request] = requests_for(STATIC, [document], Path("/out")).requests
    [job] = store.add([request])
    [kept] = store.load()
    assert kept.request == request == job.request
    assert (kept.name, kept.path) == (request.name, request.folder / request.name)
    assert request.page


@pytest.mark.parametrize(
    ("href", "media_type", "page"),
    [
        ("https://h/a", "Text/HTML; charset=utf-8", True),
        ("https://h/a.HTML?x#y", "", True),
        ("https://h/a?x.html", "image/tiff", False),
        ("https://h/a.tif", "text/plain", False),
    ],
)
def test_a_web_page_is_known_by_its_media_type_or_its_name(href: str, media_type: str, page: bool) -> None:
    document = item("i", a={"href": href, "type": media_type})
    [request] = requests_for(STATIC, [document], Path("/out")).requests
    assert request.page is page


def test_an_asset_that_is_asked_for_again_has_one_job(store: JobRepository) -> None:
    [request] = requests_for(API, [item("i", a={"href": "https://h/old.tif"})], Path("/out")).requests
    [moved] = requests_for(API, [item("i", a={"href": "https://h/new.tif"})], Path("/out")).requests
    first, again = store.add([request, moved])
    assert first.id == again.id
    store.move([first.id], JobState.CANCELLED)
    [job] = store.add([moved])
    assert (job.id, job.state, job.request) == (first.id, JobState.QUEUED, moved)


def test_two_items_of_one_id_never_share_a_file(store: JobRepository) -> None:
    documents = [item("i", url=f"https://h/{n}/i.json", a={"href": "a.tif"}) for n in range(3)]
    wanted = requests_for(STATIC, documents, Path("/out")).requests
    jobs = store.add(wanted)
    assert len({job.path for job in jobs}) == 3
    assert jobs[0].name == "i/a.tif"
    assert [job.path for job in store.add(wanted)] == [job.path for job in jobs]
    assert len(store.load()) == 3
    assert all(job.request.name == job.name for job in jobs if isinstance(job.request, AssetRequest))


def no_sample() -> Credentials:
    raise AssertionError


@pytest.mark.parametrize("known", [False, True])
@pytest.mark.parametrize("origin", [API, STATIC], ids=lambda origin: origin.kind.value)
async def test_a_job_opens_a_source_of_its_own_kind(origin: DocumentOrigin, known: bool) -> None:
    [request] = requests_for(origin, [item("i", a={"href": "https://h/a.tif"})], Path("/out")).requests
    current = Credentials(None, origin.source, None, "no key", kind=None) if known else None
    source = await open_for_job(request, lambda: credentials_for(request, current, no_sample))
    assert source.root_url == origin.source
    await source.aclose()


async def test_an_archive_needs_an_mlhub_api(tmp_path: Path) -> None:
    other = Credentials(None, "https://api.example/", None, "no key", kind=Kind.STAC_API)
    with pytest.raises(NotOffered):
        await open_for_job(ArchiveRequest("https://api.example/", None, "c", tmp_path), lambda: other)
