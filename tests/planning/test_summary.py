"""What a dry run says, how filters are kept, and what the archives of a dataset cost."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mlhub_tui.errors import AuthenticationError, EntityDoesNotExist, InvalidSearch, ServerError
from mlhub_tui.models import ArchiveInfo, BBox, CatalogInfo
from mlhub_tui.models.search import Span
from mlhub_tui.planning.dataset_plan import Costs, costs
from mlhub_tui.planning.filters import Filters
from mlhub_tui.planning.selection import count_files
from tests.support.bare_source import BareSource

from .made import asset, built, collection, item


def test_a_summary_has_files_and_bytes_by_collection_and_key(tmp_path: Path) -> None:
    sized = {"file:size": 10}
    documents = [
        collection("fields", {"legend": asset("l.csv", **sized)}),
        item("a", assets={"B01": asset("a.tif", **sized), "documentation": asset("d.pdf", **sized)}),
        item("b", assets={"B01": asset("b.tif", **sized), "documentation": asset("d.pdf", **sized)}),
        item("c", "trees", assets={"B01": asset("c.tif")}, datetime="2020-01-01T00:00:00Z"),
    ]
    with built(tmp_path / "plan.db", documents) as index:
        found = json.loads(json.dumps(count_files(index, Filters()).to_json()))
        fields = count_files(index, Filters(Filters.keys({"fields": []}))).to_json()
    assert (found["files"], found["bytes"], found["bytes_known"]) == (5, None, 40)
    assert found["asset_keys"]["B01"] == {"files": 3, "bytes": None, "bytes_known": 20}
    assert found["collections"]["fields"]["asset_keys"]["documentation"]["files"] == 1
    assert found["collections"]["fields"]["items"] == 2
    assert found["items_without_time"] == 2
    assert (fields["files"], fields["bytes"]) == (4, 40)


@pytest.mark.parametrize(
    "filters",
    [
        Filters(),
        Filters(Filters.keys({"a": ["x", "y"], "b": []}), BBox(170, -1, -170, 1), exact=True),
        Filters(intersects={"type": "Point", "coordinates": [1, 2]}, catalog_only=True),
        Filters(when=Span(datetime(2020, 1, 1, tzinfo=UTC), None)),
        Filters(when=Span(None, datetime(2020, 1, 1, 5, 6, 7, 999000, tzinfo=UTC))),
    ],
)
def test_filters_are_kept_as_json(filters: Filters) -> None:
    assert Filters.from_json(json.loads(json.dumps(filters.to_json()))) == filters


@pytest.mark.parametrize("raw", ["", [], {}, {"collections": 1}, None])
def test_damaged_filters_are_refused(raw: object) -> None:
    with pytest.raises(InvalidSearch):
        Filters.from_json(raw)


class Told(BareSource):
    """A source that has the archives it is told of."""

    def __init__(self, **archives: int | None) -> None:
        self.archives = archives
        self.catalog: CatalogInfo | None = CatalogInfo("crops", 5, 500)

    async def archive_info(self, collection_id: str) -> ArchiveInfo:
        if collection_id not in self.archives:
            raise EntityDoesNotExist("none")
        return ArchiveInfo(collection_id, "crops", self.archives[collection_id])

    async def catalog_info(self, dataset_id: str) -> CatalogInfo:
        if self.catalog is None:
            raise EntityDoesNotExist("none")
        return self.catalog


async def test_costs_are_those_of_catalog_and_archives() -> None:
    found = await costs(Told(a=3, b=4), "crops", ["a", "b", "c"])
    assert (found.archives_size, found.missing, found.catalog_size, found.estimated_size) == (
        7,
        ("c",),
        5,
        500,
    )
    assert found.catalog
    unknown = await costs(Told(a=3, b=None), "crops", ["a", "b"])
    assert (unknown.archives_size, unknown.archives_known) == (None, 3)


async def test_a_dataset_without_a_catalog_archive_has_none() -> None:
    source = Told()
    source.catalog = None
    found = await costs(source, "crops", ["a"])
    assert (found.catalog, found.catalog_size, found.archives_size) == (False, None, None)


async def test_an_api_that_refuses_the_key_is_no_answer() -> None:
    class Refuses(Told):
        async def archive_info(self, collection_id: str) -> ArchiveInfo:
            raise AuthenticationError("no")

    with pytest.raises(AuthenticationError):
        await costs(Refuses(), "crops", ["a"])


async def test_an_archive_that_cannot_be_asked_for_leaves_the_others_known_while_costs_are_shown() -> None:
    class RefusesOne(Told):
        async def archive_info(self, collection_id: str) -> ArchiveInfo:
            if collection_id == "b":
                raise ServerError("b is away")
            return await super().archive_info(collection_id)

    shown: list[Costs] = []
    found = await costs(RefusesOne(a=3, c=4), "", ["a", "b", "c", "d"], shown.append)
    assert (found.archives, found.missing) == ({"a": 3, "b": None, "c": 4}, ("d",))
    assert (found.archives_known, str(found.problem)) == (7, "b is away")
    assert [len(each.archives) + len(each.missing) for each in shown] == [1, 2, 3, 4]
