"""Assets arrive as archives do: whole, verified, by the href that their document has now."""

from __future__ import annotations

import hashlib
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from mlhub_tui.auth import Kind
from mlhub_tui.errors import (
    AccessDenied,
    EntityDoesNotExist,
    NotOffered,
    UnexpectedAnswer,
    VerificationFailed,
)
from mlhub_tui.http.credentials import Link
from mlhub_tui.http.session import Session
from mlhub_tui.options import IfExists
from mlhub_tui.planning.assets import DocumentOrigin, requests_for
from mlhub_tui.planning.requests import AssetRequest
from mlhub_tui.planning.resolver import OneSource, Resolver
from mlhub_tui.queue.job import Job, JobState
from mlhub_tui.queue.run_job import fetch, fetch_asset
from mlhub_tui.queue.service import QueueService
from mlhub_tui.sources.asset_links import SasTokens, asset_link
from tests.support.fault_server import FaultServer
from tests.support.http_server import Answer, LoopbackServer, as_json

from .catalog import Catalog, tree
from .conftest import DATA, Queues
from .support import HASTY, QUICK, content

OTHER = content(seed=2)
SHA256 = hashlib.sha256(DATA).hexdigest()
GONE = [Answer(status=status) for status in (401, 403, 404, 410)]


@pytest.fixture
def catalog() -> Catalog:
    return Catalog()


def at(server: FaultServer, path: str) -> str:
    return server.url.replace("/store/file.tar.gz", path)


def wanted(catalog: Catalog, folder: Path, key: str = "data", **options: Any) -> AssetRequest:
    documents = catalog.documents.values()
    [request] = requests_for(DocumentOrigin.of(catalog), documents, folder, keys=[key], **options).requests
    return request


async def get(catalog: Catalog, folder: Path, key: str = "data", **options: Any) -> Path:
    request = wanted(catalog, folder, key, **options)
    return await fetch(request, OneSource(catalog), retries=HASTY, config=QUICK)


async def run(queue: QueueService, request: AssetRequest) -> Job:
    job = await queue.add(request)
    [job] = await queue.wait([job.id])
    return job


async def test_an_asset_lands_at_collection_item_key(
    server: FaultServer, folder: Path, catalog: Catalog
) -> None:
    item = catalog.put("i1", data={"href": at(server, "/a/b.tif?x=1"), "file:checksum": f"1220{SHA256}"})
    path = await fetch_asset(catalog, item, "data", folder)
    assert path == folder / "c" / "i1" / "data.tif"
    assert path.read_bytes() == DATA
    assert tree(folder) == {"c/i1/data.tif": len(DATA)}
    assert catalog.looks == []


async def test_an_asset_of_a_collection_has_no_items_folder(
    server: FaultServer, folder: Path, catalog: Catalog
) -> None:
    collection = catalog.put_collection(thumbnail=at(server, "/t.png"))
    assert await fetch_asset(catalog, collection, "thumbnail", folder) == folder / "c" / "thumbnail.png"


async def test_what_cannot_be_fetched_is_refused_at_once(folder: Path, catalog: Catalog) -> None:
    item = catalog.put("i", paid="s3://usgs-landsat/x", strange="oss://b/k", none={})
    for key, why in (("paid", "requester-pays"), ("strange", "over https"), ("none", "no href")):
        with pytest.raises(NotOffered, match=why):
            await fetch_asset(catalog, item, key, folder)
    with pytest.raises(EntityDoesNotExist, match="other"):
        await fetch_asset(catalog, item, "other", folder)
    assert not folder.exists()


@pytest.mark.parametrize("refusal", GONE, ids=lambda answer: str(answer.status))
async def test_a_refused_asset_is_looked_up_again_once(
    server: FaultServer, folder: Path, catalog: Catalog, refusal: Answer
) -> None:
    catalog.put("i", data=at(server, "/old.tif"))
    request = wanted(catalog, folder)
    catalog.put("i", data=at(server, "/new.tif"))
    server.heads.append(refusal)
    server.script.append(refusal)
    path = await fetch(request, OneSource(catalog), retries=HASTY, config=QUICK)
    assert path.read_bytes() == DATA
    assert [asked.target for asked in server.gets] == ["/old.tif", "/new.tif"]
    assert catalog.links == [(at(server, "/old.tif"), False), (at(server, "/new.tif"), True)]
    [look] = catalog.looks
    assert (look.id, look.collection_id) == ("i", "c")


async def test_an_asset_that_is_gone_for_good_is_not_asked_for_again(
    server: FaultServer, folder: Path, catalog: Catalog
) -> None:
    catalog.put("i", data=at(server, "/a.tif"))
    server.always = Answer(status=404)
    with pytest.raises(EntityDoesNotExist, match='asset "data" of item "i"'):
        await get(catalog, folder)
    assert len(server.gets) == 1
    assert tree(folder) == {}


async def test_an_item_that_is_gone_ends_it_with_its_name(
    server: FaultServer, folder: Path, catalog: Catalog
) -> None:
    catalog.put("i", data=at(server, "/a.tif"))
    request = wanted(catalog, folder)
    server.always = Answer(status=403)
    catalog.put("i", other="https://h/x")
    with pytest.raises(EntityDoesNotExist, match='no asset "data"'):
        await fetch(request, OneSource(catalog), retries=HASTY, config=QUICK)
    catalog.documents.clear()
    with pytest.raises(EntityDoesNotExist, match="i does not exist"):
        await fetch(request, OneSource(catalog), retries=HASTY, config=QUICK)


async def test_a_new_version_with_a_new_checksum_is_taken_from_the_document(
    server: FaultServer, folder: Path, catalog: Catalog
) -> None:
    server.content, server.md5 = OTHER, False
    catalog.put("i", data={"href": at(server, "/a.tif"), "file:checksum": f"1220{SHA256}"})
    request = wanted(catalog, folder)
    new = hashlib.sha256(OTHER).hexdigest()
    catalog.put("i", data={"href": at(server, "/a.tif"), "file:checksum": f"1220{new}"})
    path = await fetch(request, OneSource(catalog), retries=HASTY, config=QUICK)
    assert path.read_bytes() == OTHER


async def test_bytes_that_are_not_the_documents_get_no_final_name_and_leave_no_part(
    server: FaultServer, folder: Path, catalog: Catalog
) -> None:
    server.content, server.md5 = OTHER, False
    catalog.put("i", data={"href": at(server, "/a.tif"), "file:checksum": f"1220{SHA256}"})
    with pytest.raises(VerificationFailed, match="SHA-256"):
        await get(catalog, folder)
    assert list(tree(folder)) == []
    assert len(catalog.looks) == 1


async def test_a_checksum_nobody_can_verify_and_another_size_are_said(
    queues: Queues, catalog: Catalog
) -> None:
    catalog.put("i", data={"href": at(queues.server, "/a.tif"), "file:checksum": "ff" * 20, "file:size": 10})
    job = await run(queues.start(OneSource(catalog)), wanted(catalog, queues.folder))
    assert job.state is JobState.DONE
    assert "no kind that can be verified" in job.reason
    assert "its document says 10" in job.reason
    assert job.bytes_total == len(DATA)


async def test_a_web_page_is_refused_but_where_the_asset_is_one(
    server: FaultServer, folder: Path, catalog: Catalog
) -> None:
    page = b"<!DOCTYPE html><html>notes</html>"
    server.content, server.always = page, Answer(headers={"Content-Type": "text/html; charset=utf-8"})
    catalog.put("i", data=at(server, "/a.tif"), notes=at(server, "/notes.html"))
    assert (await get(catalog, folder, "notes")).read_bytes() == page
    with pytest.raises(UnexpectedAnswer, match="web page"):
        await get(catalog, folder)
    server.always = Answer()
    with pytest.raises(UnexpectedAnswer, match="web page"):
        await get(catalog, folder)


async def test_a_file_that_is_no_gzip_may_come_without_a_length(
    server: FaultServer, folder: Path, catalog: Catalog
) -> None:
    server.content, server.always = b"plain text", Answer(unframed=True)
    catalog.put("i", data=at(server, "/a.txt"), zipped=at(server, "/a.gz"))
    assert (await get(catalog, folder)).read_bytes() == b"plain text"
    with pytest.raises(VerificationFailed, match="gzip"):
        await get(catalog, folder, "zipped")


async def test_an_empty_asset_arrives(server: FaultServer, folder: Path, catalog: Catalog) -> None:
    server.content = b""
    catalog.put("i", data=at(server, "/empty.txt"))
    assert (await get(catalog, folder)).read_bytes() == b""


async def test_what_is_there_is_kept_or_replaced_as_asked(queues: Queues, catalog: Catalog) -> None:
    catalog.put("i", data=at(queues.server, "/a.tif"))
    queue = queues.start(OneSource(catalog))
    path = (await run(queue, wanted(catalog, queues.folder))).path
    again = await run(queue, wanted(catalog, queues.folder))
    assert (again.state, again.reason) == (JobState.DONE, "already there")
    path.write_bytes(b"mine")
    assert (await run(queue, wanted(catalog, queues.folder, if_exists=IfExists.SKIP))).state is JobState.DONE
    assert path.read_bytes() == b"mine"
    await run(queue, wanted(catalog, queues.folder, if_exists=IfExists.OVERWRITE))
    assert path.read_bytes() == DATA


async def test_an_interrupted_asset_goes_on_where_it_was(queues: Queues, catalog: Catalog) -> None:
    queues.server.script.append(Answer(after=len(DATA) // 2))
    catalog.put("i", data=at(queues.server, "/a.tif"))
    job = await run(queues.start(OneSource(catalog)), wanted(catalog, queues.folder))
    assert job.path.read_bytes() == DATA
    assert queues.server.ranges[1] is not None


async def test_a_signed_href_is_looked_up_late_and_kept_nowhere(
    queues: Queues, catalog: Catalog, mlhub_home: Path
) -> None:
    catalog.put("i", data=at(queues.server, "/a.tif?X-Amz-Signature=topsecret"))
    request = wanted(catalog, queues.folder)
    assert "topsecret" not in repr(request)
    queue = queues.start(OneSource(catalog))
    job = await run(queue, request)
    assert job.path.read_bytes() == DATA
    assert queues.server.gets[0].target == "/a.tif?X-Amz-Signature=topsecret"
    queue.stop(60)
    kept = b"".join(path.read_bytes() for path in mlhub_home.rglob("*") if path.is_file())
    assert b"/a.tif" in kept or b"data.tif" in kept
    assert b"topsecret" not in kept
    assert "topsecret" not in repr(queue.snapshot())


async def test_a_refused_signature_is_renewed_and_none_is_kept(queues: Queues, mlhub_home: Path) -> None:
    given: list[str] = []

    def token(_: object) -> Any:
        given.append(f"sig=topsecret{len(given) + 1}")
        return as_json({"token": given[-1], "msft:expiry": "2100-01-01T00:00:00Z"})

    queues.server.heads.append(Answer(status=403))
    queues.server.script.append(Answer(status=403))
    with LoopbackServer(token) as endpoint:
        tokens = SasTokens(f"{endpoint.url}/token/", home="127.0.0.1", stores="127.0.0.1")

        async def opened(_: object) -> Catalog:
            signing = Catalog(endpoint.root)
            signing.documents = home.documents
            session = Session(root_url=endpoint.root)
            signing.asset_links = partial(asset_link, endpoint.root, session, tokens=tokens)
            return signing

        home = Catalog(endpoint.root)
        home.put("i", data=at(queues.server, "/container/a.tif"), more=at(queues.server, "/container/b.tif"))
        queue = queues.start(Resolver(opened))
        for key in ("data", "more"):
            assert (await run(queue, wanted(home, queues.folder, key))).state is JobState.DONE
    assert [asked.target for asked in queues.server.gets] == [
        "/container/a.tif?sig=topsecret1",
        "/container/a.tif?sig=topsecret2",
        "/container/b.tif?sig=topsecret2",
    ]
    queue.stop(60)
    kept = b"".join(path.read_bytes() for path in mlhub_home.rglob("*") if path.is_file())
    assert b"/container/a.tif" in kept
    assert b"topsecret" not in kept


async def test_a_requester_pays_bucket_that_refuses_is_explained(
    server: FaultServer, folder: Path, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlhub_tui.planning.resolver.known_to_pay", lambda url: f"pays: {url}"[:4])
    server.always = Answer(status=403)
    catalog.put("i", data=at(server, "/a.tif"))
    with pytest.raises(AccessDenied, match="pays"):
        await get(catalog, folder)
    assert len(server.gets) == 1


async def test_an_archive_is_no_matter_for_a_source_that_has_none(folder: Path, catalog: Catalog) -> None:
    from .support import wish

    with pytest.raises(NotOffered, match="archives"):
        await OneSource(catalog).link(wish(folder))
    assert await OneSource(catalog).info(wish(folder)) is None


async def test_items_of_a_static_catalog_are_found_by_their_url(server: FaultServer, folder: Path) -> None:
    catalog = Catalog("https://h/catalog.json", Kind.STATIC)
    catalog.put("i", "https://h/c/i.json", data=at(server, "/a.tif"))
    request = wanted(catalog, folder)
    server.script.append(Answer(status=404))
    catalog.put("i", "https://h/c/i.json", data=at(server, "/b.tif"))
    await fetch(request, OneSource(catalog), retries=HASTY, config=QUICK)
    assert [look.url for look in catalog.looks] == ["https://h/c/i.json"]


async def test_the_link_of_a_resolver_closes_its_source(folder: Path) -> None:
    closed: list[str] = []

    class Closing(Catalog):
        async def aclose(self) -> None:
            closed.append(self.root_url)

    async def opened(_: object) -> Catalog:
        catalog = Closing()
        catalog.put("i", data="https://h/a.tif")
        return catalog

    catalog = Catalog()
    catalog.put("i", data="https://h/a.tif")
    resolver = Resolver(opened)
    assert (await resolver.link(wanted(catalog, folder))).url == "https://h/a.tif"
    assert isinstance((await resolver.again(wanted(catalog, folder))).link, Link)
    assert len(closed) == 2
