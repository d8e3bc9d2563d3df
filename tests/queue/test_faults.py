"""Each fault of a server or a line has its end: the whole file, or an error with a kept part."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from mlhub_tui.auth import Auth, Scheme
from mlhub_tui.errors import (
    EntityDoesNotExist,
    FileConflict,
    MLHubException,
    RequestRefused,
    ServerError,
    ServerTimeout,
    ServerUnreachable,
    UnexpectedAnswer,
    VerificationFailed,
)
from mlhub_tui.http.credentials import Link, OriginCredentials
from mlhub_tui.options import IfExists
from mlhub_tui.planning.requests import DownloadRequest
from mlhub_tui.queue.run_job import fetch
from tests.support.fault_server import FaultServer, md5
from tests.support.http_server import Answer
from tests.support.waiting import until

from .support import ENDLESS, HASTY, IMPATIENT, QUICK, SLOW, Links, content, files, wish

DATA = content()
HALF = len(DATA) // 2
OTHER = content(seed=2)


@dataclass
class Site:
    """A server of one file, and the folder that it is fetched to."""

    server: FaultServer
    folder: Path

    async def get(
        self, if_exists: IfExists = IfExists.RESUME, size: int | None = None, *, impatient: bool = False
    ) -> bytes:
        """Fetch the file, check that nothing else is left in the folder, and return its bytes."""
        patience, tuning = (ENDLESS, IMPATIENT) if impatient else (HASTY, QUICK)
        links = Links(self.server.url, size=size)
        wanted = wish(self.folder, if_exists=if_exists)
        path = await fetch(wanted, links, retries=patience, config=tuning)
        assert files(self.folder) == {"file.tar.gz": path.stat().st_size}
        return path.read_bytes()

    async def half_done(self, size: int | None = None) -> None:
        """Leave a part of the file as a broken connection does."""
        self.server.script.append(Answer(after=HALF))
        self.server.always = Answer(before="reset")
        with pytest.raises(ServerUnreachable):
            await self.get(size=size)
        assert files(self.folder) == {"file.tar.gz.part": HALF}
        self.server.always = Answer()
        self.server.requests.clear()

    async def failing(self, error: type[MLHubException]) -> MLHubException:
        """Return the error that the file fails with."""
        with pytest.raises(error) as caught:
            await self.get()
        assert not (self.folder / "file.tar.gz").exists()
        return caught.value


@pytest.fixture
def site(server: FaultServer, folder: Path) -> Site:
    return Site(server, folder)


async def test_a_good_server_gives_the_whole_file_in_one_request(site: Site) -> None:
    assert await site.get() == DATA
    assert [request.method for request in site.server.requests] == ["GET"]
    assert site.server.requests[0].headers["accept-encoding"] == "identity"


PAGE = b"  <!DOCTYPE html><html><body>Log in</body></html>"
BYTES = {"Content-Type": "application/octet-stream", "Content-MD5": None}

WHOLE: dict[str, tuple[Answer, int]] = {
    "without a length it is whole when its gzip is": (Answer(unframed=True), 1),
    "chunked it is whole at its last chunk": (Answer(chunked=True), 1),
    "an archive that is labelled gzip is left as it is": (Answer(headers={"Content-Encoding": "gzip"}), 1),
    "or x-gzip": (Answer(headers={"Content-Encoding": "x-gzip"}), 1),
    "bytes beyond the announced length are not read": (Answer(extra=b"more" * 1000), 1),
    "reset before the head": (Answer(before="reset"), 2),
    "closed before the head": (Answer(before="close"), 2),
    "broken between chunks": (Answer(chunked=True, after=HALF), 2),
    "a wrong MD5": (Answer(headers={"Content-MD5": md5(OTHER)}), 2),
    "a flipped byte": (Answer(flip=HALF), 2),
    **{f"status {status}": (Answer(status=status), 2) for status in (408, 429, 500, 502, 503, 504)},
}
"""The first answer, and how many requests bring the whole file."""


@pytest.mark.parametrize("fault", WHOLE)
async def test_the_whole_file_comes_at_once_or_is_fetched_again(site: Site, fault: str) -> None:
    answer, requests = WHOLE[fault]
    site.server.script.append(answer)
    assert await site.get() == DATA
    assert site.server.ranges == [None] * requests


@pytest.mark.parametrize(
    "answer", [Answer(before="stall"), Answer(after=HALF, end="stall"), Answer(piece=1, pace=0.02)]
)
async def test_a_stall_and_a_trickle_are_left_and_what_came_is_not_fetched_again(
    site: Site, answer: Answer
) -> None:
    site.server.script.append(answer)
    assert await site.get(impatient=True) == DATA
    assert answer.end != "stall" or site.server.ranges[1] is not None


BROTLI = b"\x1b\x1f\0\xf8\x8d\x94" + DATA[:1000]
REFUSED: dict[str, tuple[Answer, type[MLHubException], str]] = {
    "a server that stays down": (Answer(status=503), ServerError, "503"),
    "206 that was not asked for": (Answer(status=206), UnexpectedAnswer, ""),
    "a coding that cannot be undone": (
        Answer(status=200, headers={**BYTES, "Content-Encoding": "br"}, body=BROTLI),
        UnexpectedAnswer,
        "which was not asked for",
    ),
    "the page of a captive portal": (
        Answer(status=200, headers={**BYTES, "Content-Type": "text/html; charset=utf-8"}, body=PAGE),
        UnexpectedAnswer,
        "",
    ),
    "such a page called bytes": (Answer(status=200, headers=BYTES, body=PAGE), UnexpectedAnswer, ""),
    "redirects in a circle": (
        Answer(status=302, headers={"Location": "/store/file.tar.gz"}),
        UnexpectedAnswer,
        "circle",
    ),
    "a link that is always refused": (Answer(status=403), MLHubException, "403"),
    "another refusal": (Answer(status=400), RequestRefused, "400"),
}


@pytest.mark.parametrize("fault", REFUSED)
async def test_what_stays_wrong_is_named_and_leaves_nothing(site: Site, fault: str) -> None:
    site.server.always, error, words = REFUSED[fault]
    assert words in str(await site.failing(error))
    assert files(site.folder) == {}
    assert error is not RequestRefused or len(site.server.gets) == 1


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-MD5": md5(OTHER)},
        {"Content-MD5": None, "x-ms-blob-content-md5": md5(OTHER)},
        {
            "Content-MD5": None,
            "Repr-Digest": f"sha-256=:{base64.b64encode(hashlib.sha256(OTHER).digest()).decode()}:",
        },
    ],
    ids=["Content-MD5", "x-ms-blob-content-md5", "Repr-Digest"],
)
async def test_a_sum_that_is_wrong_twice_fails_with_both_sums(
    site: Site, headers: dict[str, str | None]
) -> None:
    site.server.always = Answer(headers=headers)
    kind = hashlib.sha256 if "Repr-Digest" in headers else hashlib.md5
    error = await site.failing(VerificationFailed)
    assert kind(DATA).hexdigest() in str(error)
    assert kind(OTHER).hexdigest() in str(error)
    assert len(site.server.gets) == 2


RESUMED: dict[str, tuple[Answer, list[bool]]] = {
    "200 to a range": (Answer(whole=True), [True]),
    "206 with another start": (Answer(shift=-1000), [True, False]),
    "206 with another total": (Answer(total=len(DATA) + 1000), [True, False]),
    "206 with less than asked": (Answer(short=1000), [True, True]),
    "the page of a captive portal": (Answer(status=200, headers=BYTES, body=PAGE), [True, True]),
}
"""The first answer to a range, and which requests are for one."""


@pytest.mark.parametrize("fault", RESUMED)
async def test_what_does_not_continue_the_part_is_not_written_to_it(site: Site, fault: str) -> None:
    await site.half_done()
    answer, ranges = RESUMED[fault]
    site.server.script.append(answer)
    assert await site.get() == DATA
    assert [found is not None for found in site.server.ranges] == ranges


@pytest.mark.parametrize(
    ("before", "after", "data"),
    [
        ({}, {"etag": '"v2"'}, OTHER),
        ({}, {"etag": 'W/"v2"'}, OTHER),
        ({}, {"etag": "v2"}, OTHER),
        ({"etag": "v1"}, {"etag": "v2"}, OTHER),  # no If-Range is sent with it, so the server gives the piece
        ({"md5": False}, {}, OTHER),
        ({}, {}, DATA + b"\0" * 512),
    ],
    ids=["strong", "weak", "unquoted", "ignored by the server", "same validators", "same ETag, another size"],
)
async def test_another_version_replaces_the_part(
    site: Site, before: dict[str, Any], after: dict[str, Any], data: bytes
) -> None:
    vars(site.server).update(before)
    await site.half_done()
    vars(site.server).update(after, content=data)
    assert await site.get() == data


@pytest.mark.parametrize(
    ("has", "resumes"),
    [
        ({"etag": "0x8D968C5F3B94E1C"}, True),
        ({"etag": None}, True),
        ({"etag": 'W/"v1"', "modified": None}, False),
        ({"etag": None, "modified": None}, False),
    ],
    ids=["an unquoted ETag", "Last-Modified", "a weak ETag", "nothing"],
)
async def test_a_part_is_resumed_where_a_validator_says_that_it_is_of_this_version(
    site: Site, has: dict[str, Any], resumes: bool
) -> None:
    vars(site.server).update(has, md5=False)
    await site.half_done()
    assert await site.get() == DATA
    assert (site.server.ranges[0] is not None) is resumes
    assert len(site.server.ranges) == 1
    assert not has["etag"] or "if-range" not in site.server.requests[0].headers


def _replace(part: Path) -> None:
    aside = part.with_name("aside")
    aside.write_bytes(OTHER[: HALF // 2] + DATA[HALF // 2 : HALF])
    aside.replace(part)


@pytest.mark.parametrize(
    "change",
    [lambda part: part.write_bytes(part.read_bytes() + b"x" * len(DATA)), Path.unlink, _replace],
    ids=["grown", "deleted", "replaced"],
)
async def test_a_part_that_was_changed_between_runs_is_not_trusted(
    site: Site, change: Callable[[Path], object]
) -> None:
    site.server.md5 = False
    await site.half_done()
    change(site.folder / "file.tar.gz.part")
    assert await site.get() == DATA


@pytest.mark.parametrize("end", ["reset", "close"])
async def test_broken_in_the_body_goes_on_where_it_stopped(site: Site, end: str) -> None:
    site.server.script.append(Answer(after=HALF, end=end))
    assert await site.get() == DATA
    first, second = site.server.ranges
    assert first is None
    assert second is not None
    start, last = second.removeprefix("bytes=").split("-")
    assert HALF - (64 << 10) >= int(start) >= 0
    assert int(last) == len(DATA) - 1
    assert site.server.requests[1].headers["if-range"] == '"v1"'


async def test_always_closed_early_keeps_the_part_and_says_so(site: Site) -> None:
    site.server.always = Answer(after=100)
    error = await site.failing(ServerUnreachable)
    assert "127.0.0.1" in str(error) or "to come" in str(error)
    assert "file.tar.gz.part" in files(site.folder)


@pytest.mark.parametrize("size", [len(DATA), None])
async def test_closed_early_without_any_length_is_not_taken_for_whole(site: Site, size: int | None) -> None:
    site.server.md5 = False
    site.server.script.append(Answer(unframed=True, after=HALF))
    assert await site.get(size=size) == DATA
    assert len(site.server.gets) == 2  # without the size its gzip data shows it


async def test_only_a_trickle_ever_ends_with_a_timeout(site: Site) -> None:
    site.server.always = Answer(piece=1, pace=0.02)
    config = replace(IMPATIENT, first_byte_timeout=30.0)
    with pytest.raises(ServerTimeout):
        await fetch(wish(site.folder), Links(site.server.url), retries=replace(HASTY, tries=2), config=config)
    assert 0 < files(site.folder)["file.tar.gz.part"] < 1000


@pytest.mark.parametrize("kind", ["seconds", "date"])
async def test_retry_after_is_waited_for(site: Site, kind: str) -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    after = "1" if kind == "seconds" else later
    site.server.script.append(Answer(status=503, headers={"Retry-After": after}))
    start = asyncio.get_running_loop().time()
    assert await site.get() == DATA
    assert asyncio.get_running_loop().time() - start >= HASTY.longest_wait


async def test_206_with_another_start_is_noticed_where_its_bytes_look_alike(site: Site) -> None:
    site.server.content = bytes(HALF + (1 << 17)) + DATA[: HALF - (1 << 17)]
    site.server.md5 = False
    size = len(site.server.content)
    await site.half_done(size)
    site.server.script.append(Answer(shift=-1000))
    assert await site.get(size=size) == site.server.content


@pytest.mark.parametrize("size", [HALF // 2, HALF, len(DATA) * 2])
async def test_416_starts_over_whatever_size_the_file_has_now(site: Site, size: int) -> None:
    await site.half_done()
    site.server.content = content(size, seed=3)
    site.server.script.append(
        Answer(status=416, headers={"Content-Range": f"bytes */{len(site.server.content)}"})
    )
    assert await site.get() == site.server.content


async def test_a_redirect_to_another_origin_is_followed_without_credentials(site: Site) -> None:
    class WithKey(Links):
        async def link(self, request: DownloadRequest) -> Link:
            auth = Auth(Scheme.BEARER)
            credentials = OriginCredentials(site.server.url, lambda: "secret", auth)
            return Link(site.server.url, {"x-mine": "1"}, credentials)

    with FaultServer(DATA) as other:
        site.server.always = Answer(status=307, headers={"Location": other.url})
        path = await fetch(wish(site.folder), WithKey(""), retries=HASTY, config=QUICK)
        assert path.read_bytes() == DATA
        assert "authorization" in site.server.requests[0].headers
        assert "x-mine" in site.server.requests[0].headers
        assert "authorization" not in other.requests[0].headers
        assert "x-mine" not in other.requests[0].headers


@pytest.mark.parametrize("status", [401, 403, 404, 410])
async def test_a_link_that_expired_is_looked_up_again(site: Site, status: int) -> None:
    site.server.script.append(Answer(status=status))
    links = Links(site.server.url + "?sig=old", site.server.url + "?sig=new")
    path = await fetch(wish(site.folder), links, retries=HASTY, config=QUICK)
    assert path.read_bytes() == DATA
    assert [request.target.partition("?")[2] for request in site.server.gets] == ["sig=old", "sig=new"]


async def test_an_archive_that_is_not_there_leaves_nothing_on_disk(site: Site) -> None:
    site.server.always = Answer(status=404)
    assert "still be generating" in str(await site.failing(EntityDoesNotExist))
    assert not site.folder.exists()


async def test_a_flipped_byte_at_the_resume_point_starts_over(site: Site) -> None:
    site.server.md5 = False
    await site.half_done()
    site.server.script.append(Answer(flip=HALF - 1))
    assert await site.get() == DATA


async def test_a_sum_that_is_only_guessed_refuses_nothing(site: Site) -> None:
    """Stores that speak Amazon's protocol have ETags that look like an MD5 and are none."""
    site.server.md5 = False
    site.server.etag = f'"{hashlib.md5(OTHER).hexdigest()}"'
    site.server.always = Answer(headers={"Server": "AmazonS3"})
    assert await site.get() == DATA


async def test_truncated_part_between_runs_goes_on_from_what_is_there(site: Site) -> None:
    await site.half_done()
    part = site.folder / "file.tar.gz.part"
    with part.open("r+b") as file:
        file.truncate(HALF // 2)
    assert await site.get() == DATA
    assert (site.server.ranges[0] or "").startswith(f"bytes={HALF // 2 - (64 << 10)}-")


async def test_a_part_whose_record_is_lost_is_taken_over_when_it_agrees(site: Site, mlhub_home: Path) -> None:
    await site.half_done()
    for path in mlhub_home.glob("queue.db*"):
        path.unlink()
    assert await site.get() == DATA
    assert None not in site.server.ranges


@pytest.mark.parametrize(
    ("part", "etag"),
    [
        (OTHER[:HALF], '"v1"'),
        (DATA[: HALF - 1] + b"?", '"v1"'),
        (DATA + b"more", '"v1"'),
        (DATA[:HALF], None),
        (b"", '"v1"'),
    ],
    ids=["another", "another at its end", "longer", "of no version", "empty"],
)
async def test_a_part_without_a_record_that_does_not_agree_is_replaced(
    site: Site, part: bytes, etag: str | None
) -> None:
    site.server.md5, site.server.etag, site.server.modified = False, etag, None
    site.folder.mkdir()
    (site.folder / "file.tar.gz.part").write_bytes(part)
    assert await site.get() == DATA
    assert None in site.server.ranges


async def test_resume_finds_a_file_of_equal_size_there(site: Site) -> None:
    site.folder.mkdir()
    (site.folder / "file.tar.gz").write_bytes(DATA)
    assert await site.get() == DATA
    assert site.server.gets == []


async def test_resume_goes_on_with_what_another_tool_left_half_done(site: Site) -> None:
    site.folder.mkdir()
    (site.folder / "file.tar.gz").write_bytes(DATA[:HALF])
    assert await site.get() == DATA
    assert None not in site.server.ranges


@pytest.mark.parametrize("there", [OTHER[:HALF], OTHER + OTHER], ids=["smaller", "larger"])
async def test_resume_leaves_another_file_alone_and_says_so(site: Site, there: bytes) -> None:
    site.folder.mkdir()
    (site.folder / "file.tar.gz").write_bytes(there)
    with pytest.raises(FileConflict):
        await site.get()
    assert (site.folder / "file.tar.gz").read_bytes() == there


async def test_skip_asks_nobody(site: Site) -> None:
    site.folder.mkdir()
    (site.folder / "file.tar.gz").write_bytes(b"anything")
    assert await site.get(IfExists.SKIP) == b"anything"
    assert site.server.requests == []


async def test_overwrite_keeps_the_old_file_until_the_new_one_is_whole(site: Site) -> None:
    site.folder.mkdir()
    target = site.folder / "file.tar.gz"
    target.write_bytes(OTHER)
    site.server.script.append(Answer(after=HALF))
    site.server.always = Answer(before="reset")
    with pytest.raises(ServerUnreachable):
        await site.get(IfExists.OVERWRITE)
    assert target.read_bytes() == OTHER
    site.server.always = Answer()
    assert await site.get(IfExists.OVERWRITE) == DATA


async def test_a_file_that_appears_meanwhile_is_not_overwritten(site: Site) -> None:
    site.server.always = SLOW
    task = asyncio.create_task(site.get())
    await until((site.folder / "file.tar.gz.part").exists)
    (site.folder / "file.tar.gz").write_bytes(b"mine")
    site.server.hurry()
    with pytest.raises(FileConflict):
        await task
    assert (site.folder / "file.tar.gz").read_bytes() == b"mine"
    assert (site.folder / "file.tar.gz.part").stat().st_size == len(DATA)


async def test_a_host_that_is_not_there_is_said(folder: Path) -> None:
    links = Links("http://127.0.0.1:9/file.tar.gz")
    with pytest.raises(ServerUnreachable):
        await fetch(wish(folder), links, retries=HASTY, config=QUICK)
    assert files(folder) == {}


async def test_a_links_signature_is_not_logged(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    site.server.script.append(Answer(status=503))
    await fetch(wish(site.folder), Links(site.server.url + "?sig=SIGNED"), retries=HASTY, config=QUICK)
    assert site.server.gets[0].target.endswith("?sig=SIGNED")
    assert "SIGNED" not in caplog.text
