"""Plays recorded answers of STAC services on loopback, under the paths they were recorded at."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.support.http_server import Answer, LoopbackServer, Request, as_json


class STACReplay(LoopbackServer):
    """One recorded host; its own host in the bodies is replaced by this server's.

    A GET is answered by path and query, else by path alone; a POST by path and the fields of its body.
    """

    def __init__(self, recorded: Path, host: str) -> None:
        super().__init__(self._answer)
        self._host = host
        self._recorded = recorded
        index = json.loads((recorded / "index.json").read_bytes())
        self._exchanges = [entry for entry in index if urlsplit(entry["url"]).netloc == host]

    def _answer(self, asked: Request) -> Answer:
        found = [entry for entry in self._exchanges if self._matches(entry, asked)]
        exact = [entry for entry in found if _query(entry["url"]) == _query(asked.target)]
        for entry in exact or found:
            text = (self._recorded / entry["file"]).read_text()
            moved = text.replace(f"https://{self._host}", self.url)
            return Answer(entry["status"], moved.encode(), {"Content-Type": "application/json"})
        return as_json({"code": "NotFound", "description": "not recorded"}, 404)

    def _matches(self, entry: dict[str, Any], asked: Request) -> bool:
        path = urlsplit(entry["url"]).path.rstrip("/")
        if entry["method"] != asked.method or path != asked.path.rstrip("/"):
            return False
        return asked.method == "GET" or entry["body"] == asked.body


def _query(url: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(url).query))
