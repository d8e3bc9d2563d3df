"""Hostile archives: whatever their members are called and lead to, nothing outside the folder is touched."""

from __future__ import annotations

import string
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlhub_tui.errors import OutputFolderError
from mlhub_tui.options import IfExists
from mlhub_tui.unpack.archive import Unpacked, unpack

from .test_unpack import Member, archive, file, found, special

SAFE = {"crops/safe.json": b"safe", "crops/own/er/safe.tif": b"tiff"}
"""Members of every archive whose names nothing else has."""

NAMES = [
    "a",
    "b",
    "A",
    "deep",
    "link",
    "..",
    ".",
    "",
    "d" * 100,
    "n" * 256,
    "é",
    "e\u0301",
    "x\x07",
    "CON",
    ".",
]
CONTENT = b"written by the archive"


class World:
    """An output folder with a folder of somebody else's beside it."""

    def __init__(self, folder: Path) -> None:
        self.output = folder / "output"
        self.canary = folder / "canary"
        self._around = folder
        for place in (self.canary, self.canary / "a", self.canary / "deep"):
            place.mkdir()
            (place / "file").write_bytes(b"somebody else's")
        (folder / "private").mkdir(mode=0o700)
        self._before = list(self._outside())

    def _outside(self) -> Iterator[tuple[object, ...]]:
        """Yield what there is beside the output folder: names, kinds, modes, times, bytes, links."""
        for path in sorted(self._around.rglob("*")):
            if path in (self.output, self._around / "a.tar.gz") or self.output in path.parents:
                continue
            status = path.lstat()
            content = path.read_bytes() if path.is_file() else sorted(path.iterdir())
            yield path, status.st_mode, status.st_nlink, status.st_size, status.st_mtime_ns, content

    def unpack(self, members: list[Member], if_exists: IfExists = IfExists.RESUME) -> Unpacked:
        """Unpack an archive of some members among the safe ones, and check what has become of all."""
        path = self._around / "a.tar.gz"
        safe = [file(name, content) for name, content in SAFE.items()]
        archive(path, [safe[0], *members, safe[1]])
        done = unpack(path, self.output, if_exists=if_exists)
        self.check()
        return done

    def check(self) -> None:
        """Check that the safe members are there, and nothing outside is touched or linked to."""
        assert list(self._outside()) == self._before
        for name, content in SAFE.items():
            assert (self.output / name).read_bytes() == content
        for path in self.output.rglob("*"):
            if path.is_symlink():
                assert self.output.resolve() in path.resolve(strict=True).parents or (
                    path.resolve(strict=True) == self.output.resolve()
                )
            assert path.is_file() or path.is_dir()
            assert not path.lstat().st_mode & 0o6000


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


paths = st.lists(st.sampled_from(NAMES), min_size=1, max_size=5).map("/".join)
targets = st.one_of(
    paths,
    paths.map(lambda path: f"/{path}"),
    st.integers(1, 8).map(lambda ups: "../" * ups + "canary/file"),
    st.integers(1, 8).map(lambda ups: "../" * ups + "canary"),
    st.sampled_from(
        [".", "..", "../..", "/", "/etc/passwd", "C:\\x", "a\\..\\..\\canary", "crops/safe.json"]
    ),
)
kinds = st.sampled_from(
    [tarfile.SYMTYPE] * 4
    + [tarfile.LNKTYPE] * 2
    + [tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE, tarfile.CONTTYPE, tarfile.DIRTYPE, b"Z"]
)
starts = st.sampled_from(["", "crops/", "/", "../", "./", "crops/../"])
members = st.one_of(
    st.builds(lambda start, path: file(start + path, CONTENT, 0o7777), starts, paths),
    st.builds(lambda start, path: special(start + path, tarfile.DIRTYPE), starts, paths),
    st.builds(lambda start, path, kind, to: special(start + path, kind, to), starts, paths, kinds, targets),
)


@pytest.mark.slow
@settings(max_examples=200)
@given(st.lists(st.lists(members, max_size=12), min_size=1, max_size=3), st.sampled_from(IfExists))
def test_no_archive_and_no_row_of_archives_leaves_the_folder(
    archives: list[list[Member]], if_exists: IfExists
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder).resolve())
        for each in archives:
            world.unpack(each, if_exists)


def chain_beyond_path_max(output: Path) -> list[Member]:
    """Return members with a path of links that is short as written, and longer than PATH_MAX as resolved.

    Whoever resolves it as a whole takes what leads up and out of the folder for a path inside.
    """
    letters, long = string.ascii_letters[:36], "d" * 100
    filling = 4094 - 36 * 101 - len(str(output)) - len("crops/")
    base = f"crops/{'B' * (filling // 2)}/{'C' * (filling - filling // 2 - 1)}"
    made = [special(base, tarfile.DIRTYPE)]
    path = base
    for letter in letters:
        made += [
            special(f"{path}/{long}", tarfile.DIRTYPE),
            special(f"{path}/{letter}", tarfile.SYMTYPE, long),
        ]
        path += f"/{long}"
    chain = "/".join(letters)
    ups = "/.." * (path.count("/") - 33 + 2)
    return [
        *made,
        special(f"{base}/{chain}/y", tarfile.SYMTYPE, "/".join([".."] * 33)),
        special(f"{base}/escape", tarfile.SYMTYPE, f"{chain}/y{ups}"),
        file(f"{base}/escape/canary/file", CONTENT),
        file(f"{base}/escape/canary/new", CONTENT),
    ]


UP = "../../canary"
HOSTILE: dict[str, list[Member]] = {
    "a file below a link": [special("crops/l", tarfile.SYMTYPE, UP), file("crops/l/new", CONTENT)],
    "a file in place of a link": [
        special("crops/l", tarfile.SYMTYPE, f"{UP}/file"),
        file("crops/l", CONTENT),
    ],
    "a folder in place of a link": [
        special("crops/l", tarfile.SYMTYPE, UP),
        special("crops/l", tarfile.DIRTYPE),
        file("crops/l/new", CONTENT),
    ],
    "a link in place of a folder": [
        file("crops/l/x"),
        special("crops/l", tarfile.SYMTYPE, UP),
        file("crops/l/new", CONTENT),
    ],
    "a link through a link": [
        special("crops/here", tarfile.SYMTYPE, "."),
        special("crops/up", tarfile.SYMTYPE, "here/.."),
        special("crops/out", tarfile.SYMTYPE, "up/../canary"),
        file("crops/out/new", CONTENT),
    ],
    "a link whose middle is replaced": [
        file("crops/one/two/x"),
        special("crops/m", tarfile.SYMTYPE, "one/two"),
        special("crops/out", tarfile.SYMTYPE, "m/../../canary"),
        special("crops/m", tarfile.SYMTYPE, "."),
        file("crops/out/new", CONTENT),
    ],
    "a hard link to a link": [
        special("crops/l", tarfile.SYMTYPE, f"{UP}/file"),
        special("crops/h", tarfile.LNKTYPE, "crops/l"),
        file("crops/h", CONTENT),
    ],
    "a hard link outward": [special("crops/h", tarfile.LNKTYPE, "../canary/file"), file("crops/h", CONTENT)],
    "an absolute hard link": [special("crops/h", tarfile.LNKTYPE, "/etc/passwd")],
    "a link to itself": [special("crops/l", tarfile.SYMTYPE, "l"), file("crops/l/x")],
    "twins in case": [
        file("crops/L/x"),
        special("crops/l", tarfile.SYMTYPE, UP),
        file("crops/l/new", CONTENT),
    ],
    "devices": [special(f"crops/{k!r}", k) for k in (tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE)],
    "absolute names": [file("/etc/mlhub-tui-was-here"), file("//etc/mlhub-tui-was-here")],
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("if_exists", IfExists)
def test_every_known_way_out_is_closed_also_the_second_time(
    world: World, name: str, if_exists: IfExists
) -> None:
    for _ in range(2):
        assert world.unpack(HOSTILE[name], if_exists).skipped


def test_a_path_of_links_that_grows_beyond_what_the_system_resolves_is_no_way_out(world: World) -> None:
    done = world.unpack(chain_beyond_path_max(world.output))
    assert any("escape" in note for note in done.notes)
    assert len(set(done.notes)) == len(done.notes)


def test_links_that_stood_there_before_are_not_followed(world: World) -> None:
    (world.output / "crops").mkdir(parents=True)
    for name, target in (("folder", world.canary), ("file", world.canary / "file")):
        (world.output / "crops" / name).symlink_to(target)
    archived = world.output.parent / "a.tar.gz"
    archive(archived, [*map(file, SAFE), file("crops/folder/file", CONTENT), file("crops/file", CONTENT)])
    done = unpack(archived, world.output, if_exists=IfExists.OVERWRITE)
    assert {path.read_bytes() for path in world.canary.rglob("file")} == {b"somebody else's"}
    assert (world.output / "crops/file").read_bytes() == CONTENT
    assert not (world.output / "crops/file").is_symlink()
    assert [note.partition(":")[0] for note in done.notes] == ["crops/folder/file"]


def test_a_file_that_stood_there_before_gets_no_second_name(world: World) -> None:
    (world.output / "crops").mkdir(parents=True)
    (world.output / "crops/mine").write_bytes(b"the user's")
    done = world.unpack([special("crops/h", tarfile.LNKTYPE, "crops/mine")])
    assert done.notes == ("crops/h: a link to what is not in the archive",)
    assert (world.output / "crops/mine").stat().st_nlink == 1


def test_the_output_folder_itself_may_be_a_link_of_the_users(tmp_path: Path) -> None:
    (tmp_path / "large-disk").mkdir()
    (tmp_path / "output").symlink_to(tmp_path / "large-disk")
    unpack(archive(tmp_path / "a.tar.gz", [file("crops/a")]), tmp_path / "output")
    assert list(found(tmp_path / "large-disk")) == ["crops/a"]


def test_the_datasets_own_folder_may_be_a_link_of_the_users_and_no_link_below_it_leads_out(
    world: World,
) -> None:
    disk = world.output.parent / "disk"
    (disk / "crops").mkdir(parents=True)
    (disk / "beside").mkdir()
    world.output.mkdir()
    (world.output / "crops").symlink_to(disk / "crops")
    (disk / "crops/foreign").symlink_to(disk / "beside")
    path = archive(
        world.output.parent / "a.tar.gz",
        [
            *map(file, SAFE),
            special("crops/good", tarfile.SYMTYPE, "own/er"),
            special("crops/hard", tarfile.LNKTYPE, "crops/safe.json"),
            special("crops/up", tarfile.SYMTYPE, "../beside"),
            special("crops/around", tarfile.SYMTYPE, "../crops/safe.json"),
            special("crops", tarfile.SYMTYPE, "../canary"),
            file("crops/up/new", CONTENT),
            file("crops/foreign/new", CONTENT),
        ],
    )
    for _ in range(2):
        done = unpack(path, world.output, top="crops")
        assert list((disk / "beside").iterdir()) == []
        assert set(found(disk / "crops")) == {"safe.json", "own/er/safe.tif", "hard", "up/new"}
        assert {p.name for p in disk.rglob("*") if p.is_symlink()} == {"good", "foreign"}
        assert (world.output / "crops").readlink() == disk / "crops"
        assert done.skipped == 4


@pytest.mark.parametrize("target", ["nowhere", "file", "crops"])
def test_what_is_no_folder_in_place_of_the_datasets_own_is_said(tmp_path: Path, target: str) -> None:
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "crops").symlink_to(tmp_path / target)
    path = archive(tmp_path / "a.tar.gz", [file("crops/a")])
    with pytest.raises(OutputFolderError, match="crops is no folder"):
        unpack(path, tmp_path, top="crops")
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("kind", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_long_names_and_targets_are_whole_and_one_impossible_name_is_alone(tmp_path: Path, kind: int) -> None:
    deep = "/".join(["crops", *["folder" * 9] * 3, "the-file.json"])
    path = archive(
        tmp_path / "a.tar.gz",
        [
            file(deep, b"the target"),
            special("crops/soft", tarfile.SYMTYPE, deep.removeprefix("crops/")),
            special("crops/hard", tarfile.LNKTYPE, deep),
            file(f"crops/{'n' * 256}"),
            file(f"crops/{'m' * 255}", b"just fits"),
            file("crops/last.txt", b"last"),
        ],
        kind=kind,
    )
    done = unpack(path, tmp_path / "out")
    assert {name: (tmp_path / "out/crops" / name).read_bytes() for name in ("soft", "hard", "last.txt")} == {
        "soft": b"the target",
        "hard": b"the target",
        "last.txt": b"last",
    }
    assert (tmp_path / "out/crops" / ("m" * 255)).read_bytes() == b"just fits"
    assert (len(done.notes), done.files) == (1, 3)
    assert done.notes[0].endswith(": file name too long")


def test_archives_are_unpacked_where_the_standard_library_has_no_filters(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python 3.11.0 to 3.11.3 have none (PEP 706 came with 3.11.4)."""
    for name in ("data_filter", "tar_filter", "fully_trusted_filter", "FilterError"):
        monkeypatch.delattr(tarfile, name, raising=False)
    done = world.unpack([special("crops/latest", tarfile.SYMTYPE, "safe.json")])
    assert done.notes == ()
    assert (world.output / "crops/latest").read_bytes() == b"safe"
