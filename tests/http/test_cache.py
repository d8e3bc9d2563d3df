"""The cache of documents keeps within its size, survives damage and company, and is its owner's alone."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlhub_tui.http.cache import LONGEST, CachedResponse, DocumentCache, fresh_for


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        self.now += 1
        return self.now


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[DocumentCache]:
    made = DocumentCache(tmp_path / "cache", clock=Clock())
    yield made
    made.close()


def kept(size: int = 100) -> CachedResponse:
    return CachedResponse(os.urandom(size), "https://h/x.json", "application/json", '"e"', "then", 5.0, 6.0)


def test_what_is_put_comes_back(cache: DocumentCache) -> None:
    assert cache.get("a") is None
    assert not cache.path.exists()
    for size in (0, 100, 100_000):
        document = kept(size)
        cache.put("a", document)
        assert cache.get("a") == document
    cache.put("a", None)
    assert cache.get("a") is None


def test_only_its_owner_can_read_it(cache: DocumentCache) -> None:
    cache.put("a", kept())
    folder = cache.path.parent
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


def test_what_was_not_used_for_longest_goes_first(tmp_path: Path) -> None:
    clock = Clock()
    cache = DocumentCache(tmp_path / "cache", max_bytes=100_000, clock=clock)
    for n in range(9):
        cache.put(str(n), kept(10_000))
    clock.now += 4000
    assert cache.get("0") is not None
    for n in range(9, 14):
        cache.put(str(n), kept(10_000))
    number, size = cache.size()
    assert size <= 100_000
    assert number >= 8
    assert cache.get("0") is not None
    assert cache.get("1") is None
    assert cache.get("13") is not None
    cache.put("huge", kept(40_000))
    assert cache.get("huge") is None
    cache.close()


def test_clearing_leaves_nothing_and_tells_how_much_that_was(cache: DocumentCache) -> None:
    assert cache.clear() == 0
    for n in range(50):
        cache.put(str(n), kept(10_000))
    _, size = cache.size()
    assert cache.clear() == size > 500_000
    cache.put("b", kept(600))
    other = DocumentCache(cache.path.parent)  # of a program that has not read anything yet
    assert other.clear() > 0
    other.close()
    assert cache.get("b") is None
    assert cache.size() == (0, 0)
    cache.close()
    assert cache.path.stat().st_size < 100_000


@pytest.mark.parametrize("damage", [b"", b"no database at all" * 100, b"SQLite format 3\0" + bytes(5000)])
def test_a_damaged_cache_is_begun_anew(cache: DocumentCache, damage: bytes) -> None:
    cache.put("a", kept())
    cache.close()
    cache.path.write_bytes(damage)
    assert cache.get("a") is None
    cache.put("b", kept())
    cache.put("b", kept())
    assert cache.get("b") is not None


def test_damage_inside_is_an_empty_place(cache: DocumentCache) -> None:
    cache.put("a", kept(5000))
    cache.close()
    with sqlite3.connect(cache.path) as db:
        db.execute("UPDATE documents SET body = x'00'")
    db.close()
    assert cache.get("a") is None


def test_a_folder_that_cannot_be_written_keeps_nothing(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file is in the way")
    cache = DocumentCache(tmp_path / "cache")
    cache.put("a", kept())
    assert cache.get("a") is None
    assert cache.size() == (0, 0)


@pytest.mark.slow
def test_a_locked_cache_does_not_fail(cache: DocumentCache) -> None:
    cache.put("a", kept())
    other = sqlite3.connect(cache.path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    cache.put("b", kept())
    assert cache.get("a") is not None
    other.execute("ROLLBACK")
    other.close()
    cache.put("b", kept())
    assert cache.get("b") is not None


def test_threads_and_programs_share_it(cache: DocumentCache) -> None:
    script = (
        "import sys; from pathlib import Path; from mlhub_tui.http.cache import DocumentCache;"
        "from mlhub_tui.http.cache import CachedResponse; c = DocumentCache(Path(sys.argv[1]));"
        "[c.put(f'{sys.argv[2]}-{n}', CachedResponse(b'{}' * 500)) for n in range(100)]"
    )
    programs = [
        subprocess.Popen([sys.executable, "-c", script, str(cache.path.parent), name]) for name in ("x", "y")
    ]

    def fill(name: str) -> None:
        for n in range(100):
            cache.put(f"{name}-{n}", kept())

    threads = [threading.Thread(target=fill, args=(name,)) for name in ("t", "u")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [program.wait(60) for program in programs] == [0, 0]
    assert cache.size()[0] == 400


NOW = 1_700_000_000.0
DATE = "Tue, 14 Nov 2023 22:13:20 GMT"
HOUR_LATER = "Tue, 14 Nov 2023 23:13:20 GMT"
DAY_BEFORE = "Mon, 13 Nov 2023 22:13:20 GMT"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 0.0),
        ({"cache-control": "no-store, max-age=60"}, None),
        ({"cache-control": "no-cache, max-age=60"}, 0.0),
        ({"cache-control": 'private, MAX-AGE="60"'}, 60.0),
        ({"cache-control": "max-age=60", "age": "45"}, 15.0),
        ({"cache-control": "max-age=60", "age": "100"}, 0.0),
        ({"cache-control": "max-age=60", "expires": DAY_BEFORE}, 60.0),
        ({"cache-control": "max-age=soon"}, 0.0),
        ({"cache-control": "max-age=99999999999999999999"}, LONGEST),
        ({"date": DATE, "expires": HOUR_LATER}, 3600.0),
        ({"date": DATE, "expires": "0", "last-modified": DAY_BEFORE}, 0.0),
        ({"date": DATE, "last-modified": DAY_BEFORE}, 3600.0),
        ({"date": DATE, "last-modified": "Tue, 14 Nov 2023 22:03:20 GMT"}, 60.0),
        ({"date": DATE, "last-modified": HOUR_LATER}, 0.0),
        ({"cache-control": "max-age=60", "vary": "*"}, 0.0),
    ],
)
def test_an_answer_is_fresh_for_as_long_as_its_headers_say(
    headers: dict[str, str], seconds: float | None
) -> None:
    assert fresh_for(headers, NOW) == seconds


@given(
    st.dictionaries(st.sampled_from(["cache-control", "expires", "date", "age", "last-modified"]), st.text())
)
def test_no_header_breaks_it(headers: dict[str, str]) -> None:
    seconds = fresh_for(headers, NOW)
    assert seconds is None or 0 <= seconds <= LONGEST
