"""`kill -9` at any moment: nothing is mixed, next to nothing is fetched twice, and it ends whole."""

from __future__ import annotations

import os
import random
import sqlite3
import time
from pathlib import Path

import pytest

from mlhub_tui.queue.job import Job, JobState
from mlhub_tui.queue.part_repository import extents_from_text
from mlhub_tui.queue.service import QueueService
from mlhub_tui.transfer.part_file import Extents, merge
from tests.support.fault_server import FaultServer
from tests.support.http_server import Answer

from .nest import Nest, end
from .support import HASTY, QUICK, WIDE, Links, content, files

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and signals")

DATA = content(3 << 20)
PLACES = 3  # homes with a program each, side by side
ROUNDS = 9
KILLS = PLACES * ROUNDS
"""In each of the two tests, so that there are more than fifty."""
SOME = 0.8  # of the kills come when bytes do, the others at once
PACES = (0.0, 0.01, 0.03)
"""Seconds between pieces: with none, a kill hits verification and the rename too."""


class Place:
    """A home whose program is killed again and again; when its file is whole, it fetches another one."""

    def __init__(self, root: Path, letter: str) -> None:
        self.home, self.folder = root / f"home-{letter}", root / f"out-{letter}"
        self.count = self.halves = 0

    @property
    def name(self) -> str:
        return f"file{self.count}"

    def look(self) -> None:
        """Check what a kill left: a whole file, or a part of which no more is recorded than there is."""
        there = files(self.folder)
        for name, size in there.items():
            assert size == len(DATA) or name.endswith(".part")
        if f"{self.name}.tar.gz" in there:
            assert (self.folder / f"{self.name}.tar.gz").read_bytes() == DATA
            self.count += 1
        elif (part := self.folder / f"{self.name}.tar.gz.part").exists():
            data = part.read_bytes()
            for start, stop in self.recorded():
                assert data[start:stop] == DATA[start:stop]
                self.halves += 1

    def recorded(self) -> Extents:
        """Return what the journal says is safely in the part."""
        with sqlite3.connect(self.home / "queue.db") as connection:
            sql = "SELECT synced, extents FROM parts WHERE path LIKE ?"
            rows = connection.execute(sql, (f"%{self.name}.tar.gz.part",)).fetchall()
        return merge(pair for synced, more in rows for pair in [(0, synced), *extents_from_text(more)])

    def finish(self, url: str, *, wide: bool) -> tuple[Job, ...]:
        """Let a program go on with what is there until all is at rest."""
        queue = QueueService(
            self.home / "queue.db", Links(url), retries=HASTY, config=WIDE if wide else QUICK
        )
        queue.start()
        deadline = time.monotonic() + 300
        while not queue.snapshot() or not all(job.state.finished for job in queue.snapshot()):
            assert time.monotonic() < deadline, queue.snapshot()
            time.sleep(0.01)
        assert not queue.notice
        queue.stop(300)
        return queue.snapshot()


def moment(server: FaultServer, sent: float, patience: float = 2.0) -> None:
    """Wait until a server has sent so many bytes, but not for long: the programs may have nothing to do."""
    deadline = time.monotonic() + patience
    while server.sent < sent and time.monotonic() < deadline:
        time.sleep(0.001)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("wide", [False, True], ids=["one connection", "many"])
def test_killed_at_random_moments_every_file_ends_whole(tmp_path: Path, wide: bool) -> None:
    chance = random.Random(7)
    places = [Place(tmp_path, letter) for letter in "abc"]
    options = ["--wide"] if wide else []
    with FaultServer(DATA) as server, Nest() as nest:
        for _ in range(ROUNDS):
            server.always = Answer(pace=chance.choice(PACES))
            victims = [
                nest.hatch(str(place.home), server.url, str(place.folder), *options, place.name)
                for place in places
            ]
            chance.shuffle(victims)
            for victim in victims:
                if chance.random() < SOME:
                    moment(server, server.sent + chance.uniform(0.0, 0.6) * len(DATA))
                time.sleep(chance.uniform(0.0, 0.02))
                end(victim)
            for place in places:
                if (place.home / "queue.db").exists():
                    place.look()
        assert any(place.halves for place in places)
        server.always = Answer()
        for place in places:
            end(nest.hatch(str(place.home), server.url, str(place.folder), *options, place.name), 0)
            assert {job.state for job in place.finish(server.url, wide=wide)} == {JobState.DONE}
            assert set(files(place.folder).values()) == {len(DATA)}
            assert all(path.read_bytes() == DATA for path in place.folder.iterdir())
        # Each kill repeats what was not flushed yet, what was on its way over up to eight connections,
        # and what a resume compares: half of a file as small as this.
        wasted = server.sent - sum(len(files(place.folder)) for place in places) * len(DATA)
        assert wasted <= KILLS * len(DATA) / 2
