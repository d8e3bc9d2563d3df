"""What answers say is read as the standards have it, and nothing more is read into them."""

from __future__ import annotations

import pytest

from mlhub_tui.downloads.one.answer import (
    Digest,
    Remote,
    Span,
    content_range,
    difference,
    digests_from_text,
    digests_to_text,
    remote,
)

EMPTY = "1B2M2Y8AsgTpgAmY7PhCfg=="
EMPTY_HEX = "d41d8cd98f00b204e9800998ecf8427e"


@pytest.mark.parametrize(
    ("value", "span"),
    [
        ("bytes 0-9/10", Span(0, 9, 10)),
        ("bytes 5-9/*", Span(5, 9, None)),
        ("Bytes */10", Span(None, None, 10)),
        ("bytes 9-5/10", None),
        ("bytes 0-10/10", None),
        ("items 0-9/10", None),
        ("bytes 0-9/10, bytes 3-4/10", None),
        ("", None),
        (None, None),
    ],
)
def test_content_range(value: str | None, span: Span | None) -> None:
    assert content_range(value) == span


def test_a_whole_answer_tells_size_and_checksum() -> None:
    headers = {"content-length": "12", "etag": "0x8D968C5F3B94E1C", "content-md5": EMPTY}
    assert remote(200, headers) == Remote(12, "0x8D968C5F3B94E1C", None, (Digest("md5", EMPTY_HEX),))


def test_the_checksum_of_a_piece_is_not_that_of_the_file() -> None:
    headers = {"content-length": "2", "content-range": "bytes 0-1/12", "content-md5": EMPTY}
    assert remote(206, headers) == Remote(12)
    headers["x-ms-blob-content-md5"] = EMPTY
    assert remote(206, headers).digests == (Digest("md5", EMPTY_HEX),)


def test_the_length_of_a_chunked_answer_is_not_believed() -> None:
    assert remote(200, {"content-length": "12", "transfer-encoding": "chunked"}).total is None


@pytest.mark.parametrize("value", ["", "nonsense!", "YWJj", EMPTY[:-4]])
def test_a_checksum_that_is_none_is_left_out(value: str) -> None:
    assert remote(200, {"content-md5": value}).digests == ()


@pytest.mark.parametrize(
    ("headers", "plausible"),
    [
        ({"server": "AmazonS3"}, True),
        ({"x-amz-request-id": "1", "x-amz-server-side-encryption": "AES256"}, True),
        ({"x-amz-request-id": "1", "x-amz-server-side-encryption": "aws:kms"}, False),
        ({"server": "nginx"}, False),
    ],
)
def test_an_etag_is_an_md5_on_s3_only(headers: dict[str, str], plausible: bool) -> None:
    assert bool(remote(200, {**headers, "etag": f'"{EMPTY_HEX}"'}).digests) is plausible
    assert not remote(200, {**headers, "etag": f'"{EMPTY_HEX}-3"'}).digests


@pytest.mark.parametrize(
    ("etag", "strong", "spliceable"),
    [
        ('"a"', True, True),
        ("a", False, True),
        ('W/"a"', False, False),
        ('""', False, True),
        (None, False, False),
    ],
)
def test_only_a_quoted_strong_etag_goes_into_if_range(
    etag: str | None, strong: bool, spliceable: bool
) -> None:
    assert (Remote(1, etag).strong, Remote(1, etag).spliceable) == (strong, spliceable)


@pytest.mark.parametrize(
    ("now", "different"),
    [
        (Remote(10, '"a"', "Mon"), False),
        (Remote(10, "a", "Mon"), False),
        (Remote(None, None, None), False),
        (Remote(11, '"a"', "Mon"), True),
        (Remote(10, '"b"', "Mon"), True),
        (Remote(10, '"a"', "Tue"), True),
        (Remote(10, '"a"', "Mon", (Digest("md5", "00"),)), True),
    ],
)
def test_versions_are_told_apart_by_whatever_differs(now: Remote, different: bool) -> None:
    assert bool(difference(Remote(10, '"a"', "Mon", (Digest("md5", "11"),)), now)) is different


def test_digests_survive_the_database() -> None:
    digests = (Digest("md5", EMPTY_HEX), Digest("sha-256", "ab" * 32))
    assert digests_from_text(digests_to_text(digests)) == digests
    assert digests_from_text("") == ()
