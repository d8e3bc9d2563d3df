"""Unpacking: every file of an archive in its folder, nothing anywhere else, whatever the archive holds."""

from __future__ import annotations

import gzip
import io
import os
import shutil
import stat
import subprocess
import tarfile
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from mlhub_tui.errors import OutputFolderError, TargetBusy
from mlhub_tui.options import IfExists
from mlhub_tui.sources.static.tar_reader import DamagedArchive
from mlhub_tui.transfer.engine import TransferCancelled
from mlhub_tui.unpack.archive import half_unpacked, marker, unpack

Member = tuple[tarfile.TarInfo, bytes]


def file(name: str, content: bytes = b"x", mode: int = 0o644) -> Member:
    info = tarfile.TarInfo(name)
    info.size, info.mode, info.mtime = len(content), mode, 1_600_000_000
    return info, content


def special(name: str, kind: bytes, target: str = "") -> Member:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info, b""


def archive(
    path: Path, members: Iterable[Member], mode: str = "w:gz", kind: int = tarfile.PAX_FORMAT
) -> Path:
    with tarfile.open(path, mode, format=kind) as tar:  # type: ignore[call-overload]  # the mode is a plain string
        for info, content in members:
            tar.addfile(info, io.BytesIO(content))
    return path


def found(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


LONG = "/".join(["folder" * 10] * 4) + "/file.json"


@pytest.mark.parametrize("kind", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
@pytest.mark.parametrize("mode", ["w:gz", "w"])
def test_files_are_what_the_standard_library_makes_of_them(tmp_path: Path, mode: str, kind: int) -> None:
    members = [
        special("crops", tarfile.DIRTYPE),
        file("crops/catalog.json", b"{}"),
        file("./crops/empty", b""),
        file("crops/run.sh", b"#!", 0o777),
        file("crops/block", b"b" * 512),
        file("crops/large.bin", os.urandom(2_500_000)),
    ]
    if kind != tarfile.USTAR_FORMAT:
        members += [file("crops/ünï/fïle"), file(f"crops/{LONG}")]
    path = archive(tmp_path / "a.tar.gz", members, mode, kind)
    done = unpack(path, tmp_path / "ours")
    # Python 3.11.0 to 3.11.3 have no filters.
    how: dict[str, Any] = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
    with tarfile.open(path) as tar:
        tar.extractall(tmp_path / "theirs", **how)
    (tmp_path / "theirs/crops").chmod(0o755)  # without a filter nobody but root can look into it
    assert found(tmp_path / "ours") == found(tmp_path / "theirs")
    assert done.files == len(members) - 1
    assert not half_unpacked(path)
    script = (tmp_path / "ours/crops/run.sh").stat()
    assert script.st_mtime == 1_600_000_000
    assert script.st_mode & stat.S_IXUSR
    assert not script.st_mode & stat.S_IWOTH


def test_a_folder_as_the_oldest_writers_have_it_is_a_folder(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.tar", [special("crops/", tarfile.AREGTYPE), file("crops/a")], "w")
    assert unpack(path, tmp_path / "out").notes == ()
    assert found(tmp_path / "out") == {"crops/a": b"x"}


def test_an_archive_is_not_replaced_by_a_member_of_its_own_name(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    path = archive(tmp_path / "a.tar.gz", [file(name) for name in ("a.tar.gz", "A.TAR.GZ.unpacking", "b")])
    before = path.read_bytes()
    done = unpack(path, tmp_path / "link", if_exists=IfExists.OVERWRITE)
    assert path.read_bytes() == before
    assert (done.files, done.skipped) == (1, 2)


def test_what_macos_leaves_behind_is_left_out(tmp_path: Path) -> None:
    names = ["crops/.DS_Store", "crops/._a.json", "._crops", "crops/a.json"]
    done = unpack(archive(tmp_path / "a.tar.gz", map(file, names)), tmp_path / "out")
    assert list(found(tmp_path / "out")) == ["crops/a.json"]
    assert done.notes == ()


def test_only_the_datasets_own_folder_is_unpacked_where_asked(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.tar.gz", [file("crops/a"), file("other/b"), file("c")])
    done = unpack(path, tmp_path / "out", top="crops")
    assert list(found(tmp_path / "out")) == ["crops/a"]
    assert done.skipped == 2
    assert [note.partition(":")[0] for note in done.notes] == ["other/b", "c"]


@pytest.mark.parametrize(
    ("if_exists", "kept", "cut"),
    [(IfExists.RESUME, b"x", b"xxxx"), (IfExists.SKIP, b"y", b"x"), (IfExists.OVERWRITE, b"x", b"xxxx")],
)
def test_files_that_are_there_are_kept_or_replaced_as_told(
    tmp_path: Path, if_exists: IfExists, kept: bytes, cut: bytes
) -> None:
    path = archive(tmp_path / "a.tar.gz", [file("same"), file("cut", b"xxxx"), file("new")])
    (tmp_path / "out").mkdir()
    (tmp_path / "out/same").write_bytes(b"y")
    (tmp_path / "out/cut").write_bytes(b"x")
    unpack(path, tmp_path / "out", if_exists=if_exists)
    assert found(tmp_path / "out") == {"same": kept, "cut": cut, "new": b"x"}


@pytest.mark.parametrize(("moment", "expected"), [(1_600_000_000, b"y"), (1_600_000_001, b"x"), (0, b"x")])
def test_a_file_of_the_size_and_the_time_of_its_member_is_kept(
    tmp_path: Path, moment: int, expected: bytes
) -> None:
    """The time 0, which some writers give all members, does not tell one version from another."""
    member = file("a")
    member[0].mtime = moment and 1_600_000_000
    path = archive(tmp_path / "a.tar.gz", [member])
    unpack(path, tmp_path / "out")
    (tmp_path / "out/a").write_bytes(b"y")
    os.utime(tmp_path / "out/a", (moment, moment + 0.5))
    done = unpack(path, tmp_path / "out")
    assert (tmp_path / "out/a").read_bytes() == expected
    assert done.existed == (expected == b"y")
    assert (tmp_path / "out/a").stat().st_mtime // 1 == (moment and 1_600_000_000)


def test_a_stop_leaves_a_mark_and_the_next_run_makes_it_good(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.tar.gz", [file(f"crops/{n}") for n in range(500)])
    stop = threading.Event()

    def show(files: int, read: int, whole: int | None) -> None:
        if files > 100:
            stop.set()

    with pytest.raises(TransferCancelled):
        unpack(path, tmp_path / "out", show=show, stopped=stop)
    assert half_unpacked(path)
    assert 100 < len(found(tmp_path / "out")) < 300
    assert unpack(path, tmp_path / "out").existed > 100
    assert not half_unpacked(path)
    assert len(found(tmp_path / "out")) == 500


def damaged(content: bytes) -> bytes:
    return content[: len(content) // 2] + bytes(64) + content[len(content) // 2 + 64 :]


def record_of_a_length_beyond_numbers(_: bytes) -> bytes:
    header, record = tarfile.TarInfo("crops/a"), b"9" * 20 + b" path=x\n"
    header.type, header.size = tarfile.XHDTYPE, len(record)
    return header.tobuf() + record.ljust(512, b"\0")


def sparse(size: int, *stretches: tuple[int, bytes], more: int = 0) -> bytes:
    """Return a tar of one sparse file, as `tar --sparse --format=pax` writes it, and one beside it."""
    numbers = [len(stretches), *(n for start, data in stretches for n in (start, len(data) + more))]
    stored = "".join(f"{n}\n" for n in numbers).encode().ljust(512, b"\0")
    stored += b"".join(data for _, data in stretches)
    member, beside = tarfile.TarInfo("crops/GNUSparseFile.0/a"), tarfile.TarInfo("crops/b")
    member.size, beside.size = len(stored), 1
    member.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "crops/a"}
    member.pax_headers["GNU.sparse.realsize"] = str(size)
    body = member.tobuf(tarfile.PAX_FORMAT) + stored + bytes(-len(stored) % 512)
    return body + beside.tobuf() + b"b".ljust(512, b"\0") + bytes(1024)


def test_a_sparse_file_is_unpacked_with_its_holes(tmp_path: Path) -> None:
    middle = bytes(3) + b"x" * 700
    path = tmp_path / "a.tar"
    path.write_bytes(sparse(50_000, (0, b"head"), (20_000, middle), (49_990, b"tail"), (50_000, b"")))
    for _ in range(2):
        assert unpack(path, tmp_path / "out").files == 2
        content = found(tmp_path / "out")["crops/a"]
        assert content == (b"head".ljust(20_000, b"\0") + middle).ljust(49_990, b"\0") + b"tail" + bytes(6)


@pytest.mark.skipif(shutil.which("tar") is None, reason="writes archives with GNU tar")
@pytest.mark.parametrize("form", ["gnu", "pax"])
def test_sparse_files_of_gnu_tar_are_unpacked(tmp_path: Path, form: str) -> None:
    (tmp_path / "crops").mkdir()
    with (tmp_path / "crops" / "a").open("wb") as file:
        for number in range(9):  # more than the first header holds
            file.seek(number * 300_000)
            file.write(b"%d" % number * 5000)
    given = ("-C", str(tmp_path), "--sparse", f"--format={form}", "-czf", str(tmp_path / "a.tar.gz"), "crops")
    made = subprocess.run(["tar", *given], capture_output=True, check=False)
    if made.returncode:
        pytest.skip("another tar")
    assert unpack(tmp_path / "a.tar.gz", tmp_path / "out").skipped == 0
    assert (tmp_path / "out/crops/a").read_bytes() == (tmp_path / "crops/a").read_bytes()


@pytest.mark.parametrize(
    "tar",
    [
        sparse(9, (0, b"head"), (8, b"tail")),
        sparse(99, (50, b"head"), (40, b"tail")),
        sparse(99, (-5, b"head")),
        sparse(1 << 63, (0, b"head")),
    ],
    ids=["beyond its end", "back", "before its start", "larger than any file"],
)
def test_a_sparse_file_with_a_map_that_cannot_be_is_left_out(tmp_path: Path, tar: bytes) -> None:
    path = tmp_path / "a.tar"
    path.write_bytes(tar)
    done = unpack(path, tmp_path / "out")
    assert done.skipped == 1
    assert found(tmp_path / "out") == {"crops/b": b"b"}


def sparse_file_without_a_map(_: bytes) -> bytes:
    member = tarfile.TarInfo("crops/a")
    member.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": "9"}
    return member.tobuf(tarfile.PAX_FORMAT) + b"1".ljust(512, b"\0")


@pytest.mark.parametrize(
    "spoil",
    [
        lambda c: c[: len(c) // 2],
        damaged,
        lambda c: b"<html>" + c,
        record_of_a_length_beyond_numbers,
        sparse_file_without_a_map,
        lambda _: sparse(9999, (0, b"head"), more=2000),
    ],
)
def test_a_bad_archive_is_not_taken_for_whole(tmp_path: Path, spoil: Callable[[bytes], bytes]) -> None:
    path = archive(tmp_path / "a.tar.gz", [file(f"crops/{n}", os.urandom(3000)) for n in range(50)])
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(DamagedArchive) as caught:
        unpack(path, tmp_path / "out")
    assert "unpack" not in caught.value.message  # which are words of Python
    assert half_unpacked(path)


@pytest.mark.parametrize("size", [1, 1000, 8192, 200_000, 1_500_000])
def test_a_wrong_byte_is_told_by_the_checksum_of_the_archive(tmp_path: Path, size: int) -> None:
    path = archive(tmp_path / "a.tar.gz", [file("crops/a", os.urandom(size)), file("crops/b", b"b" * 30_000)])
    content = bytearray(gzip.compress(gzip.decompress(path.read_bytes()), 0))  # stored: each byte is its own
    content[600] ^= 1
    path.write_bytes(content)
    with pytest.raises(DamagedArchive, match="damaged"):
        unpack(path, tmp_path / "out")
    assert half_unpacked(path)
    content[600] ^= 1
    path.write_bytes(content + b"what somebody appended")
    assert unpack(path, tmp_path / "out", if_exists=IfExists.OVERWRITE).files == 2


@pytest.mark.parametrize("moment", ["nan", "inf", "-inf", "1e300", "-5", "99999999999999999999"])
def test_a_time_that_no_file_can_have_is_none(tmp_path: Path, moment: str) -> None:
    member = file("crops/a")
    member[0].pax_headers = {"mtime": moment}
    path = archive(tmp_path / "a.tar.gz", [member])
    for _ in range(2):
        assert unpack(path, tmp_path / "out").notes == ()
    assert (tmp_path / "out/crops/a").stat().st_mtime == 0


@pytest.mark.parametrize("size", ["-1", "-512", "-1024", "-99999", "99999999999999999999999"])
def test_a_size_that_leads_back_or_beyond_the_end_is_damage(tmp_path: Path, size: str) -> None:
    member = file("crops/a")
    member[0].pax_headers = {"size": size}
    path = archive(tmp_path / "a.tar", [file("crops/before"), member, file("crops/after")], "w")
    with pytest.raises(DamagedArchive):
        unpack(path, tmp_path / "out")
    assert (tmp_path / "out/crops/before").read_bytes() == b"x"


def test_two_programs_do_not_unpack_one_archive(tmp_path: Path) -> None:
    from mlhub_tui.fileio import try_lock

    path = archive(tmp_path / "a.tar.gz", [file("a")])
    with marker(path).open("w") as held:
        assert try_lock(held.fileno())
        with pytest.raises(TargetBusy):
            unpack(path, tmp_path / "out")


def test_a_file_in_the_place_of_the_folder_is_said_before_anything_starts(tmp_path: Path) -> None:
    (tmp_path / "out").write_bytes(b"")
    with pytest.raises(OutputFolderError):
        unpack(archive(tmp_path / "a.tar.gz", [file("a")]), tmp_path / "out")
