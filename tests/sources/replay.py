"""Plays the recorded answers of the hosted API on two loopback origins: the API and its blob store."""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.support.http_server import Answer, LoopbackServer, Request, as_json

API = "https://staging.api.radiant.earth"
BLOBS = "https://radiantearth.blob.core.windows.net"
KEY = "k" * 60 + "wxyz"
KENYA = "ref_african_crops_kenya_02_source"


class Replay:
    """The API at `root`, the blob store on another port; the hosts in bodies and headers are replaced."""

    def __init__(self, recorded: Path) -> None:
        self._recorded = recorded
        self.api = LoopbackServer(self._api)
        self.store = LoopbackServer(self._blobs)
        self._stack = ExitStack()
        self._exchanges = json.loads((recorded / "exchanges.json").read_bytes())
        self._read: dict[str, bytes] = {}

    @property
    def root(self) -> str:
        return self.api.root

    def __enter__(self) -> Self:
        self._stack.enter_context(self.api)
        self._stack.enter_context(self.store)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def _api(self, asked: Request) -> Answer:
        path = asked.path.removeprefix("/mlhub/v1/")
        if path == f"collections/{KENYA}/items":
            return self._items(asked)
        if path == "collections/bigearthnet_v1_source/items":
            return self._exchange(asked, 401)
        answer = self._answer_of(path)
        return self._exchange(asked, None) if answer is None else answer

    def _answer_of(self, path: str) -> Answer | None:
        files = {
            "": "landing.json",
            "datasets": "datasets.json",
            "collections": "collections.json",
            "models": "models.json",
            "datasets/ref_african_crops_kenya_02": "dataset-by-id.json",
            "archive/bigearthnet_v1_labels/info": "archive-info/bigearthnet_v1_labels.json",
        }
        if path in files:
            return self._file(files[path])
        listing, _, identity = path.partition("/")
        if path.startswith("datasets/doi/"):
            return self._file("dataset-by-doi.json")
        if listing in ("datasets", "models", "collections") and "/" not in identity:
            return self._entry(f"{listing}.json", identity)
        if listing == "archive":
            return self._exchange_of(f"/mlhub/v1/{path}")
        return None

    def _entry(self, name: str, identity: str) -> Answer | None:
        entries = json.loads(self._bytes(name))
        entries = entries["collections"] if isinstance(entries, dict) else entries
        found = next((entry for entry in entries if entry["id"] == identity), None)
        return None if found is None else as_json(found)

    def _items(self, asked: Request) -> Answer:
        if asked.query.get("key") != [KEY]:
            return self._exchange_of("/mlhub/v1/collections/bigearthnet_v1_source/items") or Answer(500)
        token = asked.query.get("token", [""])[0]
        for number in range(1, 7):
            name = f"items/{KENYA}/page-{number}.json"
            page = json.loads(self._bytes(name))
            if not token or self._follows(token, number):
                return as_json(page)
        return Answer(404)

    def _follows(self, token: str, number: int) -> bool:
        """Whether the page is the one the link with this token was recorded to lead to."""
        if number == 1:
            return False
        before = json.loads(self._bytes(f"items/{KENYA}/page-{number - 1}.json"))
        return any(
            token in link["href"].replace("%3A", ":") for link in before["links"] if link["rel"] == "next"
        )

    def _exchange(self, asked: Request, status: int | None) -> Answer:
        found = self._exchange_of(asked.path)
        return found or as_json({"detail": "Not Found"}, status or 404)

    def _exchange_of(self, path: str) -> Answer | None:
        for exchange in self._exchanges:
            if exchange["request"]["path"] == path:
                return self._played(exchange["response"])
        return None

    def _played(self, response: dict[str, Any]) -> Answer:
        headers = {k: self._moved(v) for k, v in response["headers"].items() if k != "Date"}
        return Answer(response["status"], self._moved(response["body"] or "").encode(), headers)

    def _blobs(self, asked: Request) -> Answer:
        body = (self._recorded / "archives" / asked.path.rsplit("/", 1)[1]).read_bytes()
        for exchange in self._exchanges:
            request, response = exchange["request"], exchange["response"]
            if request["path"] == asked.path and request["method"] == asked.method:
                return Answer(response["status"], body, response["headers"])
        return Answer(404)

    def _file(self, name: str) -> Answer:
        return Answer(200, self._bytes(name), {"Content-Type": "application/json"})

    def _bytes(self, name: str) -> bytes:
        if name not in self._read:
            self._read[name] = self._moved((self._recorded / name).read_text()).encode()
        return self._read[name]

    def _moved(self, text: str) -> str:
        return text.replace(API, self.api.url).replace(BLOBS, self.store.url)
