"""What a source listed last time is shown at once, with its age, until it answers."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from contextlib import closing
from pathlib import Path
from typing import Any, cast

import pytest

from mlhub_tui.http.cache import MOST, DocumentCache, LastListing
from mlhub_tui.models import Dataset, Entry, EntryKind
from mlhub_tui.options import AppOptions
from mlhub_tui.sample.server import SampleServer
from mlhub_tui.sources.base import Page, Source
from mlhub_tui.ui.app import MLHubApp
from mlhub_tui.ui.catalog import tree_filter
from mlhub_tui.ui.screens.browse import BrowseScreen
from mlhub_tui.ui.source_connection import Connection, last_listing

from .conftest import Driver, driven

NOW = 1_700_000_000.0


def listing(source: str = "https://a.example/", reader: str = "", now: float = NOW) -> LastListing:
    return LastListing(source, reader, clock=lambda: now)


def test_what_was_listed_is_found_again_with_its_age(mlhub_home: Path) -> None:
    dataset = Entry.of(Dataset({"id": "d", "title": "D", "collections": [{"id": "c", "types": ["labels"]}]}))
    collection = Entry(EntryKind.COLLECTION, "c", "C")
    assert listing().load() == ([], 0.0)
    assert not mlhub_home.exists()
    listing().save([dataset, collection])
    entries, age = listing(now=NOW + 7200).load()
    assert entries == [dataset, collection]
    assert isinstance(entries[0].document, Dataset)
    assert entries[0].document.raw == dataset.document.raw if dataset.document else False
    assert age == 7200


def test_another_source_and_another_reader_have_their_own() -> None:
    listing().save([Entry(EntryKind.COLLECTION, "c")])
    assert listing("https://b.example/").load() == ([], 0.0)
    assert listing(reader="team").load() == ([], 0.0)


def test_what_is_saved_first_while_others_look_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for turn in range(40):
        monkeypatch.setenv("MLHUB_HOME", str(tmp_path / str(turn)))
        saved = threading.Event()

        def look(saved: threading.Event = saved) -> None:
            while not saved.is_set():
                listing("https://b.example/").load()

        readers = [threading.Thread(target=look) for _ in range(2)]
        for reader in readers:
            reader.start()
        listing().save([Entry(EntryKind.COLLECTION, "c")])
        saved.set()
        for reader in readers:
            reader.join()
        assert [entry.id for entry in listing().load()[0]] == ["c"], turn


def test_it_is_bounded_and_goes_with_the_cache() -> None:
    listing().save([Entry(EntryKind.COLLECTION, f"c{n}") for n in range(MOST * 2)])
    assert len(listing().load()[0]) == MOST
    with closing(DocumentCache()) as cache:
        cache.clear()
    assert listing().load()[0] == []


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[1, null, {}]", b'[{"kind": "dataset", "raw": 3}]', b"[" * 9999]
)
def test_what_is_damaged_is_left_out(content: bytes) -> None:
    last = listing()
    last.save([Entry(EntryKind.COLLECTION, "c")])
    with closing(sqlite3.connect(DocumentCache().path)) as db, db:
        assert db.execute("UPDATE documents SET body = ?", (content,)).rowcount == 1
    assert last.load()[0] == []


def listing_of(driver: Driver) -> LastListing:
    connection = driver.app.connection
    last = last_listing(connection) if connection is not None else None
    assert last is not None
    return last


@pytest.mark.slow
async def test_a_source_that_is_away_shows_what_it_listed_last(tmp_path: Path) -> None:
    with SampleServer() as server:
        options = AppOptions(api_key=server.key, root_url=server.root_url, output_dir=tmp_path)
        async with driven(options, then="BigEarthNet") as driver:
            await driver.until(lambda: listing_of(driver).load()[0])
        async with driven(options, then="Datasets  45") as driver:
            await driver.until(lambda: "as of" not in driver.screen().splitlines()[1])
            await driver.press("j", "j", then=lambda: driver.screen().count("BigEarthNet") == 1)
    async with driven(options, (100, 60), then=("45, as of ", "try again (r)", "BigEarthNet")) as driver:
        await driver.press("r")
        await driver.over()
        await driver.until("try again (r)", "45, as of ")
        await driver.press("j", "l", then="▾ A crop type")


@pytest.mark.slow
@pytest.mark.parametrize("looks_between_keys", [False, True])
async def test_the_cursor_stays_on_what_was_found_when_the_source_answers(
    looks_between_keys: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = asyncio.Event()

    class Late:
        """Answers like a source, once the gate is open."""

        def __init__(self, source: Source) -> None:
            self.source = source

        def __getattr__(self, name: str) -> Any:
            return getattr(self.source, name)

        async def entries(self, *asked: Any, **more: Any) -> Page[Entry]:
            await gate.wait()
            return await self.source.entries(*asked, **more)

    class LateApp(MLHubApp):
        def connect(self, open_it: Any, credentials: Any = None) -> Any:
            async def late() -> Connection:
                connection = await open_it()
                return Connection(connection.credentials, cast("Source", Late(connection.source)))

            return super().connect(late, credentials)

    with SampleServer() as server:
        options = AppOptions(api_key=server.key, root_url=server.root_url, output_dir=tmp_path)
        async with driven(options, then="BigEarthNet") as driver:
            await driver.until(lambda: listing_of(driver).load()[0])
        if looks_between_keys:
            monkeypatch.setattr(tree_filter, "AT_ONCE", -1.0)
        async with driven(options, kind=LateApp, then=("45, as of ", "BigEarthNet")) as driver:
            await driver.press("slash")
            await driver.type("kenya_02_lab")
            await driver.press("enter")
            screen = driver.app.screen
            assert isinstance(screen, BrowseScreen)
            tree = screen.tree_view
            found = "ref_african_crops_kenya_02_labels"
            await driver.until(lambda: tree.subject is not None and tree.subject.entry.id == found)
            before = tree.current
            gate.set()
            await driver.until(
                lambda: not tree.tree_model.top.cached_age and not tree.is_looking,
                lambda: tree.current is not before,  # the row is that of the answer
                lambda: tree.subject is not None and tree.subject.entry.id == found,
                "1 of 45",
            )
            await driver.press("k", then=lambda: tree.subject is None or tree.subject.entry.id != found)
