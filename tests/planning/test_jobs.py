"""Jobs of many files: what is done stays done, failures are told and tried again, one URL is fetched once."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mlhub_tui.errors import ServerError
from mlhub_tui.options import IfExists
from mlhub_tui.planning.manifest import FileStatus, Manifest
from mlhub_tui.planning.manifest_queue import ManifestQueue
from mlhub_tui.planning.report import write_report
from mlhub_tui.planning.selection import PlannedFile
from mlhub_tui.transfer.batch import BatchDownload
from mlhub_tui.transfer.work_source import FileResult
from tests.support.fault_server import FaultServer
from tests.support.http_server import Answer
from tests.transfer.batch_support import CONFIG, always, kit, origin, shelf, there

from ..queue.support import HASTY


def planned(path: str, href: str, size: int | None = None, checksum: str = "") -> PlannedFile:
    item = path.split("/")[1] if path.count("/") > 1 else None
    return PlannedFile(path, href, size, checksum, False, "fields", item, Path(path).stem)


def planned_of(server: FaultServer, contents: dict[str, bytes]) -> list[PlannedFile]:
    return [planned(f"fields{p.removeprefix('/store')}", f"{origin(server)}{p}") for p in contents]


def stored(contents: dict[str, bytes]) -> dict[str, bytes]:
    return {f"fields{path.removeprefix('/store')}": data for path, data in contents.items()}


@pytest.fixture
def worklist(tmp_path: Path) -> Iterator[Manifest]:
    with Manifest(tmp_path / "job.db") as made:
        yield made


def run(worklist: Manifest, folder: Path, *, if_exists: IfExists = IfExists.RESUME) -> ManifestQueue:
    """Run a job to its end."""
    feed = ManifestQueue(worklist, folder, if_exists=if_exists)
    feed.verify()
    BatchDownload(feed, folder, replace(kit(folder.parent), retries=HASTY).context, config=CONFIG).run()
    return feed


def gets(server: FaultServer) -> int:
    return sum(request.method == "GET" for request in server.requests)


def test_a_job_is_done_once_and_verified_the_second_time(worklist: Manifest, tmp_path: Path) -> None:
    contents, out = shelf(40), tmp_path / "out"
    with FaultServer() as server:
        server.by_target = contents
        files = planned_of(server, contents)
        worklist.want(files)
        run(worklist, out)
        assert there(out) == stored(contents)
        standing = worklist.stats()
        assert (standing.done, standing.bytes_done) == (40, sum(map(len, contents.values())))
        assert standing.bytes_total == standing.bytes_done
        server.requests.clear()
        (out / files[3].path).unlink()
        (out / files[4].path).write_bytes(b"short")
        assert worklist.want(files).done == 40
        run(worklist, out, if_exists=IfExists.OVERWRITE)
        assert there(out) == stored(contents)
        assert gets(server) == 2


def test_other_filters_add_and_leave_what_is_there(worklist: Manifest, tmp_path: Path) -> None:
    contents, out = shelf(20), tmp_path / "out"
    with FaultServer() as server:
        server.by_target = contents
        files = planned_of(server, contents)
        worklist.want(files[:8])
        run(worklist, out)
        assert (worklist.want(files[5:12]).files, worklist.stats().wanted) == (7, 4)
        run(worklist, out)
        assert gets(server) == 12
        assert len(there(out)) == 12


def test_failures_are_reported_and_only_they_are_tried_again(worklist: Manifest, tmp_path: Path) -> None:
    contents, out = shelf(12), tmp_path / "out"
    paths = list(contents)
    with FaultServer() as server:
        server.by_target = contents
        files = planned_of(server, contents)
        files[2] = files[2]._replace(href=f"{files[2].href}?key=secret-key-of-mine&x=1")
        files.append(planned("fields/i/nothing.tif", "ftp://a.example/x.tif"))
        server.plan = always(f"{paths[2]}?key=secret-key-of-mine&x=1", Answer(404))
        worklist.want(files)
        run(worklist, out)
        standing = worklist.stats()
        assert (standing.done, standing.failed, standing.wanted) == (11, 2, 0)
        out.mkdir(exist_ok=True)
        (out / ".err_report.csv.killed").write_text("of a program that was killed")
        assert write_report(worklist, out, "crops") == 2
        assert [path.name for path in out.iterdir() if path.is_file()] == ["err_report.csv"]
        assert (out / "err_report.csv").stat().st_mode & 0o777 == 0o644, "others may read it"
        text = (out / "err_report.csv").read_text()
        rows = list(csv.reader(text.splitlines()))
        named = [["crops", "fields", "2", "f0002"], ["crops", "fields", "i", "nothing"]]
        assert [row[1:5] for row in rows] == named
        assert all(row[0] for row in rows)
        assert "secret-key" not in text
        assert [entry.file.key for entry in worklist.entries(FileStatus.FAILED)] == ["f0002", "nothing"]
        server.plan = None
        server.by_target = {**contents, f"{paths[2]}?key=secret-key-of-mine&x=1": contents[paths[2]]}
        server.requests.clear()
        assert worklist.want_again() == 2
        run(worklist, out)
        assert gets(server) == 1
        assert worklist.stats().failed == 1
        assert write_report(worklist, out, "crops") == 1


def test_one_url_is_fetched_once_however_many_items_name_it(worklist: Manifest, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with FaultServer() as server:
        server.by_target = {"/store/shared.tif": b"shared" * 500}
        href = f"{origin(server)}/store/shared.tif"
        files = [planned(f"fields/i{number}/shared.tif", href) for number in range(30)]
        worklist.want(files)
        run(worklist, out)
        assert gets(server) == 1
        assert there(out) == {file.path: b"shared" * 500 for file in files}
        assert worklist.stats().done == 30
        worklist.want([*files, planned("fields/late/shared.tif", href)])
        run(worklist, out)
        assert gets(server) == 1
        assert (out / "fields/late/shared.tif").read_bytes() == b"shared" * 500


def test_those_who_share_a_url_fail_together(worklist: Manifest, tmp_path: Path) -> None:
    with FaultServer() as server:
        server.always = Answer(404)
        href = f"{origin(server)}/store/shared.tif"
        worklist.want(planned(f"fields/i{number}/x.tif", href) for number in range(5))
        run(worklist, tmp_path / "out")
    assert worklist.stats().failed == 5
    assert len({entry.error for entry in worklist.all_entries(FileStatus.FAILED)}) == 1


def test_a_twin_leaves_another_file_alone(worklist: Manifest, tmp_path: Path) -> None:
    out = tmp_path / "out"
    (out / "fields/i1").mkdir(parents=True)
    (out / "fields/i1/x.tif").write_bytes(b"mine")
    with FaultServer() as server:
        server.by_target = {"/store/x.tif": b"theirs" * 9}
        worklist.want(
            planned(f"fields/i{number}/x.tif", f"{origin(server)}/store/x.tif") for number in range(2)
        )
        run(worklist, out)
        assert (out / "fields/i1/x.tif").read_bytes() == b"mine"
        assert [entry.error for entry in worklist.all_entries(FileStatus.FAILED)] == [
            "another file x.tif is there"
        ]
        worklist.want_again()
        run(worklist, out, if_exists=IfExists.OVERWRITE)
        assert (out / "fields/i1/x.tif").read_bytes() == b"theirs" * 9


def test_a_changed_url_or_checksum_is_looked_at_again(worklist: Manifest, tmp_path: Path) -> None:
    worklist.want(
        [planned("fields/a/x.tif", "https://a.example/1"), planned("fields/b/x.tif", "https://a.example/2")]
    )
    target = tmp_path / "fields/a/x.tif"
    target.parent.mkdir(parents=True)
    target.write_bytes(b"12345")
    feed = ManifestQueue(worklist, tmp_path)
    wishes = {wish.path: wish.key for wish in feed.take(10)}
    feed.settle([FileResult(wishes["fields/a/x.tif"], 5)])
    feed.settle([FileResult(wishes["fields/b/x.tif"], error=ServerError("down\nfor long"))])
    assert [entry.error for entry in worklist.all_entries(FileStatus.FAILED)] == ["down for long"]
    same = planned("fields/a/x.tif", "https://a.example/1")
    assert worklist.want([same]).done == 1
    assert worklist.want([same._replace(checksum="1220aa")]).wanted == 1


def test_wishes_that_cannot_be_read_to_their_end_change_nothing(worklist: Manifest) -> None:
    first = planned("fields/a/x.tif", "https://a.example/1")
    worklist.want([first])

    def broken() -> Iterator[PlannedFile]:
        yield planned("trees/b/y.tif", "https://a.example/2")._replace(collection="trees", key="y")
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        worklist.want(broken())
    assert [entry.file for entry in worklist.entries()] == [first]
    again = planned("trees/b/y.tif", "https://a.example/2")._replace(collection="trees", key="y")
    worklist.want([again])
    assert [entry.file for entry in worklist.entries()] == [again]


def test_a_damaged_work_list_is_begun_anew(tmp_path: Path) -> None:
    (tmp_path / "job.db").write_bytes(b"SQLite format 3\x00" + b"\xff" * 4000)
    with Manifest(tmp_path / "job.db") as worklist:
        assert worklist.want([planned("fields/x.csv", "https://a.example/x.csv")]).wanted == 1


PROGRAM = """
import sys
from pathlib import Path
from mlhub_tui.transfer.batch import BatchDownload
from mlhub_tui.planning.manifest_queue import ManifestQueue
from mlhub_tui.planning.manifest import Manifest
from tests.transfer.batch_support import CONFIG, kit
from tests.queue.support import HASTY
home = Path(sys.argv[1])
print("ready", flush=True)
with Manifest(home / "job.db") as worklist:
    feed = ManifestQueue(worklist, home / "out")
    feed.verify()
    BatchDownload(feed, home / "out", kit(home).context, config=CONFIG).run()
"""


@pytest.mark.slow
def test_kills_at_any_moment_change_nothing_in_the_end(tmp_path: Path) -> None:
    contents = shelf(300, 900)
    shared = {f"fields/shared/{n}.tif": next(iter(contents.values())) for n in range(5)}
    with FaultServer() as server:
        server.by_target = contents
        href = f"{origin(server)}{next(iter(contents))}"
        with Manifest(tmp_path / "job.db") as worklist:
            worklist.want([*planned_of(server, contents), *(planned(path, href) for path in shared)])
        for after in (0.03, 0.1, 0.2):
            command = [sys.executable, "-c", PROGRAM, str(tmp_path)]
            with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]) as process:
                assert process.stdout is not None
                process.stdout.readline()
                time.sleep(after)
                os.kill(process.pid, signal.SIGKILL)
        with Manifest(tmp_path / "job.db") as worklist:
            run(worklist, tmp_path / "out")
            assert worklist.stats().done == 305
    assert there(tmp_path / "out") == {**stored(contents), **shared}
