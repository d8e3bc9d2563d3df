"""Archives are real ones: tar files that unpack, the same at every start, with the sizes they claim."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import random
import struct
import tarfile
import zlib

import httpx
import pystac
import pytest

from mlhub_tui.sample.archives import (
    PAYLOAD,
    Archive,
    Member,
    TarGzip,
    catalog_bytes,
    known_sums,
    md5_of,
    whole,
)
from mlhub_tui.sample.catalog import SampleCatalog

SMALL = 2_000_000
SAMPLED = [
    "ref_african_crops_kenya_02_labels",
    "su_sar_moisture_content",
    "sn4_AOI_6_Atlanta",
    "sen12floods_s1_labels",
]


def make(catalog: SampleCatalog, collection: str) -> Archive:
    entry = catalog.collections[collection]
    return Archive(entry, catalog.datasets[entry.dataset])


def everything(archive: Archive) -> bytes:
    return b"".join(archive.chunks(0, archive.size))


@pytest.mark.parametrize("collection", SAMPLED)
def test_an_archive_unpacks_to_a_stac_catalog_with_images(catalog: SampleCatalog, collection: str) -> None:
    content = everything(make(catalog, collection))
    with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as archive:
        files = {m.name: archive.extractfile(m) for m in archive.getmembers() if m.isfile()}
        found = {name: file.read() for name, file in files.items() if file is not None}
    assert all(name.startswith(f"{collection}/") for name in found)
    document = json.loads(found[f"{collection}/collection.json"])
    assert pystac.Collection.from_dict(document).id == collection
    links = [link["href"] for link in document["links"] if link["rel"] == "item"]
    assert links
    for href in links:
        item = json.loads(found[f"{collection}/{href}"])
        assert pystac.Item.from_dict(item).collection_id == collection
        folder = href.rpartition("/")[0]
        for asset in item["assets"].values():
            name = f"{collection}/{folder}/{asset['href']}".replace(f"{folder}/../", "")
            assert len(found[name]) > 0


def test_archives_are_the_same_at_every_start_and_have_fingerprints_of_their_own(
    catalog: SampleCatalog,
) -> None:
    fingerprints = set()
    for collection in SAMPLED:
        first, second = make(catalog, collection), make(catalog, collection)
        assert first.fingerprint == second.fingerprint
        assert everything(first) == everything(second)
        fingerprints.add(first.fingerprint)
    assert len(fingerprints) == len(SAMPLED)


@pytest.mark.slow
def test_any_range_is_the_slice_of_the_whole(catalog: SampleCatalog) -> None:
    archive = make(catalog, "sn4_AOI_6_Atlanta")
    content = everything(archive)
    chance = random.Random(7)
    edges = [0, 1, 9, 10, PAYLOAD, PAYLOAD + 98, PAYLOAD + 99, archive.size - 9, archive.size]
    for start in [*edges, *(chance.randrange(archive.size) for _ in range(20))]:
        stop = min(archive.size, start + chance.choice([1, 100, 70_000, PAYLOAD + 5]))
        assert b"".join(archive.chunks(start, stop)) == content[start:stop]


def test_a_huge_archive_answers_from_its_middle_and_its_end(catalog: SampleCatalog) -> None:
    archive = make(catalog, "bigearthnet_v1_source")
    assert archive.size > 300_000_000
    for start in (archive.size // 2, archive.size - 1000):
        assert len(b"".join(archive.chunks(start, start + 1000))) == 1000
    last = b"".join(archive.chunks(archive.size - 1000, archive.size))
    assert last[:-8].endswith(bytes(900))


@pytest.mark.slow
def test_every_size_asked_of_the_api_is_the_size_of_the_file(
    api: httpx.Client, store: httpx.Client, catalog: SampleCatalog
) -> None:
    sizes = []
    for entry in catalog.collections.values():
        if entry.archive_size is not None:
            size = api.get(f"archive/{entry.id}/info").json()["size"]
            assert int(store.head(f"archives/{entry.id}.tar.gz").headers["Content-Length"]) == size
            sizes.append(size)
    assert min(sizes) < 12_000
    assert max(sizes) > 300_000_000


@pytest.mark.slow
def test_every_archive_has_a_checksum_and_small_ones_are_right(catalog: SampleCatalog) -> None:
    sums = known_sums()
    small = 0
    for entry in catalog.collections.values():
        if entry.archive_size is not None:
            archive = Archive(entry, catalog.datasets[entry.dataset])
            assert archive.fingerprint in sums, f"{entry.id}: run python -m mlhub_tui.sample.archives"
            if archive.size < SMALL:
                small += 1
                assert md5_of(archive) == sums[archive.fingerprint], entry.id
    assert small > 30


def test_the_checksum_of_a_large_archive_is_right(catalog: SampleCatalog) -> None:
    archive = make(catalog, "ref_african_crops_kenya_02_source")
    assert archive.size > 100_000_000
    assert md5_of(archive) == known_sums()[archive.fingerprint]


def test_the_size_on_the_wire_is_the_size_that_was_said(store: httpx.Client) -> None:
    received, digest = 0, hashlib.md5()
    with store.stream("GET", "archives/sn7_test_source.tar.gz") as answer:
        for chunk in answer.iter_raw():
            received += len(chunk)
            digest.update(chunk)
    assert received == int(answer.headers["Content-Length"])
    assert base64.b64encode(digest.digest()).decode() == answer.headers["Content-MD5"]


def test_a_dataset_catalog_has_the_hosted_layout(catalog: SampleCatalog) -> None:
    content = catalog_bytes(catalog.datasets["umd_mali_crop_type"], "http://store.test/mlhub/")
    with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as archive:
        names = archive.getnames()
        documents = {name: json.load(archive.extractfile(name) or io.BytesIO()) for name in names}
    assert "umd_mali_crop_type/catalog.json" in names
    for collection in ("umd_mali_crop_type_labels", "umd_mali_crop_type_source"):
        folder = f"umd_mali_crop_type/{collection}"
        assert documents[f"{folder}/collection.json"]["type"] == "Collection"
        item = documents[f"{folder}/{collection}_00000/{collection}_00000.json"]
        for asset in item["assets"].values():
            assert asset["href"].startswith("http://store.test/mlhub/assets/")
            assert "." in asset["href"].rpartition("/")[2]


@pytest.mark.parametrize("size", [0, 1, 511, 512, 513, 65535, PAYLOAD, 3 * PAYLOAD + 17])
def test_the_writers_agree_with_the_standard_library_at_every_size(size: int) -> None:
    body = random.Random(size).randbytes(size)
    stream = TarGzip([Member("folder/file", size, whole(body))])
    content = b"".join(stream.chunks(0, stream.size))
    assert len(content) == stream.size
    with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as archive:
        file = archive.extractfile("folder/file")
        assert file is not None
        assert file.read() == body


def test_thumbnails_are_pngs_that_decode(store: httpx.Client) -> None:
    content = store.get("assets/sn2_AOI_3_Paris/sn2_AOI_3_Paris_00001/thumbnail.png").content
    place, chunks = 8, {}
    while place < len(content):
        length, name = struct.unpack(">I4s", content[place : place + 8])
        body = content[place + 8 : place + 8 + length]
        assert struct.unpack(">I", content[place + 8 + length :][:4])[0] == zlib.crc32(name + body)
        chunks[name] = body
        place += 12 + length
    width, height = struct.unpack(">II", chunks[b"IHDR"][:8])
    assert len(zlib.decompress(chunks[b"IDAT"])) == height * (width + 1)
    assert len(set(zlib.decompress(chunks[b"IDAT"]))) > 8
