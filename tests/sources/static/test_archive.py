"""Tar archives are streamed in one pass and read by their index, never unpacked, never left."""

from __future__ import annotations

import gzip
import json
import os
import random
import sqlite3
import stat
import tarfile
import time
from pathlib import Path

import pytest

from mlhub_tui.errors import EntityDoesNotExist, RequestError, UnexpectedAnswer
from mlhub_tui.fileio import shrink_folder
from mlhub_tui.http.cache import CachedResponse
from mlhub_tui.models import EntryKind
from mlhub_tui.sources.static.archive import (
    ArchiveMembers,
    IndexNotWritten,
    SkipReport,
    documents,
    folder,
    index_of,
)
from mlhub_tui.sources.static.document_urls import file_url, member_url
from mlhub_tui.sources.static.source import NotASource
from mlhub_tui.sources.static.tar_reader import ArchiveReadCancelled, DamagedArchive
from tests.support.listing import items_of

from .conftest import Open
from .grow import catalog, collection, encoded, forest, item, link, pack, special

LONG = "deep/" * 60 + "x" * 120 + ".json"


@pytest.mark.parametrize("name", ["c.tar", "c.tar.gz", "c.tgz"])
@pytest.mark.parametrize("format", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_every_document_is_streamed_once_in_order(tmp_path: Path, name: str, format: int) -> None:
    files = forest(3, 40, root="cat/")
    if format != tarfile.USTAR_FORMAT:
        files[LONG] = item("long")
        files["ümläut/ß.json"] = item("u")
    files["big.json"] = item("big", pad="x" * 3_000_000)
    found = list(documents(pack(tmp_path / name, files, format=format)))
    assert found == list(files.items())


def test_the_stream_reads_what_tarfile_reads(tmp_path: Path) -> None:
    """Members of all sizes around the borders of blocks and pieces."""
    chance = random.Random(5)
    sizes = [0, 1, 511, 512, 513, 1 << 20, (1 << 20) + 1, *(chance.randrange(70_000) for _ in range(60))]
    files = {f"{n}.json": json.dumps("x" * size).encode() for n, size in enumerate(sizes)}
    path = pack(tmp_path / "c.tar.gz", {**files, "data.tif": b"\1" * 3_000_000, "last.json": b"{}"})
    with tarfile.open(path) as archive:
        names = [m.name for m in archive]
    members = ArchiveMembers(path)
    urls = [member_url(file_url(path), name) for name in names if name.endswith(".json")]
    read = [f.content for f in members.read(urls) if isinstance(f, CachedResponse)]
    members.close()
    assert read == [*files.values(), b"{}"]


def test_hostile_members_are_left_out_and_named(tmp_path: Path) -> None:
    outside = {
        "../evil.json": item("evil"),
        "/etc/evil.json": item("evil"),
        "a/../../evil.json": item("evil"),
    }
    path = pack(
        tmp_path / "c.tar.gz",
        {
            "catalog.json": catalog("root"),
            **outside,
            "C:\\evil.json": item("evil"),
            "bad.json": b"{",
            "._x.json": b"?",
        },
        special("link.json", tarfile.SYMTYPE, "/etc/passwd"),
        special("hard.json", tarfile.LNKTYPE, "catalog.json"),
        special("null.json", tarfile.CHRTYPE),
        special("folder", tarfile.DIRTYPE),
    )
    report = SkipReport()
    assert [name for name, _ in documents(path, report=report)] == ["catalog.json"]
    assert report.lines() == (
        "3 members left out (a link or device): link.json",
        "4 members left out (its name leads out of the archive): ../evil.json",
        "1 member left out (not JSON): bad.json",
    )


@pytest.mark.slow
def test_a_member_of_a_gigabyte_is_passed_over_in_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "c.tar.gz"
    huge = tarfile.TarInfo("huge.json")
    huge.size = 1 << 30
    after = tarfile.TarInfo("after.json")
    after.size = 2
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(huge.tobuf())
    zeros = gzip.compress(bytes(1 << 26), 1)
    with path.open("ab") as whole:
        for _ in range(16):
            whole.write(zeros)
        whole.write(gzip.compress(after.tobuf() + b"{}".ljust(512, b"\0") + bytes(1024)))
    report = SkipReport()
    assert list(documents(path, report=report)) == [("after.json", {})]
    assert report.lines() == ("1 member left out (too large to be read): huge.json (1.1 GB)",)


@pytest.mark.parametrize("name", ["c.tar", "c.tar.gz"])
def test_what_is_before_the_damage_is_read(tmp_path: Path, name: str) -> None:
    files = {f"{n}.json": item(str(n), pad=os.urandom(500).hex()) for n in range(60)}
    path = pack(tmp_path / name, files)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    found = []
    with pytest.raises(DamagedArchive, match="too early"):
        for _, document in documents(path):
            found.append(document["id"])
    assert found == [str(n) for n in range(len(found))]
    assert 20 < len(found) < 40


@pytest.mark.parametrize("name", ["c.tar", "c.tar.gz"])
def test_damage_in_the_middle_is_said(tmp_path: Path, name: str) -> None:
    path = pack(tmp_path / name, {f"{n}.json": item(str(n), pad=os.urandom(300).hex()) for n in range(60)})
    content = bytearray(path.read_bytes())
    middle = len(content) // 2 // 512 * 512
    content[middle : middle + 2000] = bytes(b ^ 0x5A for b in content[middle : middle + 2000])
    path.write_bytes(content)
    with pytest.raises(DamagedArchive, match="damaged"):
        list(documents(path))


def test_no_archive_at_all_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "c.tar"
    path.write_bytes(b"<html>" * 1000)
    with pytest.raises(DamagedArchive):
        list(documents(path))
    path.write_bytes(b"")
    assert list(documents(path)) == []


def test_gzip_in_several_members_and_padded_is_one_archive(tmp_path: Path) -> None:
    plain = pack(tmp_path / "c.tar", {f"{n}.json": item(str(n)) for n in range(9)}).read_bytes()
    packed = gzip.compress(plain[:5000]) + gzip.compress(plain[5000:]) + bytes(700)
    path = tmp_path / "c.tgz"
    path.write_bytes(packed)
    assert [name for name, _ in documents(path)] == [f"{n}.json" for n in range(9)]


def test_progress_and_cancelling(tmp_path: Path) -> None:
    path = pack(tmp_path / "c.tar.gz", {f"{n}.json": item(str(n)) for n in range(2000)})
    told: list[tuple[int, int | None]] = []
    list(documents(path, progress=lambda done, whole: told.append((done, whole))))
    assert told[-1] == (path.stat().st_size, path.stat().st_size)
    assert len(list(documents(path, cancelled=lambda: True))) == 0
    with pytest.raises(ArchiveReadCancelled):
        index_of(path, cancelled=lambda: True)
    assert list((tmp_path / "mlhub-home/cache/archives").iterdir()) == []


def test_the_index_is_made_once_and_again_when_the_archive_changes(tmp_path: Path, mlhub_home: Path) -> None:
    path = pack(tmp_path / "c.tar.gz", forest(1, 3))
    index = index_of(path)
    inode = index.stat().st_ino
    assert index_of(path).stat().st_ino == inode
    pack(path, forest(1, 4))
    assert index_of(path).stat().st_ino != inode
    assert stat.S_IMODE(index.stat().st_mode) == 0o600
    assert (
        stat.S_IMODE(index.parent.stat().st_mode)
        == stat.S_IMODE((mlhub_home / "cache").stat().st_mode)
        == 0o700
    )


def test_indexes_are_bounded_and_can_be_cleared(tmp_path: Path) -> None:
    indexes = [index_of(pack(tmp_path / f"{n}.tar", forest(1, 3))) for n in range(4)]
    for age, index in enumerate(indexes):
        os.utime(index, (1000 - age, 1000 - age))
    size = indexes[0].stat().st_size
    shrink_folder(folder(), 2 * size)
    assert [index.exists() for index in indexes] == [True, True, False, False]
    half = indexes[0].with_suffix(".123.new")
    for age, stays in ((0, True), (100_000, False)):
        half.write_bytes(b"")
        os.utime(half, (time.time() - age, time.time() - age))
        shrink_folder(folder(), 2 * size)
        assert half.exists() is stays
    assert shrink_folder(folder(), -1) == 2 * size
    assert not any(index.exists() for index in indexes)


@pytest.mark.parametrize("name", ["c.tar", "c.tar.gz"])
async def test_an_archive_is_a_source(tmp_path: Path, opened: Open, name: str) -> None:
    source = opened(pack(tmp_path / name, forest(2, 3, root="./dataset/")))
    assert (await source.about()).title == "root"
    assert [c.id for c in await source.collections()] == ["c0", "c1"]
    items = [found async for found in items_of(source, "c1", page_size=2)]
    assert [found.id for found in items] == ["c1-0000", "c1-0001", "c1-0002"]
    assert items[0].url == f"{file_url(tmp_path / name)}!/dataset/regions/c1/c1-0000/c1-0000.json"
    (regions,) = (await source.entries()).entries
    assert regions.kind is EntryKind.CATALOG
    again = opened(items[0].url)
    assert [entry.id for entry in (await again.entries()).entries] == ["c1-0000"]


async def test_nothing_outside_of_an_archive_is_read(tmp_path: Path, opened: Open) -> None:
    secret = tmp_path / "secret.json"
    secret.write_bytes(encoded(item("secret")))
    other = pack(tmp_path / "other.tar", {"x.json": item("other")})
    files = {
        "catalog.json": collection(
            "root",
            link("item", "../../secret.json"),
            link("item", str(secret)),
            link("item", file_url(secret)),
            link("item", file_url(other) + "!/x.json"),
            link("item", "here.json"),
        ),
        "here.json": item("here"),
    }
    source = opened(pack(tmp_path / "c.tar.gz", files))
    page = await source.items_page("root")
    assert [found.id for found in page.entries] == ["here"]
    assert len(page.notes) == 3  # two of the links are one
    for url in (file_url(secret), file_url(other) + "!/x.json"):
        with pytest.raises(RequestError):
            await source.item("root", url)


async def test_what_was_left_out_is_in_the_notes(tmp_path: Path, opened: Open) -> None:
    path = pack(tmp_path / "c.tar", {"catalog.json": catalog("root"), "../x.json": item("x")})
    about = await opened(path).about()
    assert about.notes == ("1 member left out (its name leads out of the archive): ../x.json",)
    with pytest.raises(NotASource, match=r"neither catalog\.json nor"):
        await opened(pack(tmp_path / "none.tar", {"x.json": item("x")})).about()


def test_documents_beyond_the_bound_of_an_index_are_still_read(tmp_path: Path) -> None:
    files = {f"{n}.json": item(str(n), pad=os.urandom(100_000).hex()) for n in range(9)}
    path = pack(tmp_path / "c.tar.gz", files)
    index = index_of(path, max_bodies=300_000)
    assert index.stat().st_size < 700_000
    members = ArchiveMembers(path)
    read = members.read([member_url(file_url(path), name) for name in files])
    members.close()
    assert [json.loads(f.content)["id"] for f in read if isinstance(f, CachedResponse)] == [
        str(n) for n in range(9)
    ]


async def test_an_index_that_cannot_be_written_says_what_to_do(
    tmp_path: Path, mlhub_home: Path, opened: Open
) -> None:
    path = pack(tmp_path / "c.tar.gz", forest(1, 1))
    mlhub_home.mkdir()
    (mlhub_home / "cache").write_text("a file is in the way")
    with pytest.raises(IndexNotWritten, match="cannot be written") as caught:
        await opened(path).about()
    assert "MLHUB_HOME" in caught.value.hint


def test_an_archive_of_too_many_members_is_read_in_part(tmp_path: Path) -> None:
    path = pack(tmp_path / "c.tar", forest(1, 9))
    index_of(path, max_members=3)
    members = ArchiveMembers(path)
    assert members.root_url.endswith("!/catalog.json")
    assert members.notes == ("the archive has too many members: only the first ones are read",)
    names = ("regions/c0/collection.json", "regions/c0/c0-0000/c0-0000.json")
    third, fourth = members.read([member_url(file_url(path), name) for name in names])
    assert (isinstance(third, CachedResponse), isinstance(fourth, EntityDoesNotExist)) == (True, True)
    members.close()


def test_a_damaged_index_is_a_sentence(tmp_path: Path) -> None:
    path = pack(tmp_path / "c.tar.gz", forest(1, 1))
    with sqlite3.connect(index_of(path)) as db:
        db.execute("UPDATE members SET body = x'00'")
    db.close()
    members = ArchiveMembers(path)
    (found,) = members.read([members.root_url])
    members.close()
    assert isinstance(found, UnexpectedAnswer)
    assert "index is damaged" in found.message
