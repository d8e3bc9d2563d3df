"""Datasets of sources that have no archive of their catalog: pages of items, gone on with page by page."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from mlhub_tui.auth import Kind
from mlhub_tui.errors import NotOffered, ServerError
from mlhub_tui.models import BBox, Collection, Item, Search
from mlhub_tui.planning.filters import Filters
from mlhub_tui.planning.requests import DatasetRequest, DownloadRequest, dataset_request
from mlhub_tui.queue.job import JobState
from mlhub_tui.sources.base import Page
from tests.support.bare_source import BareSource
from tests.support.fault_server import FaultServer
from tests.transfer.batch_support import origin

from ..planning.made import asset, collection, item
from .dataset_support import assets_in, queue_at, settle
from .support import Links

PAGES = 3
ROOT = "https://stac.example/v1/"


@dataclass
class Api(BareSource):
    """A STAC API of one collection, whose pages may fail and which may have a search."""

    url: str
    searches: bool = True
    failures: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    root_url: str = ROOT

    async def collection(self, collection_id: str) -> Collection:
        self.asked.append("collection")
        return Collection(collection(collection_id))

    async def items_page(self, collection_id: str, *, link: str | None = None, **_: Any) -> Page[Item]:
        return self._page("items", link, range(PAGES))

    async def search_page(
        self, search: Search, *, link: str | None = None, page_size: int | None = None
    ) -> Page[Item]:
        if not self.searches:
            raise NotOffered("there is no search")
        assert search.collections == ("fields",)
        assert search.bbox == BBox(0, 0, 1, 1)
        return self._page("search", link, range(2))

    def _page(self, way: str, link: str | None, numbers: range) -> Page[Item]:
        number = int(link or 0)
        name = f"{way} {number}"
        self.asked.append(name)
        if name in self.failures:
            self.failures.remove(name)
            raise ServerError("the server is overloaded", status=503)
        made = item(f"i{number}", assets={"a": asset(f"{self.url}/store/i{number}/a.tif")}, bbox=[number] * 4)
        following = str(number + 1) if number + 1 in numbers else None
        return Page((Item(made),), following)


class Apis(Links):
    """A resolver whose datasets are at an API."""

    def __init__(self, api: Api) -> None:
        super().__init__(ROOT)
        self.api = api

    @asynccontextmanager
    async def opened(self, request: DownloadRequest) -> AsyncIterator[Api]:
        yield self.api


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer() as running:
        running.by_target = {f"/store/i{number}/a.tif": b"%d" % number * 50 for number in range(PAGES)}
        yield running


def wish(folder: Path, filters: Filters | None = None) -> DatasetRequest:
    return dataset_request("fields", folder, filters, source=ROOT, kind=Kind.STAC_API)


async def test_pages_are_gone_on_with_after_a_failure(
    mlhub_home: Path, server: FaultServer, tmp_path: Path
) -> None:
    api = Api(origin(server), failures=["items 1"])
    queue = queue_at(mlhub_home, Apis(api))
    job = await settle(queue, wish(tmp_path / "out"))
    assert (job.state, job.files_done) == (JobState.DONE, PAGES)
    assert api.asked == ["collection", "items 0", "items 1", "items 1", "items 2"]
    assert set(assets_in(tmp_path / "out" / "fields")) == {
        f"fields/i{number}/a.tif" for number in range(PAGES)
    }
    assert not (tmp_path / "out" / "fields.tar.gz").exists()
    await asyncio.to_thread(queue.stop, 60)


@pytest.mark.parametrize("searches", [True, False])
async def test_an_api_is_asked_for_what_the_area_leaves_where_it_has_a_search(
    mlhub_home: Path, server: FaultServer, tmp_path: Path, searches: bool
) -> None:
    api = Api(origin(server), searches=searches)
    queue = queue_at(mlhub_home, Apis(api))
    request = wish(tmp_path / "out", Filters(bbox=BBox(0, 0, 1, 1)))
    job = await settle(queue, request)
    assert (job.state, job.files_done) == (JobState.DONE, 2)
    ways = ["search 0", "search 1"] if searches else ["collection", "items 0", "items 1", "items 2"]
    assert api.asked == ways
    # The same day, what was read counts; another day it is read again.
    await settle(queue, replace(request, request_id=f"{request.request_id}x"))
    assert api.asked == ways
    await settle(queue, replace(request, request_id="2001-01-01 x"))
    assert api.asked == ways * 2
    await asyncio.to_thread(queue.stop, 60)
