"""Unpacking at its edges: which links are made, what they replace, how deep, how many, and in which words."""

from __future__ import annotations

import os
import tarfile
from pathlib import Path

import pytest

from mlhub_tui.options import IfExists
from mlhub_tui.unpack.archive import unpack

from .test_unpack import Member, archive, file, special

OUT, MISSING = "a link that leads out of the archive", "a link to what is not in the archive"
LOOP, BELOW = "a link through too many links", "it is below a link"


def soft(name: str, target: str) -> Member:
    return special(name, tarfile.SYMTYPE, target)


def hard(name: str, target: str) -> Member:
    return special(name, tarfile.LNKTYPE, target)


def chain(length: int) -> list[Member]:
    """Return links of which each leads to the next, the last one to a file."""
    return [soft(f"c/l{n}", f"l{n + 1}" if n < length else "a") for n in range(1, length + 1)]


@pytest.mark.parametrize(
    ("members", "made", "refused"),
    [
        ([soft("c/l", "a")], {"c/l": "a"}, {}),
        ([soft("c/l", "./a")], {"c/l": "a"}, {}),
        ([soft("c/l", "d/../a")], {"c/l": "a"}, {}),
        ([soft("c/l", "nothing/../a")], {}, {"c/l": MISSING}),
        ([soft("c/l", "../c/a")], {"c/l": "../c/a"}, {}),
        ([soft("c/d/l", "../a")], {"c/d/l": "../a"}, {}),
        ([soft("c/l", ".")], {"c/l": "."}, {}),
        ([soft("c/l", "..")], {"c/l": ".."}, {}),
        ([soft("c/l", "../..")], {}, {"c/l": OUT}),
        ([soft("l", "..")], {}, {"l": OUT}),
        ([soft("l", "../../etc/passwd"), soft("c/l", "/etc/passwd")], {}, {"l": OUT, "c/l": OUT}),
        ([soft("c/l", "")], {}, {"c/l": OUT}),
        ([soft("c/l", "d")], {"c/l": "d"}, {}),
        ([soft("c/l", "d\\b")], {"c/l": "d/b"}, {}),
        ([soft("c/l", "a/b")], {}, {"c/l": MISSING}),
        ([soft("c/l", "nothing")], {}, {"c/l": MISSING}),
        ([soft("c/l", "m"), soft("c/m", "a")], {"c/l": "m", "c/m": "a"}, {}),
        ([soft("c/l", "m/b"), soft("c/m", "d")], {"c/l": "m/b", "c/m": "d"}, {}),
        ([soft("c/l", "m/.."), soft("c/m", "d/e")], {"c/m": "d/e"}, {"c/l": OUT}),
        ([soft("c/l", "m"), soft("c/m", "l")], {}, {"c/l": LOOP, "c/m": LOOP}),
        ([soft("c/l", "a"), soft("c/l", "d")], {"c/l": "d"}, {}),
        ([soft("c/l", "a"), file("c/l", b"file")], {}, {}),
        ([soft("c/l", "d"), file("c/l/x")], {"c/l": "d"}, {"c/l/x": BELOW}),
        ([soft("c/l", "d"), soft("c/l/x", "b")], {"c/l": "d"}, {"c/l/x": BELOW}),
        ([soft("c/d", "a")], {}, {"c/d": "a folder is in the way"}),
        ([hard("c/l", "c/a")], {}, {}),
        ([hard("c/l", "./c//a")], {}, {}),
        ([hard("c/l", "c/h"), hard("c/h", "c/a")], {}, {"c/l": MISSING}),
        ([hard("c/h", "c/a"), hard("c/l", "c/h")], {}, {}),
        ([hard("c/l", "c/d")], {}, {"c/l": MISSING}),
        ([hard("c/l", "c/not-there")], {}, {"c/l": MISSING}),
        ([hard("c/l", "../c/a")], {}, {"c/l": OUT}),
        ([hard("c/d", "c/a")], {}, {"c/d": "a folder is in the way"}),
        (chain(40), {f"c/l{n}": f"l{n + 1}" if n < 40 else "a" for n in range(1, 41)}, {}),
    ],
)
def test_links_are_made_that_stay_in_the_archive(
    tmp_path: Path, members: list[Member], made: dict[str, str], refused: dict[str, str]
) -> None:
    ours = [file("c/a", b"a"), file("c/d/b", b"b"), file("c/d/e/f", b"f")]
    path, out = archive(tmp_path / "a.tar.gz", [*ours, *members]), tmp_path / "out"
    for _ in range(2):
        done = unpack(path, out)
        assert {note.partition(": ")[0]: note.partition(": ")[2] for note in done.notes} == refused
        links = {str(p.relative_to(out)): str(p.readlink()) for p in out.rglob("*") if p.is_symlink()}
        assert links == made
        assert (out / "c/a").read_bytes() == b"a"
        for member, _ in members:
            if member.islnk() and member.name not in refused:
                assert (out / member.name).samefile(out / "c/a")


def test_one_link_too_many_on_the_way_refuses_those_that_need_it(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.tar.gz", [file("c/a"), *chain(42)])
    done = unpack(path, tmp_path / "out")
    assert done.notes == (f"c/l1: {LOOP}",)


def test_links_of_a_dataset_stay_in_its_own_folder(tmp_path: Path) -> None:
    links = [
        soft("c/l", "../c/a"),
        soft("c/m", ".."),
        soft("c/n", "."),
        hard("c/h", "o/x"),
        hard("c/i", "c/a"),
    ]
    path = archive(tmp_path / "a.tar.gz", [file("c/a"), file("o/x"), *links])
    done = unpack(path, tmp_path / "out", top="c")
    assert [note.partition(":")[0] for note in done.notes] == ["o/x", "c/m", "c/h", "c/l"]
    assert (tmp_path / "out/c/n").readlink() == Path()


@pytest.mark.parametrize(
    ("member", "words"),
    [
        (special("c", tarfile.DIRTYPE), ""),
        (special("./c/", tarfile.DIRTYPE), ""),
        (file("c"), "a folder is in the way"),
        (soft("c", "o"), "a folder is in the way"),
    ],
)
def test_only_a_folder_is_a_dataset_s_own(tmp_path: Path, member: Member, words: str) -> None:
    done = unpack(archive(tmp_path / "a.tar.gz", [member, file("c/a")]), tmp_path / "out", top="c")
    assert [note.partition(": ")[2] for note in done.notes] == ([words] if words else [])
    assert (tmp_path / "out/c/a").is_file()


@pytest.mark.parametrize(
    ("if_exists", "there", "left"),
    [
        (IfExists.RESUME, "file", "a"),
        (IfExists.SKIP, "file", None),
        (IfExists.OVERWRITE, "file", "a"),
        (IfExists.RESUME, "link", "a"),
        (IfExists.SKIP, "link", "other"),
        (IfExists.OVERWRITE, "link", "a"),
        (IfExists.SKIP, "same", "a"),
        (IfExists.OVERWRITE, "folder", None),
    ],
)
def test_a_link_replaces_what_is_there_as_told(
    tmp_path: Path, if_exists: IfExists, there: str, left: str | None
) -> None:
    place = tmp_path / "out/c/l"
    place.parent.mkdir(parents=True)
    if there == "file":
        place.write_bytes(b"mine")
    elif there == "folder":
        place.mkdir()
    else:
        place.symlink_to("other" if there == "link" else "a")
    done = unpack(
        archive(tmp_path / "a.tar.gz", [file("c/a"), soft("c/l", "a")]), tmp_path / "out", if_exists=if_exists
    )
    assert (str(place.readlink()) if place.is_symlink() else None) == left
    assert done.notes == (("c/l: a folder is in the way",) if there == "folder" else ())


@pytest.mark.parametrize(
    ("if_exists", "content", "left"),
    [
        (IfExists.RESUME, b"a", b"a"),
        (IfExists.RESUME, b"mine", b"a"),
        (IfExists.RESUME, b"m", b"a"),
        (IfExists.SKIP, b"mine", b"mine"),
        (IfExists.OVERWRITE, b"mine", b"a"),
    ],
)
def test_a_hard_link_replaces_another_file_as_told(
    tmp_path: Path, if_exists: IfExists, content: bytes, left: bytes
) -> None:
    place = tmp_path / "out/c/h"
    place.parent.mkdir(parents=True)
    place.write_bytes(content)
    before = place.stat().st_ino
    members = [file("c/a", b"a"), hard("c/h", "c/a")]
    assert unpack(archive(tmp_path / "a.tar.gz", members), tmp_path / "out", if_exists=if_exists).notes == ()
    assert place.read_bytes() == left
    assert (place.stat().st_ino == before) is (content == left)


@pytest.mark.parametrize(
    ("member", "words"),
    [
        (file("c/x.part"), "names in .part are those of unfinished files"),
        (special("c/x.part", tarfile.DIRTYPE), ""),
        (file("c/x"), "a folder is in the way"),
        (special("c/a", tarfile.DIRTYPE), "a file is in the way"),
        (file("./"), "its name is not valid here"),
        (special("./", tarfile.DIRTYPE), ""),
        (file("c/" + "d/" * 254 + "f"), ""),
        (file("c/" + "d/" * 255 + "f"), "its path is too long"),
        (soft("c/s", "d/" * 1023 + "f"), "a link to what is not in the archive"),
        (soft("c/s", "d/" * 1024 + "f"), "its path is too long"),
        (soft("c/s", "d/" + "e" * 4094), "its path is too long"),
        (special("c/s", tarfile.BLKTYPE), "a device, pipe or other special file"),
        (special("c/s", tarfile.CHRTYPE), "a device, pipe or other special file"),
        (special("c/s", tarfile.FIFOTYPE), "a device, pipe or other special file"),
        (file("c/../../evil"), "its name leads out of the archive"),
        (file("/evil"), "its name leads out of the archive"),
        (file("C:\\evil"), "its name leads out of the archive"),
        (special("crops/evil", tarfile.SYMTYPE, "C:\\Windows"), "a link that leads out of the archive"),
        (file("c\\..\\..\\evil"), "its name leads out of the archive"),
        (file("c/ev\x07il"), "its name is not valid here"),
        (file("c/ev\x9b31mil"), "its name is not valid here"),
        (file("c/a/evil"), "a file is in the way"),
    ],
)
def test_members_are_refused_in_words(tmp_path: Path, member: Member, words: str) -> None:
    members = [file("c/a"), special("c/x", tarfile.DIRTYPE), member, file("c/last")]
    done = unpack(archive(tmp_path / "a.tar.gz", members), tmp_path / "out")
    assert done.skipped == (1 if words else 0)
    assert [note.partition(": ")[2] for note in done.notes] == ([words] if words else [])
    assert (tmp_path / "out/c/last").is_file()


def test_many_refusals_are_named_up_to_a_number_and_counted(tmp_path: Path) -> None:
    members = [file("ok"), *(file(f"../{number:03}") for number in range(60))]
    done = unpack(archive(tmp_path / "a.tar.gz", members), tmp_path / "out")
    assert (done.files, done.skipped) == (1, 60)
    assert done.notes[0] == "../000: its name leads out of the archive"
    assert len(done.notes) == 51
    assert "10" in done.notes[-1]
    fifty = unpack(archive(tmp_path / "b.tar.gz", members[:51]), tmp_path / "out")
    assert len(fifty.notes) == fifty.skipped == 50


def test_what_was_written_and_what_was_kept_is_counted(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.tar.gz", [file("c/a", b"12345"), file("c/b", b"123"), file("c/e", b"")])
    told: list[tuple[int, int, int | None]] = []
    done = unpack(path, tmp_path / "out", show=lambda *now: told.append(now))
    assert (done.files, done.existed, done.bytes) == (3, 0, 8)
    assert told[0][0] == 0
    assert told[-1][0] == 3
    (tmp_path / "out/c/b").write_bytes(b"1234")
    done = unpack(path, tmp_path / "out")
    assert (done.files, done.existed, done.bytes) == (3, 2, 3)
    done = unpack(path, tmp_path / "out", if_exists=IfExists.SKIP)
    assert (done.files, done.existed, done.bytes) == (3, 3, 0)
    done = unpack(path, tmp_path / "out", if_exists=IfExists.OVERWRITE)
    assert (done.files, done.existed, done.bytes) == (3, 0, 8)


@pytest.mark.parametrize(
    ("mode", "expected"), [(0o644, 0o644), (0o100, 0o755), (0o4777, 0o755), (0o066, 0o644)]
)
def test_of_a_mode_only_whether_it_runs_is_left(tmp_path: Path, mode: int, expected: int) -> None:
    before = os.umask(0)
    try:
        unpack(archive(tmp_path / "a.tar.gz", [file("a", b"x", mode)]), tmp_path / "out")
    finally:
        os.umask(before)
    assert (tmp_path / "out/a").stat().st_mode & 0o7777 == expected
