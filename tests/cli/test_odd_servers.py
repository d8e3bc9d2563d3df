"""Files of servers that are odd but well: a file of an item and the same file of a dataset arrive alike."""

from __future__ import annotations

import base64
import gzip
import hashlib
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.support.http_server import Answer, LoopbackServer, Request, as_json
from tests.support.stac import collection, item, link

DATA = b"II*\0" + bytes(range(256)) * 9
PASSING = (408, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524, 525, 527, 529, 530, 598, 599)
THROTTLED: Mapping[str, Answer] = {  # not only by 429
    "github": Answer(403, b"", {"Retry-After": "1"}),
    "google": Answer(403, b'{"error": {"errors": [{"reason": "userRateLimitExceeded"}]}}'),
    "amazon": Answer(403, b"<Error><Code>SlowDown</Code></Error>", {"Content-Type": "application/xml"}),
    "s3": Answer(400, b"<Error><Code>RequestTimeout</Code></Error>", {"Content-Type": "application/xml"}),
}
CODINGS = {
    "aws": "aws-chunked",
    "utf8": "UTF-8",
    "none": "none",
    "binary": "binary",
    "two": "aws-chunked, none",
    "brotli": "br",
    "zstandard": "zstd",
}


def base64_md5(data: bytes) -> str:
    return base64.b64encode(hashlib.md5(data).digest()).decode()


ODD_HEADERS: Mapping[str, Mapping[str, str]] = {
    **{f"coding-{name}": {"Content-Encoding": coding} for name, coding in CODINGS.items()},
    "long-head": {f"Set-Cookie-{number}": "x" * 9_000 for number in range(20)},
    "transcoded": {
        "x-goog-stored-content-encoding": "gzip",
        "x-goog-stored-content-length": "77",
        "x-goog-hash": f"crc32c=AAAAAA==, md5={base64_md5(gzip.compress(DATA))}",
    },
    "etag": {"ETag": f'"{hashlib.md5(b"other").hexdigest()}"'},
    "etag-of-s3": {"ETag": f'"{hashlib.md5(b"other").hexdigest()}"', "Server": "AmazonS3"},
}
TARGETS = {
    "utf8": ("/données é.tif", "/donn%C3%A9es%20%C3%A9.tif"),
    "dots": ("/a/../b/./c%2Fd.tif?v=a b", "/b/c%2Fd.tif?v=a%20b"),
    "user": ("/user.tif", "/user.tif"),
}
LOGIN = f"Basic {base64.b64encode(b'me:pass word').decode()}"


class Odd(LoopbackServer):
    """A catalog of one item, whose assets are answered in as many odd ways."""

    def __init__(self) -> None:
        super().__init__(self._answer)
        self._seen: set[str] = set()

    def hrefs(self) -> dict[str, str]:
        """Return the assets by key."""
        found = {name: f"{self.url}/{name}.tif" for name in ODD_HEADERS}
        found |= {f"status-{status}": f"{self.url}/status-{status}.tif" for status in PASSING}
        found |= {f"throttled-{name}": f"{self.url}/throttled-{name}.tif" for name in THROTTLED}
        found |= {f"moved-{status}": f"{self.url}/moved-{status}.tif" for status in (301, 302, 303, 307, 308)}
        found |= {f"url-{name}": f"{self.url}{target}" for name, (target, _) in TARGETS.items()}
        found["url-user"] = found["url-user"].replace("://", "://me:pass%20word@")
        return found | {"prepared": f"{self.url}/prepared.tif", "cookie": f"{self.url}/cookie.tif"}

    def _answer(self, request: Request) -> Answer:
        name = request.path.strip("/").removesuffix(".tif")
        kind, _, status = name.partition("-")
        first = name not in self._seen
        self._seen.add(name)
        match kind:
            case "collection.json":
                return as_json(collection("c", link("item", "i.json")))
            case "i.json":
                assets = {key: {"href": href, "type": "image/tiff"} for key, href in self.hrefs().items()}
                return as_json(item(assets=assets))
            case "status" if first:
                return Answer(int(status), b"later", {"Retry-After": "0"})
            case "throttled" if first:
                return THROTTLED[status]
            case "prepared" if first:
                return Answer(202, b"", {"Retry-After": "1"})
            case "moved":
                return Answer(int(status), headers={"Location": "/data.tif"})
            case "cookie" if "taken=1" not in request.headers.get("cookie", ""):
                return Answer(302, headers={"Location": "/cookie.tif", "Set-Cookie": "taken=1; Path=/"})
            case "user" if request.headers.get("authorization") != LOGIN:
                return Answer(401)
        headers = {"Content-Type": "image/tiff", "ETag": '"v1"', **ODD_HEADERS.get(name, {})}
        return Answer(body=DATA, headers=headers)


@pytest.mark.slow
@pytest.mark.parametrize("command", ["item c i", "dataset c --assets"])
def test_what_odd_servers_have_arrives_whole(run: Run, tmp_path: Path, command: str) -> None:
    with Odd() as server:
        source = ("--source", f"{server.url}/collection.json")
        result = run("download", *command.split(), *source, "--output-dir", tmp_path)
        keys = server.hrefs()
    assert result.exit_code == 0, result.output
    files = [path for path in tmp_path.rglob("*") if path.is_file() and path.read_bytes() == DATA]
    assert len(files) == len(keys), set(keys) - {path.stem for path in files}
    assert {asked for _, asked in TARGETS.values()} <= set(server.targets)
    assert [r.method for r in server.requests if r.path.startswith("/moved")] == ["GET"] * 5
