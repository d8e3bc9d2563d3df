"""The Python API: where the key comes from, what is remembered, what is closed, what is raised."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import mlhub_tui
from mlhub_tui import (
    APIKeyNotFound,
    AuthenticationError,
    Collection,
    Dataset,
    DownloadIfExistsOpts,
    EntityDoesNotExist,
    MLHubException,
    MLModel,
    Session,
    get_archive_info,
    get_collection_item,
    get_dataset,
    get_dataset_by_doi,
    get_dataset_by_id,
    get_model_by_id,
    get_session,
    list_collection_items,
    list_datasets,
)
from mlhub_tui.concurrency import together
from mlhub_tui.errors import InvalidSearch
from mlhub_tui.sample.server import SampleServer
from tests.support.http_server import Answer, LoopbackServer, Request, as_json

PROFILES = """\
[default]
api_key = key-of-default

[project1]
api_key = key-of-project1
"""
KENYA = "ref_african_crops_kenya_02"


@pytest.fixture
def profiles(mlhub_home: Path) -> None:
    """Write a profiles file as `mlhub configure` does."""
    mlhub_home.mkdir(mode=0o700)
    (mlhub_home / "profiles").write_text(PROFILES)


def key_of(session: Session) -> object:
    return session.params.get("key")


@pytest.mark.usefixtures("profiles")
def test_the_five_ways_to_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    assert key_of(get_session()) == "key-of-default"
    monkeypatch.setenv("MLHUB_PROFILE", "project1")
    assert key_of(get_session()) == "key-of-project1"
    assert key_of(get_session(profile="default")) == "key-of-default"
    monkeypatch.setenv("MLHUB_API_KEY", "key-of-environment")
    assert key_of(get_session()) == "key-of-environment"
    assert key_of(get_session(profile="default")) == "key-of-environment"
    assert key_of(get_session(api_key="key-of-argument", profile="project1")) == "key-of-argument"


@pytest.mark.usefixtures("profiles")
def test_the_anonymous_profile_sends_no_key() -> None:
    assert key_of(get_session(profile="__anonymous__")) is None


def test_no_key_anywhere_is_said_with_what_to_do() -> None:
    with pytest.raises(APIKeyNotFound) as caught:
        get_session()
    assert "mlhub-tui configure" in caught.value.hint


def test_the_root_url_is_the_hosted_one_or_the_variable_s(monkeypatch: pytest.MonkeyPatch) -> None:
    assert get_session(api_key="k").root_url == "https://api.radiant.earth/mlhub/v1/"
    monkeypatch.setenv("MLHUB_ROOT_URL", "https://mlhub.example.org/v2")
    assert get_session(api_key="k").root_url == "https://mlhub.example.org/v2/"
    assert get_session(api_key="k", root_url="https://x.example.org/").root_url == "https://x.example.org/"


async def test_listings_work_without_a_key_and_items_do_not(deployment: SampleServer) -> None:
    assert len(await list_datasets(profile="__anonymous__")) >= 30
    with pytest.raises(AuthenticationError, match="no API key was sent"):
        _ = [item async for item in list_collection_items(f"{KENYA}_source", profile="__anonymous__")]


async def test_a_wrong_key_is_refused_with_the_key_masked(deployment: SampleServer) -> None:
    wrong = "wrong-key-wrong-key-9876"
    with pytest.raises(AuthenticationError, match=r"\*\*\*\*9876") as caught:
        await list_datasets(api_key=wrong)
    assert wrong not in str(caught.value)


@pytest.mark.usefixtures("keyed")
async def test_errors_of_a_session_tell_their_status_and_what_to_do() -> None:
    async with get_session() as session:
        for ask in (
            lambda: session.get("collections/nosuch"),
            lambda: session.get_json("collections/nosuch"),
            lambda: anext(session.paginate("collections/nosuch/items")),
        ):
            with pytest.raises(EntityDoesNotExist) as caught:
                await ask()
            assert str(caught.value) == f"{caught.value.message} (status 404; {caught.value.hint})"


@pytest.mark.usefixtures("keyed")
async def test_datasets_by_either_name() -> None:
    dataset = await get_dataset(KENYA)
    assert dataset == await get_dataset_by_id(KENYA) == await get_dataset(dataset["doi"])
    assert dataset == await get_dataset_by_doi(dataset["doi"])
    assert (
        (await Dataset.fetch_by_id(KENYA)).raw == (await Dataset.fetch_by_doi(dataset["doi"])).raw == dataset
    )


@pytest.mark.usefixtures("keyed")
async def test_datasets_are_found_by_every_tag_and_text() -> None:
    every = {dataset.id for dataset in await Dataset.list()}
    some = {dataset.id for dataset in await Dataset.list(text="Kenya")}
    fewer = {dataset.id for dataset in await Dataset.list(text=["Kenya", "crop"], tags="segmentation")}
    assert KENYA in some
    assert fewer <= some < every


@pytest.mark.usefixtures("keyed")
async def test_what_does_not_exist_is_said_by_each_function() -> None:
    for asking in (
        get_dataset("no-such"),
        get_dataset("10.0/no-such"),
        get_archive_info("no-such"),
        get_collection_item(f"{KENYA}_source", "no-such"),
        get_model_by_id("no-such"),
        Dataset.fetch("no-such"),
        Collection.fetch("no-such"),
        MLModel.fetch("no-such"),
    ):
        with pytest.raises(EntityDoesNotExist, match="no-such"):
            await asking


@pytest.mark.usefixtures("keyed")
async def test_a_limit_of_none_gives_all_items() -> None:
    items = [item["id"] async for item in list_collection_items(f"{KENYA}_source", limit=None, page_size=50)]
    assert len(items) == len(set(items)) > 10


async def test_a_generator_left_early_closes_its_session() -> None:
    def answer(_: Request) -> Answer:
        return as_json(
            {"features": [{"id": "a"}, {"id": "b"}], "links": [{"rel": "next", "href": "?token=1"}]}
        )

    before = asyncio.all_tasks()
    with LoopbackServer(answer) as server, pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLHUB_ROOT_URL", server.root)
        items = list_collection_items("x", api_key="k")
        assert (await anext(items))["id"] == "a"
        await items.aclose()
    assert len(server.requests) == 1
    assert asyncio.all_tasks() == before


@pytest.mark.usefixtures("keyed")
def test_a_generator_that_is_open_when_the_loop_ends_is_closed_without_a_word() -> None:
    failed = list[dict[str, object]]()

    async def main() -> object:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: failed.append(context))
        items = list_collection_items(f"{KENYA}_labels", limit=None, page_size=2)
        await anext(items)
        return items

    assert asyncio.run(main()) is not None
    assert failed == []


@pytest.mark.usefixtures("keyed")
def test_a_session_outlives_the_loop_that_it_was_used_in() -> None:
    session = get_session()

    async def used() -> int:
        return (await session.get("datasets")).status_code

    assert [asyncio.run(used()) for _ in range(3)] == [200] * 3
    asyncio.run(session.aclose())
    with pytest.raises(MLHubException, match="closed"):
        asyncio.run(used())


async def test_documents_remember_what_they_were_fetched_with() -> None:
    def answer(asked: Request) -> Answer:
        if asked.query.get("key") != ["first-key-first-key"]:
            return as_json({}, 401)
        if asked.path.endswith("datasets/d"):
            entries = [{"id": name, "types": ["labels"]} for name in "abc"]
            return as_json({"id": "d", "collections": entries})
        if asked.path.endswith("info"):
            sizes = {"a": 5, "b": None, "c": 7}
            name = asked.path.split("/")[-2]
            return as_json({"size": sizes[name], "stac_catalog_size": 1} if name in sizes else {}, 200)
        return as_json({"id": asked.path[-1]})

    with LoopbackServer(answer) as server, pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLHUB_ROOT_URL", server.root)
        dataset = await Dataset.fetch("d", api_key="first-key-first-key")
        collections = await dataset.fetch_collections()
        assert [collection.id for collection in collections.labels] == ["a", "b", "c"]
        assert await collections[0].archive_size() == 5
        assert await dataset.total_archive_size() == 12
        assert (await collections[1].fetch_item("i")).id == "i"
        with pytest.raises(AuthenticationError):
            await collections[1].fetch_item("i", api_key="another-key-another")
        assert (await dataset.stac_catalog_size(), await dataset.estimated_dataset_size()) == (None, None)
    assert "first-key" not in repr(dataset) + repr(collections) + str(dataset)


async def test_a_collection_without_an_archive_has_no_size() -> None:
    with LoopbackServer(lambda _: as_json({}, 404)) as server, pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLHUB_ROOT_URL", server.root)
        assert await Collection({"id": "c"}, api_key="k").archive_size() is None
        assert (
            await Dataset({"id": "d", "collections": [{"id": "c"}]}, api_key="k").total_archive_size() is None
        )
        assert await Dataset({"id": "d"}, api_key="k").total_archive_size() is None


@pytest.mark.usefixtures("keyed")
async def test_an_archive_arrives_whole_and_is_skipped_resumed_or_overwritten(tmp_path: Path) -> None:
    collection = await Collection.fetch(f"{KENYA}_labels")
    path = await collection.download(tmp_path / "new" / "folder")
    whole = path.read_bytes()
    assert path == tmp_path / "new" / "folder" / f"{KENYA}_labels.tar.gz"
    assert len(whole) == await collection.archive_size()

    path.write_bytes(b"mine")
    assert await collection.download(path.parent, if_exists=DownloadIfExistsOpts.skip) == path
    assert path.read_bytes() == b"mine"
    await collection.download(path.parent, if_exists="overwrite")
    assert path.read_bytes() == whole
    with pytest.raises(ValueError, match="replace"):
        await collection.download(path.parent, if_exists="replace")


@pytest.mark.usefixtures("keyed")
async def test_a_missing_archive_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(EntityDoesNotExist, match="does not exist"):
        await Collection({"id": "no-such"}).download(tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("keyed")
async def test_a_dataset_is_downloaded_in_part_with_the_arguments_of_the_seed_library(tmp_path: Path) -> None:
    dataset, name = await Dataset.fetch(KENYA), f"{KENYA}_labels"
    day = datetime(2019, 7, 6, tzinfo=UTC)
    folders = await dataset.download(
        tmp_path,
        asset_output_dir=tmp_path / "assets",
        collection_filter={f"{KENYA}_source": ["B02"]},
        datetime=(day, day + timedelta(days=1)),
        bbox=[34.0, 0.0, 35.0, 1.0],
    )
    assert folders == [tmp_path / KENYA, tmp_path / "assets" / KENYA]
    files = {path.name for path in folders[1].rglob("*") if path.is_file()}
    assert files == {"B02.tif", "err_report.csv"}
    assert await dataset.download(tmp_path / "c", catalog_only=True) == [tmp_path / "c" / KENYA]
    assert not list((tmp_path / "c").rglob("*.tif"))
    far = {"bbox": [100, 60, 101, 61], "collection_filter": {f"{KENYA}_source": ["B02"]}}
    with pytest.raises(EntityDoesNotExist, match="matches the filters"):
        await dataset.download(tmp_path / "d", **far)  # type: ignore[arg-type]  # keywords of two types
    with pytest.raises(InvalidSearch, match="twice"):
        await dataset.download(
            tmp_path, bbox=[1, 2, 3, 4], intersects={"type": "Point", "coordinates": [1, 2]}
        )
    assert name not in {path.name for path in folders[1].iterdir()}


async def test_several_requests_run_at_a_time_in_order_and_within_their_limit() -> None:
    running, most = 0, 0

    async def work(number: int) -> int:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1
        return number * 2

    assert await together(work, range(20), 3) == [number * 2 for number in range(20)]
    assert most == 3


async def test_the_first_failure_of_several_is_raised_as_itself() -> None:
    async def work(number: int) -> None:
        if number == 2:
            raise EntityDoesNotExist("two")
        await asyncio.sleep(60)

    with pytest.raises(EntityDoesNotExist, match="two"):
        await together(work, [1, 2, 3], 3)


def test_every_public_name_is_there_and_nothing_is_imported_before_it_is_used() -> None:
    for name in mlhub_tui.__all__:
        assert getattr(mlhub_tui, name) is not None
    assert issubclass(APIKeyNotFound, MLHubException)
    with pytest.raises(AttributeError):
        _ = mlhub_tui.no_such_name
    code = (
        "import sys, mlhub_tui, mlhub_tui.sources.base, mlhub_tui.sources.open_source, mlhub_tui.api;"
        "print(sorted({'httpx', 'pystac', 'humanize', 'sqlite3', 'textual'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
