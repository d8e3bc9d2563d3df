"""Each fault of a server or a line has its end: the whole file, or an error with a kept part."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

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

from .support import ENDLESS, HASTY, IMPATIENT, QUICK, Links, content, files, wish

DATA = content()
HALF = len(DATA) // 2
OTHER = content(seed=2)


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer(DATA) as server:
        yield server


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "out"


async def get(
    server: FaultServer,
    folder: Path,
    if_exists: IfExists = IfExists.RESUME,
    size: int | None = None,
    *,
    impatient: bool = False,
) -> bytes:
    """Fetch the file, check that nothing else is left in the folder, and return its bytes."""
    patience, tuning = (ENDLESS, IMPATIENT) if impatient else (HASTY, QUICK)
    path = await fetch(
        wish(folder, if_exists=if_exists), Links(server.url, size=size), retries=patience, config=tuning
    )
    assert files(folder) == {"file.tar.gz": path.stat().st_size}
    return path.read_bytes()


async def half_done(server: FaultServer, folder: Path, size: int | None = None) -> None:
    """Leave a part of the file as a broken connection does."""
    server.script.append(Answer(after=HALF))
    server.always = Answer(before="reset")
    with pytest.raises(ServerUnreachable):
        await get(server, folder, size=size)
    assert files(folder) == {"file.tar.gz.part": HALF}
    server.always = Answer()
    server.requests.clear()


async def failing(server: FaultServer, folder: Path, error: type[MLHubException]) -> MLHubException:
    with pytest.raises(error) as caught:
        await get(server, folder)
    assert not (folder / "file.tar.gz").exists()
    return caught.value


async def test_a_good_server_gives_the_whole_file_in_one_request(server: FaultServer, folder: Path) -> None:
    assert await get(server, folder) == DATA
    assert [request.method for request in server.requests] == ["GET"]
    assert server.requests[0].headers["accept-encoding"] == "identity"


async def test_reset_before_the_headers_is_tried_again(server: FaultServer, folder: Path) -> None:
    server.script.extend([Answer(before="reset"), Answer(before="close")])
    assert await get(server, folder) == DATA


@pytest.mark.parametrize("end", ["reset", "close"])
async def test_broken_in_the_body_goes_on_where_it_stopped(
    server: FaultServer, folder: Path, end: str
) -> None:
    server.script.append(Answer(after=HALF, end=end))
    assert await get(server, folder) == DATA
    first, second = server.ranges
    assert first is None
    assert second is not None
    start, last = second.removeprefix("bytes=").split("-")
    assert HALF - (64 << 10) >= int(start) >= 0
    assert int(last) == len(DATA) - 1
    assert server.requests[1].headers["if-range"] == '"v1"'


async def test_always_closed_early_keeps_the_part_and_says_so(server: FaultServer, folder: Path) -> None:
    server.always = Answer(after=100)
    error = await failing(server, folder, ServerUnreachable)
    assert "127.0.0.1" in str(error) or "to come" in str(error)
    assert "file.tar.gz.part" in files(folder)


async def test_closed_early_without_any_length_is_not_taken_for_whole(
    server: FaultServer, folder: Path
) -> None:
    server.md5 = False
    server.script.append(Answer(unframed=True, after=HALF))
    assert await get(server, folder, size=len(DATA)) == DATA


async def test_closed_early_with_no_length_known_at_all_shows_in_the_gzip_data(
    server: FaultServer, folder: Path
) -> None:
    server.md5 = False
    server.script.append(Answer(unframed=True, after=HALF))
    assert await get(server, folder) == DATA
    assert len(server.gets) == 2


async def test_no_content_length_is_whole_when_its_gzip_is(server: FaultServer, folder: Path) -> None:
    server.always = Answer(unframed=True)
    assert await get(server, folder) == DATA


async def test_chunked_is_whole_at_its_last_chunk(server: FaultServer, folder: Path) -> None:
    server.always = Answer(chunked=True)
    assert await get(server, folder) == DATA


async def test_chunked_broken_starts_over(server: FaultServer, folder: Path) -> None:
    server.script.append(Answer(chunked=True, after=HALF))
    assert await get(server, folder) == DATA
    assert server.ranges == [None, None]


async def test_stall_in_the_headers_is_tried_again(server: FaultServer, folder: Path) -> None:
    server.script.append(Answer(before="stall"))
    assert await get(server, folder, impatient=True) == DATA


async def test_stall_in_the_body_goes_on_where_it_stopped(server: FaultServer, folder: Path) -> None:
    server.script.append(Answer(after=HALF, end="stall"))
    assert await get(server, folder, impatient=True) == DATA
    assert server.ranges[1] is not None


async def test_a_trickle_is_as_bad_as_a_stall(server: FaultServer, folder: Path) -> None:
    server.script.append(Answer(piece=1, pace=0.02))
    assert await get(server, folder, impatient=True) == DATA


async def test_only_a_trickle_ever_ends_with_a_timeout(server: FaultServer, folder: Path) -> None:
    server.always = Answer(piece=1, pace=0.02)
    with pytest.raises(ServerTimeout):
        await fetch(wish(folder), Links(server.url), retries=replace(HASTY, tries=2), config=IMPATIENT)
    assert 0 < files(folder)["file.tar.gz.part"] < 1000


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
async def test_a_status_that_may_pass_is_tried_again(server: FaultServer, folder: Path, status: int) -> None:
    server.script.append(Answer(status=status))
    assert await get(server, folder) == DATA


async def test_a_server_that_stays_down_is_named_with_its_status(server: FaultServer, folder: Path) -> None:
    server.always = Answer(status=503)
    assert "503" in str(await failing(server, folder, ServerError))
    assert files(folder) == {}


@pytest.mark.parametrize("kind", ["seconds", "date"])
async def test_retry_after_is_waited_for(server: FaultServer, folder: Path, kind: str) -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    after = "1" if kind == "seconds" else later
    server.script.append(Answer(status=503, headers={"Retry-After": after}))
    start = asyncio.get_running_loop().time()
    assert await get(server, folder) == DATA
    assert asyncio.get_running_loop().time() - start >= HASTY.longest_wait


async def test_200_to_a_range_starts_over(server: FaultServer, folder: Path) -> None:
    await half_done(server, folder)
    server.script.append(Answer(whole=True))
    assert await get(server, folder) == DATA
    assert len(server.gets) == 1


async def test_206_with_another_start_is_never_written(server: FaultServer, folder: Path) -> None:
    await half_done(server, folder)
    server.script.append(Answer(shift=-1000))
    assert await get(server, folder) == DATA


async def test_206_with_another_start_is_noticed_where_its_bytes_look_alike(
    server: FaultServer, folder: Path
) -> None:
    server.content = bytes(HALF + (1 << 17)) + DATA[: HALF - (1 << 17)]
    server.md5 = False
    size = len(server.content)
    await half_done(server, folder, size)
    server.script.append(Answer(shift=-1000))
    assert await get(server, folder, size=size) == server.content


async def test_206_with_another_total_starts_over(server: FaultServer, folder: Path) -> None:
    await half_done(server, folder)
    server.script.append(Answer(total=len(DATA) + 1000))
    assert await get(server, folder) == DATA
    assert server.ranges[-1] is None


async def test_206_that_gives_less_than_asked_is_gone_on_with(server: FaultServer, folder: Path) -> None:
    await half_done(server, folder)
    server.script.append(Answer(short=1000))
    assert await get(server, folder) == DATA
    assert len(server.gets) == 2


@pytest.mark.parametrize(
    "refusal",
    [
        Answer(status=400),
        Answer(status=403),
        Answer(
            status=206,
            body=b"--b",
            headers={"Content-Type": "multipart/byteranges; boundary=b", "Content-Range": None},
        ),
    ],
    ids=["400", "403", "several ranges"],
)
async def test_where_no_range_is_given_the_whole_file_is_fetched_and_a_part_is_left_until_then(
    server: FaultServer, folder: Path, refusal: Answer
) -> None:
    await half_done(server, folder)
    server.plan = lambda request: refusal if request.range else Answer(status=400)
    await failing(server, folder, RequestRefused)
    assert files(folder) == {"file.tar.gz.part": HALF}
    server.plan = lambda request: refusal if request.range else None
    assert await get(server, folder) == DATA


async def test_206_that_was_not_asked_for_is_refused(server: FaultServer, folder: Path) -> None:
    server.always = Answer(status=206)
    await failing(server, folder, UnexpectedAnswer)


@pytest.mark.parametrize("size", [HALF // 2, HALF, len(DATA) * 2])
async def test_416_starts_over_whatever_size_the_file_has_now(
    server: FaultServer, folder: Path, size: int
) -> None:
    await half_done(server, folder)
    server.content = content(size, seed=3)
    server.script.append(Answer(status=416, headers={"Content-Range": f"bytes */{len(server.content)}"}))
    assert await get(server, folder) == server.content


@pytest.mark.parametrize("etag", ['"v2"', 'W/"v2"', "v2"])
async def test_a_changed_etag_starts_over(server: FaultServer, folder: Path, etag: str) -> None:
    await half_done(server, folder)
    server.etag, server.content = etag, OTHER
    assert await get(server, folder) == OTHER


async def test_a_changed_etag_ignored_by_the_server_is_noticed(server: FaultServer, folder: Path) -> None:
    server.etag = "v1"  # no If-Range is sent with it, so the server gives the piece
    await half_done(server, folder)
    server.etag, server.content = "v2", OTHER
    assert await get(server, folder) == OTHER


async def test_an_unquoted_etag_resumes_without_if_range(server: FaultServer, folder: Path) -> None:
    server.etag = "0x8D968C5F3B94E1C"
    await half_done(server, folder)
    assert await get(server, folder) == DATA
    assert server.ranges[0] is not None
    assert "if-range" not in server.requests[0].headers


async def test_a_weak_etag_alone_never_splices(server: FaultServer, folder: Path) -> None:
    server.etag, server.modified, server.md5 = 'W/"v1"', None, False
    await half_done(server, folder)
    assert await get(server, folder) == DATA
    assert server.ranges == [None]


async def test_no_validator_at_all_never_splices(server: FaultServer, folder: Path) -> None:
    server.etag = server.modified = None
    server.md5 = False
    await half_done(server, folder)
    assert await get(server, folder) == DATA
    assert server.ranges == [None]


async def test_last_modified_without_etag_resumes(server: FaultServer, folder: Path) -> None:
    server.etag = None
    await half_done(server, folder)
    assert await get(server, folder) == DATA
    assert server.ranges[0] is not None


async def test_changed_content_under_the_same_validators_is_noticed_by_its_bytes(
    server: FaultServer, folder: Path
) -> None:
    server.md5 = False
    await half_done(server, folder)
    server.content = OTHER
    assert await get(server, folder) == OTHER


async def test_a_changed_size_under_the_same_etag_starts_over(server: FaultServer, folder: Path) -> None:
    await half_done(server, folder)
    server.content = DATA + b"\0" * 512
    assert await get(server, folder) == server.content


@pytest.mark.parametrize("coding", ["gzip", "x-gzip"])
async def test_an_archive_labelled_as_gzip_encoded_is_kept_as_it_is(
    server: FaultServer, folder: Path, coding: str
) -> None:
    server.always = Answer(headers={"Content-Encoding": coding})
    assert await get(server, folder) == DATA


@pytest.mark.parametrize(
    "answer",
    [
        Answer(headers={"Content-Encoding": "br"}),
    ],
)
async def test_a_content_encoding_made_for_the_answer_is_refused(
    server: FaultServer, folder: Path, answer: Answer
) -> None:
    server.always = answer
    assert "which was not asked for" in str(await failing(server, folder, UnexpectedAnswer))
    assert files(folder) == {}


@pytest.mark.parametrize("kind", ["text/html; charset=utf-8", "application/octet-stream"])
async def test_the_page_of_a_captive_portal_is_never_the_file(
    server: FaultServer, folder: Path, kind: str
) -> None:
    page = b"  <!DOCTYPE html><html><body>Log in</body></html>"
    server.always = Answer(status=200, headers={"Content-Type": kind, "Content-MD5": None}, body=page)
    await failing(server, folder, UnexpectedAnswer)
    assert files(folder) == {}


async def test_the_page_of_a_captive_portal_does_not_cost_the_part(server: FaultServer, folder: Path) -> None:
    await half_done(server, folder)
    page = b"<html><body>Log in</body></html>"
    kind = {"Content-Type": "application/octet-stream", "Content-MD5": None}
    server.script.append(Answer(status=200, headers=kind, body=page))
    assert await get(server, folder) == DATA
    assert server.ranges[1] is not None


async def test_a_redirect_to_another_origin_is_followed_without_credentials(
    server: FaultServer, folder: Path
) -> None:
    class WithKey(Links):
        async def link(self, request: DownloadRequest) -> Link:
            auth = Auth(Scheme.BEARER)
            credentials = OriginCredentials(server.url, lambda: "secret", auth)
            return Link(server.url, {"x-mine": "1"}, credentials)

    with FaultServer(DATA) as other:
        server.always = Answer(status=307, headers={"Location": other.url})
        path = await fetch(wish(folder), WithKey(""), retries=HASTY, config=QUICK)
        assert path.read_bytes() == DATA
        assert "authorization" in server.requests[0].headers
        assert "x-mine" in server.requests[0].headers
        assert "authorization" not in other.requests[0].headers
        assert "x-mine" not in other.requests[0].headers


async def test_a_redirect_loop_ends(server: FaultServer, folder: Path) -> None:
    server.always = Answer(status=302, headers={"Location": "/store/file.tar.gz"})
    assert "circle" in str(await failing(server, folder, UnexpectedAnswer))


@pytest.mark.parametrize("status", [401, 403, 404, 410])
async def test_a_link_that_expired_is_looked_up_again(server: FaultServer, folder: Path, status: int) -> None:
    server.script.append(Answer(status=status))
    links = Links(server.url + "?sig=old", server.url + "?sig=new")
    path = await fetch(wish(folder), links, retries=HASTY, config=QUICK)
    assert path.read_bytes() == DATA
    assert [request.target.partition("?")[2] for request in server.gets] == ["sig=old", "sig=new"]


async def test_a_link_that_is_always_refused_ends_with_a_reason(server: FaultServer, folder: Path) -> None:
    server.always = Answer(status=403)
    assert "403" in str(await failing(server, folder, MLHubException))
    assert files(folder) == {}


async def test_an_archive_that_is_not_there_leaves_nothing_on_disk(server: FaultServer, folder: Path) -> None:
    server.always = Answer(status=404)
    assert "still be generating" in str(await failing(server, folder, EntityDoesNotExist))
    assert not folder.exists()


async def test_another_refusal_is_final(server: FaultServer, folder: Path) -> None:
    server.always = Answer(status=400)
    await failing(server, folder, RequestRefused)
    assert len(server.gets) == 1


async def test_a_wrong_md5_once_is_fetched_again(server: FaultServer, folder: Path) -> None:
    server.script.append(Answer(headers={"Content-MD5": md5(OTHER)}))
    assert await get(server, folder) == DATA


async def test_a_wrong_md5_always_fails_with_both_sums(server: FaultServer, folder: Path) -> None:
    server.always = Answer(headers={"Content-MD5": md5(OTHER)})
    error = await failing(server, folder, VerificationFailed)
    assert hashlib.md5(DATA).hexdigest() in str(error)
    assert hashlib.md5(OTHER).hexdigest() in str(error)
    assert len(server.gets) == 2


async def test_a_flipped_byte_in_the_middle_is_fetched_again(server: FaultServer, folder: Path) -> None:
    server.script.append(Answer(flip=HALF))
    assert await get(server, folder) == DATA
    assert len(server.gets) == 2


async def test_a_flipped_byte_at_the_resume_point_starts_over(server: FaultServer, folder: Path) -> None:
    server.md5 = False
    await half_done(server, folder)
    server.script.append(Answer(flip=HALF - 1))
    assert await get(server, folder) == DATA


async def test_bytes_beyond_the_announced_length_are_not_read(server: FaultServer, folder: Path) -> None:
    server.always = Answer(extra=b"more" * 1000)
    assert await get(server, folder) == DATA


@pytest.mark.parametrize("header", ["x-ms-blob-content-md5", "repr-digest"])
async def test_other_checksums_are_verified_too(server: FaultServer, folder: Path, header: str) -> None:
    server.md5 = False
    wrong = {
        "x-ms-blob-content-md5": {"x-ms-blob-content-md5": md5(OTHER)},
        "repr-digest": {
            "Repr-Digest": f"sha-256=:{base64.b64encode(hashlib.sha256(OTHER).digest()).decode()}:"
        },
    }
    server.always = Answer(headers=wrong[header])
    await failing(server, folder, VerificationFailed)


async def test_a_sum_that_is_only_guessed_refuses_nothing(server: FaultServer, folder: Path) -> None:
    """Stores that speak Amazon's protocol have ETags that look like an MD5 and are none."""
    server.md5 = False
    server.etag = f'"{hashlib.md5(OTHER).hexdigest()}"'
    server.always = Answer(headers={"Server": "AmazonS3"})
    assert await get(server, folder) == DATA


async def test_truncated_part_between_runs_goes_on_from_what_is_there(
    server: FaultServer, folder: Path
) -> None:
    await half_done(server, folder)
    part = folder / "file.tar.gz.part"
    with part.open("r+b") as file:
        file.truncate(HALF // 2)
    assert await get(server, folder) == DATA
    assert (server.ranges[0] or "").startswith(f"bytes={HALF // 2 - (64 << 10)}-")


async def test_grown_part_between_runs_is_cut_to_what_is_known(server: FaultServer, folder: Path) -> None:
    await half_done(server, folder)
    with (folder / "file.tar.gz.part").open("ab") as file:
        file.write(b"x" * len(DATA))
    assert await get(server, folder) == DATA


async def test_deleted_part_between_runs_starts_over(server: FaultServer, folder: Path) -> None:
    await half_done(server, folder)
    (folder / "file.tar.gz.part").unlink()
    assert await get(server, folder) == DATA


async def test_replaced_part_between_runs_is_not_trusted(server: FaultServer, folder: Path) -> None:
    server.md5 = False
    await half_done(server, folder)
    part = folder / "file.tar.gz.part"
    aside = folder / "aside"
    aside.write_bytes(OTHER[: HALF // 2] + DATA[HALF // 2 : HALF])
    aside.replace(part)
    assert await get(server, folder) == DATA


async def test_a_part_whose_record_is_lost_is_taken_over_when_it_agrees(
    server: FaultServer, folder: Path, mlhub_home: Path
) -> None:
    await half_done(server, folder)
    for path in mlhub_home.glob("queue.db*"):
        path.unlink()
    assert await get(server, folder) == DATA
    assert None not in server.ranges


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
    server: FaultServer, folder: Path, part: bytes, etag: str | None
) -> None:
    server.md5, server.etag, server.modified = False, etag, None
    folder.mkdir()
    (folder / "file.tar.gz.part").write_bytes(part)
    assert await get(server, folder) == DATA
    assert None in server.ranges


async def test_resume_finds_a_file_of_equal_size_there(server: FaultServer, folder: Path) -> None:
    folder.mkdir()
    (folder / "file.tar.gz").write_bytes(DATA)
    assert await get(server, folder) == DATA
    assert server.gets == []


async def test_resume_goes_on_with_what_another_tool_left_half_done(
    server: FaultServer, folder: Path
) -> None:
    folder.mkdir()
    (folder / "file.tar.gz").write_bytes(DATA[:HALF])
    assert await get(server, folder) == DATA
    assert None not in server.ranges


@pytest.mark.parametrize("there", [OTHER[:HALF], OTHER + OTHER], ids=["smaller", "larger"])
async def test_resume_leaves_another_file_alone_and_says_so(
    server: FaultServer, folder: Path, there: bytes
) -> None:
    folder.mkdir()
    (folder / "file.tar.gz").write_bytes(there)
    with pytest.raises(FileConflict):
        await get(server, folder)
    assert (folder / "file.tar.gz").read_bytes() == there


async def test_skip_asks_nobody(server: FaultServer, folder: Path) -> None:
    folder.mkdir()
    (folder / "file.tar.gz").write_bytes(b"anything")
    assert await get(server, folder, IfExists.SKIP) == b"anything"
    assert server.requests == []


async def test_overwrite_keeps_the_old_file_until_the_new_one_is_whole(
    server: FaultServer, folder: Path
) -> None:
    folder.mkdir()
    target = folder / "file.tar.gz"
    target.write_bytes(OTHER)
    server.script.append(Answer(after=HALF))
    server.always = Answer(before="reset")
    with pytest.raises(ServerUnreachable):
        await get(server, folder, IfExists.OVERWRITE)
    assert target.read_bytes() == OTHER
    server.always = Answer()
    assert await get(server, folder, IfExists.OVERWRITE) == DATA


async def test_a_file_that_appears_meanwhile_is_not_overwritten(server: FaultServer, folder: Path) -> None:
    server.always = Answer(pace=0.02)
    task = asyncio.create_task(get(server, folder))
    while server.sent < HALF:
        await asyncio.sleep(0.01)
    (folder / "file.tar.gz").write_bytes(b"mine")
    with pytest.raises(FileConflict):
        await task
    assert (folder / "file.tar.gz").read_bytes() == b"mine"
    assert (folder / "file.tar.gz.part").stat().st_size == len(DATA)


async def test_a_host_that_is_not_there_is_said(folder: Path) -> None:
    links = Links("http://127.0.0.1:9/file.tar.gz")
    with pytest.raises(ServerUnreachable):
        await fetch(wish(folder), links, retries=HASTY, config=QUICK)
    assert files(folder) == {}


async def test_a_links_signature_is_not_logged(
    server: FaultServer, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server.script.append(Answer(status=503))
    await fetch(wish(folder), Links(server.url + "?sig=SIGNED"), retries=HASTY, config=QUICK)
    assert server.gets[0].target.endswith("?sig=SIGNED")
    assert "SIGNED" not in caplog.text


async def test_a_proxy_of_the_environment_is_not_asked_for_this_machine(
    server: FaultServer, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    assert await get(server, folder) == DATA
