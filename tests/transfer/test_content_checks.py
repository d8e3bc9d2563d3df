"""What came is told from what was asked for by its first bytes, its size and its name."""

from __future__ import annotations

import gzip
import io
import tarfile
import threading
import zlib
from pathlib import Path

import pytest

from mlhub_tui.content import ContentKind, first_line, recognise
from mlhub_tui.errors import UnexpectedAnswer, VerificationFailed
from mlhub_tui.http.credentials import Link
from mlhub_tui.http.representation import DecodingSink, codings, is_ambiguous, to_undo
from mlhub_tui.transfer.config import Expected
from mlhub_tui.transfer.content_checks import check_whole, contradiction, is_other, refused


def tar_of(*sizes: int) -> bytes:
    """Return a tar archive of files of these sizes."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        for number, size in enumerate(sizes):
            info = tarfile.TarInfo(f"{number}.bin")
            info.size = size
            tar.addfile(info, io.BytesIO(b"\x01" * size))
    return made.getvalue()


TAR = tar_of(700)
PAGE = b"<!-- portal -->\n<!DOCTYPE html><title>Log in</title>"
TOLD = b'{"error": "no"}'
ARCHIVE = Expected("x.tar.gz", 5000, archive=True)
UNSIZED = Expected("x.tar.gz", archive=True)


@pytest.mark.parametrize(
    ("start", "media_type", "kind"),
    [
        (b"", "", ContentKind.NOTHING),
        (gzip.compress(b"x", mtime=0), "text/html", ContentKind.GZIP),
        (TAR, "", ContentKind.TAR),
        (TAR[:512], "", ContentKind.TAR),
        (TAR[:511], "", ContentKind.OTHER),
        (bytes(512), "", ContentKind.OTHER),
        (PAGE, "", ContentKind.PAGE),
        (b"\xef\xbb\xbf\r\n <html>", "", ContentKind.PAGE),
        (b"\xff\xfe" + "<html>é".encode("utf-16-le"), "", ContentKind.PAGE),
        (b"\xfe\xff" + "<html>".encode("utf-16-be") + b"\x00", "", ContentKind.PAGE),
        (b"<Error><Code>", "", ContentKind.XML),
        (b"<div>", "Text/HTML; charset=utf-8", ContentKind.PAGE),
        (TOLD, "text/html", ContentKind.JSON),
        (b" [1, 2]", "", ContentKind.JSON),
        (b"[null]", "", ContentKind.JSON),
        (b"not found", "", ContentKind.TEXT),
        (b"not found", "application/xhtml+xml", ContentKind.PAGE),
        ("der gute Schlüssel".encode()[:14], "", ContentKind.TEXT),  # cut within a letter
        (b"a\xffbcdefghi", "", ContentKind.OTHER),
        (b"abcdefgh\xff", "", ContentKind.TEXT),
        (b"II*\x00\x08", "", ContentKind.OTHER),
        (b"a\x7fb", "", ContentKind.OTHER),
    ],
)
def test_a_file_is_recognised_by_its_first_bytes(start: bytes, media_type: str, kind: ContentKind) -> None:
    assert recognise(start, media_type) is kind


LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"


@pytest.mark.parametrize(
    ("expected", "start", "size", "kind"),
    [
        (Expected("a.tif"), b"", 0, None),
        (Expected("a.tif", 5), b"", 0, ContentKind.NOTHING),
        (UNSIZED, b"", None, ContentKind.NOTHING),
        (Expected("a.tif", len(PAGE)), PAGE, len(PAGE), None),  # of the announced size: whatever it is
        (Expected("a.tif"), PAGE, None, ContentKind.PAGE),
        (Expected("a.html", page=True), PAGE, None, None),
        (ARCHIVE, gzip.compress(b"\x7f", mtime=0), 21, None),
        (ARCHIVE, gzip.compress(PAGE, mtime=0), None, ContentKind.PAGE),
        (UNSIZED, gzip.compress(TOLD, mtime=0), 99, ContentKind.JSON),
        (UNSIZED, gzip.compress(b"", mtime=0), 20, ContentKind.NOTHING),
        (UNSIZED, gzip.compress(PAGE, mtime=0)[:-9], None, None),  # too little to tell
        (Expected("x.tar.gz", len(TOLD), archive=True), TOLD, len(TOLD), ContentKind.JSON),
        (ARCHIVE, TAR, 10240, None),
        (ARCHIVE, b"not found", 9, ContentKind.TEXT),
        (ARCHIVE, b"II*\x00", None, None),  # the announced size may confirm it yet
        (ARCHIVE, b"II*\x00", 4, ContentKind.OTHER),
        (UNSIZED, b"II*\x00", None, ContentKind.OTHER),
        (Expected("a.json"), b"<Error>", None, ContentKind.XML),
        (Expected("a.GEOJSON"), TOLD, None, None),
        (Expected("a.vrt"), TOLD, None, ContentKind.JSON),
        (Expected("a.vrt"), b"<VRTDataset>", None, None),
        (Expected("a.csv"), TOLD, None, None),
        (Expected("a.tif"), TOLD, None, ContentKind.JSON),
        (Expected("a.csv.gz"), TOLD, None, ContentKind.JSON),
        (Expected("a.tif"), LFS, 130, ContentKind.POINTER),
        (Expected("a.csv", 9_000), LFS, None, ContentKind.POINTER),
        (UNSIZED, LFS, 130, ContentKind.POINTER),
        (Expected("a.tif"), b"not found", 9, None),
        (Expected("a.tif", 10), b"not found", 9, ContentKind.TEXT),
        (Expected("a.tif", 10), b"not found", None, None),
        (Expected("a.csv", 10), b"not found", 9, None),
        (Expected("a.tif", 10), b"II*\x00", 4, None),
    ],
)
def test_what_cannot_be_the_file_is_named(
    expected: Expected, start: bytes, size: int | None, kind: ContentKind | None
) -> None:
    assert contradiction(expected, start, size) is kind


@pytest.mark.parametrize(("name", "kind"), [("a.tif", ContentKind.TEXT), ("a.csv", None), ("a", None)])
def test_a_text_that_is_labelled_as_one_is_no_image(name: str, kind: ContentKind | None) -> None:
    assert contradiction(Expected(name), b"Not found", None, "Text/plain; charset=utf-8") is kind


@pytest.mark.parametrize(
    ("start", "line"),
    [
        (b"", ""),
        (b"\xef\xbb\xbf\n first \x1b[1m line\nsecond", "first [1m line"),
        (b"see https://h/x?sig=abc", "see https://h/x?sig=…"),
        (b"x" * 200, "x" * 99 + "…"),
        (b"<html><body>Please <b>log in</b></body></html>", "Please log in"),
        (
            b"<!doctype html>\n<head><style>a{}</style><title>Sign in &middot; GitLab</title>",
            "Sign in · GitLab",
        ),
        (
            b"<html><head><script>var a = '<p>'</script></head><body>See https://h/?sig=ab",
            "See https://h/?sig=…",
        ),
        (b"<html><title></title>", ""),
    ],
)
def test_the_first_line_of_what_came_is_clean(start: bytes, line: str) -> None:
    assert first_line(start) == line


@pytest.mark.parametrize(
    ("url", "start", "refuses"),
    [
        ("https://h.test/a.tif.aux.xml", b"<PAMDataset>", False),
        ("https://h.test/tilejson.json?url=a.tif", b'{"tilejson": "2.0.0"}', False),
        ("https://h.test/a.tif.md5?sig=x", b"0123456789 a.tif, a line of text", False),
        ("https://h.test/a.tif", b"<Error>", True),
        ("https://h.test/a.tif.aux.xml", b'{"error": "gone"}', True),
        ("https://h.test/get.php?file=a.tif", b'{"error": "gone"}', True),
        ("https://h.test/download/7#a.json", b'{"error": "gone"}', True),
    ],
)
def test_what_people_can_read_is_no_error_where_the_url_says_that_it_is_that(
    url: str, start: bytes, refuses: bool
) -> None:
    kind = contradiction(Expected("aux.tif", link=Link(url)), start, len(start), "text/plain")
    assert (kind is not None) is refuses


def test_a_refusal_says_what_came_from_where_and_what_to_do() -> None:
    told = refused(Expected("a.tif", 2000), ContentKind.TEXT, b"not found", 9, place="h.test", url="u")
    assert told.message == "h.test sent text instead of a.tif (9 B, announced are 2.0 kB): not found"
    assert (told.url, told.status) == ("u", 200)
    assert "retry later" in told.hint
    assert "portal" not in told.hint
    same = refused(Expected("a.tif", 9), ContentKind.TEXT, b"not found", 9, place="h.test")
    assert same.message == "h.test sent text instead of a.tif: not found"
    page = refused(Expected("a.tif"), ContentKind.PAGE, PAGE, 9)
    assert page.message == "the server sent a web page instead of a.tif: Log in"
    assert "log in to its portal" in page.hint
    packed = gzip.compress(b"not found", mtime=0)
    assert refused(ARCHIVE, ContentKind.TEXT, packed, None).message.endswith(": not found")
    assert (
        refused(ARCHIVE, ContentKind.OTHER, b"II*", None).message
        == "the server sent other data instead of x.tar.gz"
    )


WHOLE = gzip.compress(TAR, mtime=0)
MEMBERS = gzip.compress(TAR[:1536], mtime=0)


@pytest.mark.parametrize(
    ("content", "announced", "told"),
    [
        (WHOLE, len(WHOLE), ""),
        (WHOLE, None, ""),
        (WHOLE, len(WHOLE) + 1, "the API announces"),
        (WHOLE, len(WHOLE) - 1, "the API announces"),
        (gzip.compress(b"no tar\0", mtime=0), 3, "the API announces 3 B"),
        (TAR, len(TAR), "a tar archive rather than gzip data, of the announced size"),
        (TAR, None, "a tar archive without compression"),
        (TAR, 7, "the API announces 7 B; a tar archive without compression"),
        (b"II*\x00", 4, "other data rather than gzip data, of the announced size"),
    ],
)
def test_an_archive_that_is_whole_is_taken_with_a_note(
    tmp_path: Path, content: bytes, announced: int | None, told: str
) -> None:
    path = tmp_path / "x.tar.gz"
    path.write_bytes(content)
    expected = Expected("x.tar.gz", announced, archive=True)
    note = check_whole(expected, path, threading.Event())
    assert note == told or (told and note.startswith(told))
    assert not is_other(expected, path)


@pytest.mark.parametrize(
    ("content", "announced", "why"),
    [
        (WHOLE[:-9], None, "ends in the middle"),
        (MEMBERS, len(WHOLE) + 999, "is not whole: .* came, announced are"),
        (gzip.compress(b"no tar\0", mtime=0), 4000, "is not whole"),
        (gzip.compress(WHOLE, mtime=0), len(WHOLE), "compressed once more"),
        (TAR[:1536], None, r"is not whole: 1\.5 kB came"),
        (TAR[:1536], 9999, "is not whole"),
        (TAR + b"\0", None, "is not whole"),
    ],
)
def test_an_archive_that_is_cut_or_wrapped_is_refused(
    tmp_path: Path, content: bytes, announced: int | None, why: str
) -> None:
    path = tmp_path / "x.tar.gz"
    path.write_bytes(content)
    with pytest.raises(VerificationFailed, match=why):
        check_whole(Expected("x.tar.gz", announced, archive=True), path, threading.Event())


def test_a_file_of_another_kind_on_disk_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(PAGE)
    assert is_other(Expected("a.tif"), path)
    assert not is_other(Expected("a.tif"), tmp_path / "missing")
    with pytest.raises(UnexpectedAnswer, match=r"a web page instead of a\.tif"):
        check_whole(Expected("a.tif"), path, threading.Event())


@pytest.mark.parametrize(
    ("header", "found"),
    [
        (None, ()),
        ("X-Gzip", ("gzip",)),
        ("deflate, br ,zstd", ("deflate", "br", "zstd")),
        ("aws-chunked,gzip", ("gzip",)),
        ("UTF-8", ()),
        ("x-compress", ("compress",)),
        ('"gzip"', ("gzip",)),
        ("gzip;q=1.0", ("gzip",)),
    ],
)
def test_only_content_codings_count_as_such(header: str | None, found: tuple[str, ...]) -> None:
    assert codings({} if header is None else {"content-encoding": header}) == found


IMAGE = b"II*\x00" * 9
RAW = zlib.compressobj(wbits=-15)
DEFLATED = RAW.compress(IMAGE) + RAW.flush()
ONCE = gzip.compress(IMAGE, mtime=0)
TWICE = gzip.compress(ONCE, mtime=0)
TIF, GZ = Expected("a.tif"), Expected("a.tif.gz", 50)


class Pieces:
    """A sink."""

    def __init__(self) -> None:
        self.data = b""

    def write(self, view: memoryview, /) -> None:
        assert len(view) <= 1 << 16
        self.data += view


def decoded(undone: tuple[str, ...], body: bytes, step: int = 1 << 20) -> bytes:
    """Return a body without its codings, decoded so many bytes at a time."""
    pieces = Pieces()
    sink = DecodingSink(pieces, undone)
    for start in range(0, len(body), step):
        sink.write(memoryview(body[start : start + step]))
    sink.finish()
    return pieces.data


@pytest.mark.parametrize(
    ("found", "expected", "body", "undone"),
    [
        (("gzip",), TIF, ONCE, ("gzip",)),
        (("gzip",), TIF, b"II*\x00", ()),  # a label without the coding
        (("gzip",), TIF, b"", ()),
        (("gzip",), GZ, ONCE, ()),  # the label of what is stored
        (("gzip",), GZ, TWICE, ("gzip",)),
        (("gzip",), Expected("a.gz", len(TWICE)), TWICE, ()),
        (("gzip",), Expected("a.tif", len(ONCE)), ONCE, ("gzip",)),
        (("gzip", "gzip"), TIF, TWICE, ("gzip", "gzip")),
        (("deflate",), TIF, zlib.compress(IMAGE), ("deflate",)),
        (("deflate",), TIF, DEFLATED, ("deflate without its header",)),
        (("deflate",), TIF, b"\xff" * 40, ()),
        (("compress",), Expected("a.Z"), b"\x1f\x9d\x90", ()),
        (("deflate", "gzip"), TIF, gzip.compress(zlib.compress(IMAGE), mtime=0), ("gzip", "deflate")),
        (("compress", "gzip"), TIF, ONCE, ("gzip",)),
        (("gzip", "compress"), TIF, ONCE, ("gzip",)),
        (("gzip",), TIF, zlib.compress(IMAGE), ("deflate",)),  # as servers confuse the two
        (("deflate",), TIF, ONCE, ("gzip",)),
        (("deflate",), GZ, ONCE, ()),
    ],
)
def test_codings_are_undone_that_are_not_the_file_s_own(
    found: tuple[str, ...], expected: Expected, body: bytes, undone: tuple[str, ...]
) -> None:
    assert to_undo(found, expected.name, body, len(body), expected.size)[0] == undone
    assert is_ambiguous(found, expected.name) is (set(found) == {"gzip"} and expected.name.endswith("gz"))
    if undone:
        assert decoded(undone, body) == (ONCE if expected is GZ else IMAGE)


@pytest.mark.parametrize(
    ("name", "coding", "start"),
    [
        ("a.tif", "br", IMAGE),
        ("a.csv", "br", b"id,name,label\n1,caf\xc3\xa9,water\n2,field,crop\n"),
        ("a.geojson", "br", b'{"type": "FeatureCollection"'),
        ("a.tar.gz", "br", ONCE),
        ("a.zip", "br", b"PK\3\4\x14\0\0\0"),
        ("a.csv.br", "br", b"\x1b\x1f\0\xf8\x8d\x94"),
        ("a.tar.zst", "zstd", b"\x28\xb5\x2f\xfd\4"),
        ("a.tif", "zstd", IMAGE),
    ],
)
def test_a_coding_that_is_a_mere_label_is_no_reason_to_refuse_a_file(
    name: str, coding: str, start: bytes
) -> None:
    assert to_undo((coding,), name, start, 1000) == ((), start)


@pytest.mark.parametrize(
    ("coding", "start"),
    [
        ("br", b"\x1b\x1f\0\xf8\x8d\x94"),
        ("br", b";"),
        ("br", b"\x0b\2\x80hello\3"),
        ("zstd", b"\x28\xb5\x2f\xfd\4"),
    ],
)
def test_what_may_be_encoded_is_not_taken_for_the_file(coding: str, start: bytes) -> None:
    with pytest.raises(UnexpectedAnswer, match=f"compressed as {coding}"):
        to_undo((coding,), "a.csv", start, 1000)


@pytest.mark.parametrize("where", [-8, 20], ids=["checksum", "data"])
def test_small_gzip_data_that_is_damaged_is_not_taken_for_the_file(where: int) -> None:
    body = bytearray(ONCE)
    body[where] ^= 0xFF
    assert to_undo(("gzip",), "a.tif", bytes(body), len(body)) == (("gzip",), b"")
    with pytest.raises(VerificationFailed, match="damaged"):
        decoded(("gzip",), bytes(body))


def test_a_coding_that_nobody_can_undo_is_named() -> None:
    with pytest.raises(
        UnexpectedAnswer, match=r"sent a\.tif compressed as compress, which was not asked for"
    ):
        to_undo(("compress",), "a.tif", b"\x1f\x9d\x90", 3)


BIG = bytes(300_000)
SEVERAL = gzip.compress(BIG, mtime=0) + gzip.compress(b"end", mtime=0)


@pytest.mark.parametrize(
    ("undone", "body", "content"),
    [
        (("gzip",), SEVERAL, BIG + b"end"),
        (("gzip",), SEVERAL + bytes(9), BIG + b"end"),
        (("deflate",), zlib.compress(BIG) + b"more", BIG),
        (("gzip", "gzip"), gzip.compress(SEVERAL, mtime=0), BIG + b"end"),
    ],
)
def test_a_body_is_decoded_to_its_end_in_small_pieces(
    undone: tuple[str, ...], body: bytes, content: bytes
) -> None:
    assert decoded(undone, body) == content
    assert decoded(undone, body, 1) == content


@pytest.mark.parametrize(
    ("undone", "body"),
    [
        (("gzip",), ONCE[:-1]),
        (("gzip",), ONCE[:-8] + bytes(8)),
        (("gzip", "gzip"), gzip.compress(ONCE[:-1], mtime=0)),
        (("deflate",), zlib.compress(BIG)[:-5]),
    ],
)
def test_a_body_that_is_cut_or_damaged_is_refused(undone: tuple[str, ...], body: bytes) -> None:
    with pytest.raises(VerificationFailed, match=r"what was sent as .* is damaged"):
        decoded(undone, body)
