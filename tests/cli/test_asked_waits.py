"""Commands over servers that ask to wait in the middle of a listing: it is waited as told, and shown."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import pytest

from mlhub_tui.errors import ServerError
from mlhub_tui.http.errors import BeingPrepared
from mlhub_tui.http.pagination import PageRequest
from mlhub_tui.http.session import Session
from tests.cli.conftest import Run
from tests.http.patience import Patience
from tests.support.http_server import Answer, LoopbackServer, Request, as_json
from tests.support.paged_api import PagedAPI, items

LIST = ("list", "items", "c", "--page-size", "100", "--json")


class Limited(PagedAPI):
    """Asks to wait so many times before the second page, and notes when it was asked again."""

    def __init__(self, status: int, seconds: str, times: int = 1) -> None:
        super().__init__(self._limit, items(300, assets={"a": {"href": "https://data.example/a.tif"}}))
        self.refusal = Answer(status, b"", {"Retry-After": seconds})
        self.times = times
        self.refused: dict[int, list[float]] = {}

    def _limit(self, _: Request, limit: int, start: int) -> Answer | None:
        asked = self.refused.setdefault(start, [])
        asked.append(time.monotonic())
        return self.refusal if len(self.refused) == 2 and len(asked) <= self.times else None


@pytest.mark.slow
@pytest.mark.parametrize("status", [429, 503])
def test_a_listing_waits_as_told_and_says_so(run: Run, status: int) -> None:
    with Limited(status, "1", times=3) as server:
        result = run("--source", server.location, *LIST)
    assert result.exit_code == 0, result.output
    assert len(json.loads(result.stdout)) == 300
    assert f"waiting 1 s, as 127.0.0.1 asks ({status})" in result.stderr
    first, *_, last = server.refused[100]
    assert last - first >= 3.0  # no sooner than it was told, each time


@pytest.mark.slow
def test_searches_and_plans_wait_too(run: Run, tmp_path: Path) -> None:
    plan = ("download", "dataset", "c", "--dry-run", "--output-dir", str(tmp_path))
    for command in (("search", "-c", "c", "--csv"), plan):
        with Limited(429, "1") as server:
            result = run("--source", server.location, *command, code=0)
            assert "waiting 1 s, as 127.0.0.1 asks (429)" in result.stderr


@pytest.mark.parametrize(("status", "words"), [(429, r"too many requests \(429\)"), (202, "being prepared")])
def test_a_wait_beyond_patience_is_an_error_at_once(run: Run, status: int, words: str) -> None:
    with Limited(status, "86400") as server:
        result = run("--source", server.location, *LIST)
    assert result.exit_code == 1
    assert re.search(words + r".*; it asks to wait 1 d, until 20\d\d-", result.stderr)
    assert "retry then" in result.stderr
    assert "broke off after 100 items" in result.stderr
    assert [len(asked) for asked in server.refused.values()] == [1, 1]


async def test_nobody_waits_long_where_nobody_is_told() -> None:
    patience, told = Patience(), list[str]()
    refused = as_json({}, 429, **{"Retry-After": "60"})
    answers = [refused, as_json([]), refused, as_json([])]
    with LoopbackServer(lambda _: answers.pop(0) if answers else Answer(500)) as server:
        async with Session(root_url=server.root, retry=patience.policy()) as session:
            with pytest.raises(ServerError):
                await session.get_json("datasets")
            await session.get_json("datasets")
            session.on_wait = told.append
            assert await session.get_json("datasets") == []
    assert patience.waits == [60.0]
    assert len(told) == 1


@pytest.mark.parametrize(
    ("after", "waits"), [("0", None), ("Wed, 21 Oct 2015 07:28:00 GMT", None), ("6", [6, 6, 6, 6, 6, 8, 16])]
)
async def test_a_server_that_asks_again_and_again_is_asked_less_often(
    after: str, waits: list[float] | None
) -> None:
    patience = Patience()
    with LoopbackServer(lambda _: Answer(429, b"", {"Retry-After": after})) as server:
        async with Session(root_url=server.root, retry=patience.policy()) as session:
            session.on_wait = lambda _: None
            with pytest.raises(ServerError):
                await session.get_json("datasets")
    if waits is None:
        assert len(patience.waits) == 2, "a moment in the past is no wish to wait"
    else:
        assert patience.waits[: len(waits)] == waits
        assert sum(patience.waits) <= 1860
        assert len(patience.waits) < 50


@pytest.mark.parametrize("after", ["9", None])
async def test_an_answer_that_is_being_prepared_is_asked_for_again(after: str | None) -> None:
    patience = Patience()
    answers = [as_json({"status": "running"}, 202, **({"Retry-After": after} if after else {})), as_json([])]
    with LoopbackServer(lambda _: answers.pop(0)) as server:
        async with Session(root_url=server.root, retry=patience.policy()) as session:
            session.on_wait = lambda _: None
            assert await session.get_json("datasets") == []
    assert patience.waits == [9] if after else len(patience.waits) == 1


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_listing_that_stays_in_preparation_is_called_that_and_one_with_a_status_of_202_is_read(
    method: str,
) -> None:
    patience, answer = Patience(), as_json({"status": "accepted", "jobID": "7"}, 202)
    step = PageRequest("search", method, body={} if method == "POST" else None)
    with LoopbackServer(lambda _: answer) as server:
        async with Session(root_url=server.root, retry=patience.policy()) as session:
            with pytest.raises(BeingPrepared, match="is being prepared"):
                await session.fetch_page(step)
            assert len(patience.waits) == len(server.requests) - 1 >= 1
            answer = as_json({"type": "FeatureCollection", "features": []}, 202)
            assert (await session.fetch_page(step)).answer["features"] == []
