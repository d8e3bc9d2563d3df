"""Indexes are whole or not there: stops, kills, bad archives and pages that fail leave none that lies."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest

from mlhub_tui.auth import Kind
from mlhub_tui.errors import EntityDoesNotExist, OutputFolderError, ServerUnreachable, TargetBusy
from mlhub_tui.fileio import shrink_folder
from mlhub_tui.http.session import Session
from mlhub_tui.models import BBox, Collection, Item, Search
from mlhub_tui.models.search import parse_span
from mlhub_tui.planning.dataset_plan import plan_dataset
from mlhub_tui.planning.filters import Filters
from mlhub_tui.planning.index import BUILDING, Index, IndexBuilder, NoIndex
from mlhub_tui.planning.index_cache import (
    IndexKey,
    archive_validator,
    cached,
    folder,
    index_of_archive,
    index_of_pages,
)
from mlhub_tui.planning.requests import dataset_request
from mlhub_tui.planning.selection import count_files, files
from mlhub_tui.queue.run_job import job_context
from mlhub_tui.sample.server import SampleServer
from mlhub_tui.sources.base import Page
from mlhub_tui.sources.mlhub import MLHubSource
from mlhub_tui.sources.static.tar_reader import DamagedArchive
from mlhub_tui.transfer.engine import TransferCancelled
from tests.support.bare_source import BareSource

from .made import Json, archive, archive_of, asset, built, collection, index_of, item, named

SOURCE = "http://a.example/"


def many(count: int) -> list[Json]:
    return [
        item(
            f"i{number:05}",
            bbox=[number % 300 - 150, 0, number % 300 - 149, 1],
            datetime="2020-05-01T00:00:00Z",
        )
        for number in range(count)
    ]


def test_a_second_run_reuses_the_index_and_a_changed_archive_replaces_it(tmp_path: Path) -> None:
    first = archive_of(tmp_path, [collection("fields"), *many(3)])
    seen: list[tuple[object, ...]] = []

    def show(*progress: object) -> None:
        seen.append(progress)

    with index_of_archive(first, source=SOURCE, dataset="crops", show=show) as index:
        assert index.contents()[0].items == 3
        assert index.facts["dataset"] == "crops"
    assert seen[-1][0] == "sorting 3 items"
    seen.clear()
    index_of_archive(first, source=SOURCE, dataset="crops", show=show).close()
    assert seen == []
    before = archive_validator(first)
    archive_of(tmp_path, [collection("fields"), *many(4)])
    assert archive_validator(first) != before
    with index_of_archive(first, source=SOURCE, dataset="crops", show=show) as index:
        assert index.contents()[0].items == 4
    assert seen
    assert len(list(folder().glob("*.db"))) == 1
    assert shrink_folder(folder(), -1) > 0
    assert cached(IndexKey(SOURCE, "crops", archive_validator(first))) is None


def test_a_stop_leaves_no_index(tmp_path: Path) -> None:
    stop = threading.Event()

    def show(words: str, *_: object) -> None:
        if words != "indexing 0 items":
            stop.set()

    path = archive_of(tmp_path, many(2000))
    with pytest.raises(TransferCancelled):
        index_of_archive(path, source=SOURCE, dataset="crops", show=show, stopped=stop)
    assert list(folder().glob("*.db")) == []
    with index_of_archive(path, source=SOURCE, dataset="crops") as index:
        assert index.contents()[0].items == 2000


def test_a_stop_while_sorting_leaves_no_index(tmp_path: Path) -> None:
    stop = threading.Event()
    path = archive_of(tmp_path, many(6000))
    with pytest.raises(TransferCancelled):
        index_of_archive(
            path,
            source=SOURCE,
            dataset="crops",
            stopped=stop,
            show=lambda words, *_: stop.set() if words.startswith("sorting") else None,
        )
    assert list(folder().glob("*.db")) == []


@pytest.mark.slow
def test_a_kill_leaves_no_index_that_lies(tmp_path: Path) -> None:
    path = archive_of(tmp_path, many(4000))
    code = (
        "import sys\nfrom pathlib import Path\nfrom mlhub_tui.planning.index_cache import index_of_archive\n"
        f"index_of_archive(Path({str(path)!r}), source={SOURCE!r}, dataset='crops',"
        " show=lambda *p: print(p, flush=True))"
    )
    for after in (1, 4, 9, 14, 17):
        shrink_folder(folder(), -1)
        with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            for _ in range(after):
                process.stdout.readline()
            process.send_signal(signal.SIGKILL)
        with index_of_archive(path, source=SOURCE, dataset="crops") as index:
            assert count_files(index, Filters()).all.files == 4000


def test_a_full_disk_is_said_in_a_sentence(tmp_path: Path) -> None:
    pytest.importorskip("resource")
    path = archive_of(tmp_path, many(3000))
    code = (
        "import resource, signal\nfrom pathlib import Path\nfrom mlhub_tui.errors import OutputFolderError\n"
        "from mlhub_tui.planning.index_cache import index_of_archive\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))\n"
        f"try:\n    index_of_archive(Path({str(path)!r}), source={SOURCE!r}, dataset='crops')\n"
        "except OutputFolderError as error:\n"
        "    print(error.message, error.hint, type(error).__name__, sep='|')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    message, hint, kind = done.stdout.strip().split("|")
    assert kind == "OutputFolderError", "it is a limit of this process, not the disk"
    assert message.startswith("the index of crops cannot be written")
    assert "MLHUB_HOME" in hint
    with index_of_archive(path, source=SOURCE, dataset="crops") as index:
        assert index.contents()[0].items == 3000


def test_a_home_that_is_no_folder_is_said_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "home").write_bytes(b"")
    monkeypatch.setenv("MLHUB_HOME", str(tmp_path / "home"))
    with pytest.raises(OutputFolderError, match="cannot write"):
        index_of_archive(archive_of(tmp_path, many(3)), source=SOURCE, dataset="crops")


async def test_the_pages_of_an_api_lead_to_the_same_items_as_the_catalog_of_a_dataset(
    sample: SampleServer, tmp_path: Path
) -> None:
    path = tmp_path / "umd_mali_crop_type.tar.gz"
    answer = httpx.get(f"{sample.root_url}catalog/umd_mali_crop_type?key={sample.key}", follow_redirects=True)
    path.write_bytes(answer.content)
    source = MLHubSource(Session(api_key=sample.key, root_url=sample.root_url))
    names = ["umd_mali_crop_type_labels", "umd_mali_crop_type_source"]
    try:
        found = await index_of_pages(source, names, location=sample.root_url, dataset="mali", page_size=5)
    finally:
        await source.aclose()
    with (
        found as pages,
        index_of_archive(path, source=sample.root_url, dataset="umd_mali_crop_type") as catalog,
    ):
        when = Filters(when=parse_span("2019-07"))
        for filters in (Filters(), when):
            ours, theirs = ({file[5:] for file in files(index, filters)} for index in (pages, catalog))
            own = {(names[0], None, "legend")}  # which the API's collections do not have
            assert ours == theirs - own != set()
        assert count_files(pages, when).items == count_files(catalog, when).items


def test_two_programs_do_not_build_one_index(tmp_path: Path) -> None:
    with IndexBuilder(tmp_path / "plan.db"), pytest.raises(TargetBusy):
        IndexBuilder(tmp_path / "plan.db")


def test_names_that_no_encoding_can_write_are_planned_all_the_same(tmp_path: Path) -> None:
    odd = asset("b.tif\udcff", title="\ud800", type="image/\ud800")
    documents = [
        collection("fields\ud800"),
        item("a\ud800", "fields\ud800", assets={"\ud800": odd}),
        item("b"),
    ]
    with built(tmp_path / "plan.db", documents) as index:
        assert [(one.id, one.items) for one in index.contents()] == [("fields?", 1), ("fields", 1)]
        assert all(file.path.encode() and file.href.encode() for file in files(index, Filters()))


def test_a_damaged_unfinished_index_is_begun_anew(tmp_path: Path) -> None:
    (tmp_path / f"plan.db{BUILDING}").write_bytes(b"SQLite format 3\x00" + b"\xff" * 5000)
    with IndexBuilder(tmp_path / "plan.db") as builder:
        builder.add(item("a"))
        builder.finish({})
    with Index(tmp_path / "plan.db") as index:
        assert index.contents()[0].items == 1


@pytest.mark.parametrize(
    "content", [b"", b"SQLite format 3\x00" + b"\xff" * 5000, b"no database at all" * 99]
)
def test_a_damaged_index_is_made_anew(tmp_path: Path, content: bytes) -> None:
    path = archive_of(tmp_path, many(3))
    index_of_archive(path, source=SOURCE, dataset="crops").close()
    found = next(folder().glob("*.db"))
    found.write_bytes(content)
    with pytest.raises(NoIndex):
        Index(found)
    with index_of_archive(path, source=SOURCE, dataset="crops") as index:
        assert index.contents()[0].items == 3


@pytest.mark.parametrize("cut", [0.02, 0.5, 0.99])
def test_a_truncated_archive_says_so_and_leaves_no_index(tmp_path: Path, cut: float) -> None:
    path = archive_of(tmp_path, many(500))
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * cut)])
    with pytest.raises(DamagedArchive) as caught:
        index_of_archive(path, source=SOURCE, dataset="crops")
    assert "\n" not in caught.value.message
    assert list(folder().glob("*.db")) == []


def test_an_archive_without_stac_says_so(tmp_path: Path) -> None:
    path = archive(tmp_path / "other.tar.gz", [("readme.txt", b"hello"), ("x/data.json", {"some": "thing"})])
    with pytest.raises(EntityDoesNotExist, match="no STAC items or collections"):
        index_of_archive(path, source=SOURCE, dataset="other")


def test_hostile_members_are_left_out_with_a_sentence_each(tmp_path: Path) -> None:
    members: list[tuple[str, Json | bytes]] = [
        ("crops/../../evil.json", item("evil")),
        ("/abs.json", item("absolute")),
        ("crops/broken.json", b"{ not json"),
        ("crops/._i.json", b"\x00\x05"),
        ("crops/fields/labels.geojson", item("labels")),
        *named("crops", [item("good")]),
    ]
    with index_of_archive(archive(tmp_path / "c.tar.gz", members), source=SOURCE, dataset="crops") as index:
        assert [file.item for file in files(index, Filters())] == ["good"]
        notes = index.facts["notes"]
    assert len(notes) == 2
    assert any("leads out of the archive" in note for note in notes)
    assert any("not JSON" in note for note in notes)


def test_items_with_gaps_are_taken_as_far_as_they_go(tmp_path: Path) -> None:
    odd: list[Json] = [
        {"type": "Feature", "id": "bare", "collection": "fields"},
        {"type": "Feature", "id": "field-1", "properties": {"crop": "maize"}, "geometry": None},
        {"type": "Feature", "id": [7], "assets": {}},
        item(
            "hrefless",
            assets={"a": {}, "b": {"href": None}, "c": asset("c.tif"), "d": "d", "e": {"href": " "}},
        ),
        item("text", bbox=["a", 1, 2, 3], assets={"x": asset("y")}, datetime=5),
        item("far", bbox=[1e308, -1e308, 1e308, 1e308], assets={}),
        item(
            "huge",
            assets={
                "x": asset("z.tif", **{"file:size": 2**63 - 1}),
                "y": asset("w.tif", **{"file:size": 2**63 - 1}),
            },
        ),
        item("neg", assets={"x": asset("n.tif", **{"file:size": -1})}),
    ]
    with built(tmp_path / "plan.db", odd) as index:
        found = {(file.item, file.key): file.path for file in files(index, Filters())}
        counts = count_files(index, Filters())
        assert index.facts["left_out"] == 2
    assert found["hrefless", "c"] == "fields/hrefless/c.tif"
    assert found["text", "x"] == "fields/text/x"
    assert ("bare", "x") not in found
    assert counts.items["fields"].all == 6
    assert counts.faults == 4
    assert counts.all.known >= 2**63


def test_an_item_that_does_not_say_belongs_to_the_collection_around_it(tmp_path: Path) -> None:
    stray = item("stray")
    del stray["collection"]
    members = [
        ("crops/folder/collection.json", collection("fields")),
        ("crops/folder/deep/stray/stray.json", stray),
        ("crops/folder/deeper/still/stray/stray.json", {**stray, "id": "deep"}),
        ("crops/other/stray/stray.json", {**stray, "id": "lost"}),
    ]
    with index_of_archive(archive(tmp_path / "c.tar.gz", members), source=SOURCE, dataset="crops") as index:
        assert {(f.collection, f.item) for f in files(index, Filters())} == {
            ("fields", "stray"),
            ("fields", "deep"),
            ("other", "lost"),
        }


def test_an_asset_never_takes_the_place_of_its_own_document(tmp_path: Path) -> None:
    documents = [
        collection("fields", {"collection": asset("x.json")}),
        item("a", assets={"a": asset("a.json"), "b": asset("b.json")}),
    ]
    with index_of(tmp_path, documents) as index:
        found = {file.path for file in files(index, Filters())}
    assert found == {"fields/collection-asset.json", "fields/a/a-asset.json", "fields/a/b.json"}


def test_two_files_have_two_names_whatever_they_share(tmp_path: Path) -> None:
    documents = [
        item("twice", bbox=[0, 0, 1, 1], assets={"B01": asset("one.tif")}),
        item("twice", bbox=[50, 0, 51, 1], assets={"B01": asset("two.tif")}),
        item("twice", bbox=[0, 0, 1, 1], assets={"B01": asset("one.tif")}),
        item("both", assets={"x": asset("1.tif"), "x.tif": asset("2")}),
    ]
    with index_of(tmp_path, documents) as index:
        found = [(file.path, file.item, file.href.rpartition("/")[2]) for file in files(index, Filters())]
        counts = count_files(index, Filters())
        few = list(files(index, Filters(bbox=BBox.parse([49, 0, 51, 1]))))
    assert [(name, href) for _, name, href in found] == [
        ("twice", "one.tif"),
        ("twice", "two.tif"),
        ("both", "1.tif"),
        ("both", "2"),
    ]
    assert found[0][0] == "fields/twice/B01.tif"
    assert found[2][0] == "fields/both/x.tif"
    assert len({path.casefold() for path, *_ in found}) == 4
    assert (counts.all.files, counts.items["fields"].all) == (4, 3)
    assert [file.path for file in few if file.item == "twice"] == [found[1][0]], "whatever is selected"


def test_an_item_that_is_listed_twice_is_there_once_with_all_that_it_shares(tmp_path: Path) -> None:
    own = {"B01": asset("a.tif?sig=1")}
    documents = [
        item("a", assets=own),
        item("a", assets={"B01": asset("a.tif?sig=2"), "readme": asset("readme.txt")}),
        item("b", assets={"B01": asset("b.tif"), "readme": asset("readme.txt")}),
    ]
    with built(tmp_path / "plan.db", documents) as index:
        found = {file.path: file.item for file in files(index, Filters())}
        counts = count_files(index, Filters())
    assert found == {"fields/a/B01.tif": "a", "fields/_common/readme.txt": "a", "fields/b/B01.tif": "b"}
    assert (counts.all.files, counts.items["fields"].all, index.facts["namesakes"]) == (3, 2, 0)


@pytest.mark.parametrize("part", ["collection", "item", "key"])
def test_where_a_file_system_ignores_case_two_names_stay_two(tmp_path: Path, part: str) -> None:
    one, other = {"collection": ("Fields", "fields"), "item": ("Tile_a", "tile_A"), "key": ("B1", "b1")}[part]
    ids = (one, other)
    if part == "collection":
        documents = [collection(one), collection(other), item("i", one), item("i", other)]
    elif part == "item":
        documents = [collection("fields"), item(one), item(other)]
    else:
        documents = [collection("fields"), item("i", assets={key: asset(f"{key}/B01.tif") for key in ids})]
    for document, name in zip([each for each in documents if "assets" in each], ids, strict=False):
        if part != "key":
            document["assets"] = {"B01": asset(f"{name}/B01.tif")}
    with built(tmp_path / "index.db", documents) as index:
        found = {file.path: file.href for file in files(index, Filters(), str.casefold)}
        plain = {file.path for file in files(index, Filters())}
    assert sorted(href.split("/")[-2] for href in found.values()) == sorted(ids)
    assert len({path.casefold() for path in found}) == 2
    assert len({path.casefold() for path in plain}) == 1, "only there are they one"


def test_relative_hrefs_are_relative_to_their_document(tmp_path: Path) -> None:
    with index_of(
        tmp_path, [item("a", assets={"x": asset("./x.tif"), "y": {"href": "..\\shared\\y.tif"}})]
    ) as index:
        hrefs = {file.key: file.href for file in files(index, Filters())}
    assert hrefs["x"].endswith("/crops.tar.gz!/crops/fields/a/x.tif")
    assert hrefs["y"].endswith("/crops.tar.gz!/crops/fields/shared/y.tif")


class Listed(BareSource):
    """A source of pages of items that breaks off where it is told to."""

    def __init__(self, pages: int, size: int = 10) -> None:
        self.pages, self.size = pages, size
        self.asked: list[tuple[str, str | None]] = []
        self.fails_at = -1

    async def collection(self, collection_id: str) -> Collection:
        return Collection(
            collection(collection_id, {"legend": asset("legend.csv")}), url="http://a.example/c"
        )

    async def items_page(self, collection_id: str, *, link: str | None = None, **_: Any) -> Page[Item]:
        self.asked.append((collection_id, link))
        number = int(link or 0)
        if number == self.fails_at:
            raise ServerUnreachable("gone")
        url = f"http://a.example/{collection_id}/items?page={number}"
        found = [self._item(collection_id, number * self.size + at, url) for at in range(self.size)]
        following = str(number + 1) if number + 1 < self.pages else None
        return Page(tuple(found), following)

    def _item(self, collection_id: str, number: int, url: str) -> Item:
        raw = item(
            f"{collection_id}-{number}", collection_id, assets={"x": {"href": f"../files/{number}.tif"}}
        )
        if number % 2:
            del raw["collection"]
        return Item(raw, url=url)

    async def search_page(
        self, search: Search, *, link: str | None = None, page_size: int | None = None
    ) -> Page[Item]:
        first = await self.items_page("one", link=link)
        return Page(
            (*first.entries[::2], *(await self.items_page("two", link=link)).entries[::2]), first.next
        )


async def paged(
    source: Listed, collections: Sequence[str] = ("one", "two"), search: Search | None = None
) -> Index:
    return await index_of_pages(source, collections, location=SOURCE, dataset="both", search=search)


async def test_pages_of_items_become_an_index_too() -> None:
    source = Listed(3)
    with await paged(source) as index:
        found = list(files(index, Filters()))
        assert len(found) == 2 * 30 + 2
        assert found[0].href == "https://store.example/data/legend.csv"
        assert {file.href for file in found if file.item == "one-7"} == {"http://a.example/files/7.tif"}
        assert index.facts["notes"] == []
    (await paged(source)).close()
    assert len(source.asked) == 6


async def test_what_a_search_finds_becomes_an_index_too() -> None:
    source = Listed(3)
    with await paged(source, search=Search(text="x")) as index:
        assert {facts.id: facts.items for facts in index.contents()} == {"one": 15, "two": 15}


async def test_a_failed_page_is_where_the_next_run_goes_on() -> None:
    source = Listed(4)
    source.fails_at = 2
    with pytest.raises(ServerUnreachable):
        await paged(source)
    source.fails_at, before = -1, len(source.asked)
    with await paged(source) as index:
        assert len(list(files(index, Filters()))) == 2 * 40 + 2
    assert source.asked[before] == ("one", "2")


async def test_a_cancel_keeps_the_pages_that_were_taken() -> None:
    source = Listed(50)
    task = asyncio.create_task(paged(source))
    while len(source.asked) < 5:
        await asyncio.sleep(0.005)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    before = len(source.asked)
    with await paged(source) as index:
        assert len(list(files(index, Filters()))) == 2 * 500 + 2
    assert int(source.asked[before][1] or 0) >= 3


async def test_a_link_that_leads_to_itself_ends_the_listing() -> None:
    class Circle(Listed):
        async def items_page(self, collection_id: str, *, link: str | None = None, **_: Any) -> Page[Item]:
            page = await super().items_page(collection_id, link="0")
            return Page(page.entries, "again")

    source = Circle(1)
    with await paged(source, ["one"]) as index:
        assert len(list(files(index, Filters()))) == 10 + 1
    assert len(source.asked) == 2


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write anywhere")
async def test_a_home_that_is_read_only_is_no_hindrance_to_a_plan(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    home.mkdir(0o500)
    monkeypatch.setenv("MLHUB_HOME", str(home))
    request = dataset_request("fields", tmp_path, source=SOURCE, kind=Kind.STATIC)
    with await plan_dataset(request, Listed(1), job_context) as index:
        assert count_files(index, Filters()).all.files == 11
    assert list(home.iterdir()) == []
