"""What the tests of datasets share: a catalog and its assets on a fault server, and a source over it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mlhub_tui.errors import EntityDoesNotExist
from mlhub_tui.http.credentials import Link
from mlhub_tui.http.errors import RetryPolicy
from mlhub_tui.models import ArchiveInfo, CatalogInfo
from mlhub_tui.options import IfExists
from mlhub_tui.planning.filters import Filters
from mlhub_tui.planning.requests import DatasetRequest, DownloadRequest, dataset_request
from mlhub_tui.queue.job import Job
from mlhub_tui.queue.service import QueueService
from tests.support.bare_source import BareSource
from tests.support.fault_server import FaultServer
from tests.support.waiting import until
from tests.transfer.batch_support import origin

from ..planning.made import archive, asset, collection, item, named
from .support import HASTY, QUICK, Links

CROPS = "crops"
CATALOG = f"/store/{CROPS}.tar.gz"


def stock(server: FaultServer, folder: Path, count: int, size: int = 200, **more: Any) -> dict[str, bytes]:
    """Put a dataset of `count` assets on a server; return their contents by save path.

    Two assets an item, `a` and `b`; `more` are further assets of the first item, by key.
    """
    contents, documents = {}, [collection("fields")]
    paths: dict[str, bytes] = {}
    for number in range((count + 1) // 2):
        name, assets = f"i{number:05}", {}
        for key in ("a", "b")[: count - 2 * number]:
            data = f"{name} {key} ".encode().ljust(size + number % 50, b".")
            paths[f"/store/{name}/{key}.tif"] = contents[f"fields/{name}/{key}.tif"] = data
            assets[key] = asset(f"{origin(server)}/store/{name}/{key}.tif", **{"file:size": len(data)})
        extra = {key: asset(href) for key, href in more.items()} if number == 0 else {}
        documents.append(item(name, assets=assets | extra, bbox=[0.0, 0.0, 1.0, 1.0]))
    made = archive(folder / "made.tar.gz", named(CROPS, documents))
    server.by_target = {**paths, CATALOG: made.read_bytes()}
    return contents


@dataclass
class Shop(BareSource):
    """A source with one dataset on a fault server, and the resolver that opens it.

    `link` makes the link of an asset.
    """

    url: str
    link: Callable[[str], Link] = Link
    root_url: str = "http://127.0.0.1/mlhub/v1/"
    asked: list[str] = field(default_factory=list)

    async def catalog_link(self, dataset_id: str) -> Link:
        if dataset_id != CROPS:
            words = f"the catalog of dataset {dataset_id} does not exist; it may still be generating"
            raise EntityDoesNotExist(words, status=404)
        return Link(f"{self.url}{CATALOG}")

    async def catalog_info(self, dataset_id: str) -> CatalogInfo:
        return CatalogInfo(dataset_id, None, None)

    async def archive_info(self, collection_id: str) -> ArchiveInfo:
        raise EntityDoesNotExist(f"no archive of {collection_id}")

    async def asset_link(self, href: str, *, fresh: bool = False) -> Link:
        self.asked.append(href)
        return self.link(href)


class Shops(Links):
    """A resolver whose datasets are in a shop."""

    def __init__(self, shop: Shop) -> None:
        super().__init__(f"{shop.url}/store/file.tar.gz")
        self.shop = shop

    @asynccontextmanager
    async def opened(self, request: DownloadRequest) -> AsyncIterator[Shop]:
        yield self.shop


def shops(server: FaultServer) -> Shops:
    """Return a resolver for the dataset on a server."""
    return Shops(Shop(origin(server)))


def wish(folder: Path, filters: Filters | None = None, **more: Any) -> DatasetRequest:
    """Return a request for the dataset."""
    return dataset_request(CROPS, folder, filters, source=Shop.root_url, **more)


def queue_at(home: Path, resolver: Links, retries: RetryPolicy = HASTY) -> QueueService:
    """Return a queue that was started."""
    made = QueueService(home / "queue.db", resolver, retries=retries, config=QUICK)
    made.start()
    return made


async def settle(queue: QueueService, request: DatasetRequest) -> Job:
    """Queue a wish and return its job at rest."""
    job = await queue.add(request)
    return (await queue.wait([job.id]))[0]


async def reached(queue: QueueService, job_id: int, good: Callable[[Job], bool]) -> Job:
    """Wait until a job is as wanted, and return it."""

    def found() -> Job | None:
        return next((job for job in queue.snapshot() if job.id == job_id and good(job)), None)

    job = await until(found, queue.snapshot)
    assert job is not None
    return job


@dataclass
class Crops:
    """A queue for the dataset of a server, which goes to the folder `out`."""

    queue: QueueService
    server: FaultServer
    folder: Path

    @property
    def out(self) -> Path:
        return self.folder / "out"

    @property
    def gets(self) -> list[str]:
        return [request.target for request in self.server.gets]

    def stock(self, count: int, **more: Any) -> dict[str, bytes]:
        """Put a dataset of `count` assets on the server; see `stock`."""
        return stock(self.server, self.folder, count, **more)

    async def settle(self, filters: Filters | None = None, **more: Any) -> Job:
        """Queue the dataset and return its job at rest."""
        return await settle(self.queue, wish(self.out, filters, **more))

    async def begin(self, good: Callable[[Job], bool] = lambda job: job.files_done > 5) -> Job:
        """Queue the dataset, and wait until its job is as wanted."""
        job = await self.queue.add(wish(self.out))
        return await reached(self.queue, job.id, good)


def assets_in(folder: Path) -> dict[str, bytes]:
    """Return the files of assets below a dataset's folder, by their save paths."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*.tif")}


def again(request: DatasetRequest, if_exists: IfExists = IfExists.RESUME) -> DatasetRequest:
    """Return a new wish for the same."""
    return replace(request, request_id=f"{request.request_id}+", if_exists=if_exists)
