"""Blocking calls from threads, running loops and forked programs; downloads that are reported and stopped."""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mlhub_tui.errors import DownloadError, MLHubException
from mlhub_tui.sample.server import SampleServer
from mlhub_tui.sync import Collection, Dataset, MLModel, client, get_session
from mlhub_tui.sync.exceptions import AuthenticationError, EntityDoesNotExist, HTTPError
from mlhub_tui.sync.session import Session
from tests.support.http_server import Answer, LoopbackServer, Request
from tests.support.waiting import until_sync

LABELS = "umd_mali_crop_type_labels"
SMALLEST = "idiv_asia_crop_type_labels"


@pytest.fixture
def slow(deployment: SampleServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[SampleServer]:
    """Yield a sample catalog that sends 40,000 bytes a second, as the API of the environment."""
    with SampleServer(rate=40_000) as server:
        monkeypatch.setenv("MLHUB_ROOT_URL", server.root_url)
        monkeypatch.setenv("MLHUB_API_KEY", server.key)
        yield server


@pytest.mark.usefixtures("keyed")
async def test_a_call_works_while_a_loop_runs_in_the_thread() -> None:
    assert Collection.fetch(LABELS).id == LABELS


@pytest.mark.usefixtures("keyed")
def test_threads_call_side_by_side() -> None:
    names = [LABELS, SMALLEST] * 4
    with ThreadPoolExecutor(8) as pool:
        assert [found.id for found in pool.map(Collection.fetch, names)] == names


@pytest.mark.usefixtures("keyed")
def test_a_call_within_the_background_loop_is_refused_instead_of_waiting_for_itself() -> None:
    from mlhub_tui.sync.loop import run

    async def inside() -> None:
        Dataset.list()

    with pytest.raises(RuntimeError, match="never end"):
        run(inside())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_program_has_a_loop_and_connections_of_its_own(keyed: SampleServer, tmp_path: Path) -> None:
    script = (
        "import os, sys\n"
        "from mlhub_tui.sync import Dataset, get_session\n"
        "session = get_session()\n"
        "before = session.get('datasets').status_code\n"
        "pid = os.fork()\n"
        "mine = (session.get('datasets').status_code, len(Dataset.list()))\n"
        "if pid == 0:\n"
        "    os._exit(0 if mine == (200, 45) else 1)\n"
        "sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) or mine != (200, 45) or before != 200)\n"
    )
    # From Python 3.12 on a fork beside threads warns.
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.usefixtures("keyed")
def test_a_generator_left_early_closes_its_session() -> None:
    items = client.list_collection_items("ref_african_crops_kenya_02_source", limit=None)
    assert next(items)["type"] == "Feature"
    del items
    assert len(list(client.list_collection_items(LABELS, limit=None))) == 3


def test_progress_comes_in_the_callers_thread_and_ends_with_all_bytes(
    keyed: SampleServer, tmp_path: Path
) -> None:
    seen: list[tuple[int, int | None, Path, bool]] = []

    def report(done: int, total: int | None, file: Path) -> None:
        seen.append((done, total, file, threading.current_thread() is threading.main_thread()))

    path = Collection.fetch(LABELS).download(tmp_path, progress=report)
    size = path.stat().st_size
    assert seen[-1] == (size, size, path, True)
    assert [done for done, *_ in seen] == sorted(done for done, *_ in seen)
    count = len(seen)
    Dataset.list()
    assert len(seen) == count


def test_an_error_of_the_progress_function_stops_the_download_and_the_next_call_resumes(
    slow: SampleServer, tmp_path: Path
) -> None:
    class Stop(Exception):
        """Raised by the caller."""

    def report(done: int, total: int | None, file: Path) -> None:
        if done:
            raise Stop

    collection = Collection.fetch("ref_african_crops_kenya_02_labels")
    with pytest.raises(Stop):
        collection.download(tmp_path, progress=report)
    (part,) = tmp_path.glob("*.part")
    assert part.stat().st_size > 0
    slow_size = collection.archive_size
    with SampleServer(rate=None) as fast:
        os.environ["MLHUB_ROOT_URL"] = fast.root_url
        path = collection.download(tmp_path)
    assert path.stat().st_size == slow_size
    assert not part.exists()


@pytest.mark.skipif(os.name != "posix", reason="sends SIGINT")
def test_an_interrupt_ends_a_download_at_once_and_leaves_its_part(slow: SampleServer, tmp_path: Path) -> None:
    out = tmp_path / "out"
    script = (
        "import sys\n"
        "from mlhub_tui.sync import Collection\n"
        f"Collection.fetch('ref_african_crops_kenya_02_labels').download({str(out)!r}, progress=print)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-u", "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as program:
        until_sync(lambda: any(part.stat().st_size for part in out.glob("*.part")))
        program.send_signal(signal.SIGINT)
        _, errors = program.communicate(timeout=300)
    assert program.returncode != 0
    assert errors.rstrip().endswith("KeyboardInterrupt")
    assert [path.suffix for path in out.iterdir()] == [".part"]


@pytest.mark.usefixtures("keyed")
def test_a_bar_is_drawn_where_it_is_asked_for_and_nothing_without_a_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    Collection.fetch(SMALLEST).download(tmp_path / "a")
    assert capsys.readouterr().err == ""
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    Collection.fetch(SMALLEST).download(tmp_path / "b", progress=True)
    assert f"{SMALLEST}.tar.gz: 10.8 kB of 10.8 kB" in capsys.readouterr().err


def test_objects_remember_their_key_and_no_text_shows_it(deployment: SampleServer) -> None:
    dataset = Dataset.fetch("umd_mali_crop_type", api_key=deployment.key)
    assert [collection.archive_size for collection in dataset.collections] == [21527, 3953017]
    secret = "a-secret-key-of-somebody-1234"
    collection = Collection.fetch(LABELS, api_key=deployment.key).remember(secret, None)
    session = get_session(api_key=secret)
    texts = [
        repr(collection),
        str(collection),
        repr(collection.session_kwargs),
        repr(session),
        repr(session.params),
    ]
    with pytest.raises(AuthenticationError) as caught:
        collection.fetch_item("umd_mali_crop_type_labels_00000")
    texts += [str(caught.value), repr(caught.value), str(collection.to_dict())]
    assert not any(secret in text for text in texts)


@pytest.mark.usefixtures("keyed")
def test_errors_are_also_what_old_scripts_catch(tmp_path: Path) -> None:
    dataset = Dataset.fetch("umd_mali_crop_type")
    (tmp_path / "file").touch()
    for kind in (OSError, ValueError, MLHubException):
        with pytest.raises(kind):
            dataset.download(tmp_path / "file", catalog_only=True)
    for other in (RuntimeError, EntityDoesNotExist):
        with pytest.raises(other):
            dataset.download(tmp_path, collection_filter={"nosuch": []})
    with pytest.raises(ValueError, match="box"):
        dataset.download(tmp_path, bbox=[1, 2])
    with pytest.raises(OSError) as caught:
        dataset.download(tmp_path / "file", catalog_only=True)
    copied = pickle.loads(pickle.dumps(caught.value))
    assert isinstance(copied, OSError)
    assert isinstance(copied, DownloadError)
    assert str(copied) == str(caught.value)


def test_a_refusal_tells_its_status_and_what_to_do(keyed: SampleServer) -> None:
    with pytest.raises(HTTPError) as caught:
        client.get_collection("nosuch")
    assert caught.value.response is not None
    assert caught.value.response.status_code == caught.value.status == 404
    assert str(caught.value) == f"{caught.value.message} (status 404; {caught.value.hint})"


def test_old_arguments_of_downloads_are_taken_with_a_warning(keyed: SampleServer, tmp_path: Path) -> None:
    (tmp_path / f"{SMALLEST}.tar.gz").write_bytes(b"x" * 20_000)
    with pytest.warns(DeprecationWarning), pytest.raises(FileExistsError):
        client.download_archive(SMALLEST, tmp_path, exist_okay=False)
    with pytest.warns(DeprecationWarning):
        path = client.download_archive(SMALLEST, tmp_path, overwrite=True)
    assert path.stat().st_size == 10775


def test_an_existing_file_is_skipped_without_a_request(
    monkeypatch: pytest.MonkeyPatch, deployment: SampleServer, tmp_path: Path
) -> None:
    monkeypatch.setenv("MLHUB_ROOT_URL", "http://127.0.0.1:9/")
    monkeypatch.setenv("MLHUB_API_KEY", "none")
    (tmp_path / f"{SMALLEST}.tar.gz").touch()
    assert client.download_archive(SMALLEST, tmp_path, if_exists="skip").stat().st_size == 0


class TestSession:
    """What scripts of requests use of a session."""

    def test_methods_bodies_headers_and_parameters_arrive(self, monkeypatch: pytest.MonkeyPatch) -> None:
        asked: list[Request] = []

        def answer(request: Request) -> Answer:
            asked.append(request)
            return Answer(body=b'{"a": 1}')

        with LoopbackServer(answer) as server, Session(api_key="secret-key-1234") as session:
            base = server.url.rstrip("/")
            session.headers["X-All"] = "1"
            assert session.post(f"{base}/p", {"a": "b"}).json() == {"a": 1}
            assert session.put(f"{base}/p", data=b"raw", headers={"X-One": "2"}).ok
            assert session.patch(f"{base}/p", json={"c": 1}).text == '{"a": 1}'
            assert session.delete(f"{base}/p", params={"q": "v"}).status_code == 200
            assert b"".join(session.get(f"{base}/p", stream=True).iter_content(3)) == b'{"a": 1}'
            assert session.get(f"{base}/p", stream=True).content == b'{"a": 1}'
            assert session.head(f"{base}/p").content == b""
        methods = [request.method for request in asked]
        assert methods == ["POST", "PUT", "PATCH", "DELETE", "GET", "GET", "HEAD"]
        assert [request.content for request in asked[:3]] == [b"a=b", b"raw", b'{"c":1}']
        assert all(request.headers["x-all"] == "1" for request in asked)
        assert asked[1].headers["x-one"] == "2"
        assert asked[3].target.endswith("/p?q=v")
        assert not any("secret-key-1234" in f"{request.target}{request.headers}" for request in asked)

    @pytest.mark.parametrize("name", ["cookies", "files", "auth", "proxies", "hooks", "verify", "cert"])
    def test_arguments_of_requests_alone_name_what_to_use(self, name: str, keyed: SampleServer) -> None:
        session = get_session()
        with pytest.raises(TypeError, match="use "):
            session.get("datasets", **{name: object()})
        assert session.get("datasets", **{name: None}).ok
        with pytest.raises(TypeError, match="unexpected"):
            session.get("datasets", nosuch=1)

    def test_a_server_that_does_not_answer_in_time_is_an_error(self) -> None:
        given_up = threading.Event()

        def answer(_: Request) -> Answer:
            given_up.wait(60)
            return Answer()

        late = pytest.raises(MLHubException, match=r"within 0\.1 s")
        with LoopbackServer(answer) as server:
            with Session(api_key=None) as session, late:
                session.get(server.url, timeout=0.1)
            given_up.set()

    def test_pages_are_requested_when_they_are_wanted(self, keyed: SampleServer) -> None:
        pages = get_session().paginate("collections/ref_african_crops_kenya_02_source/items")
        assert next(pages)["features"]
        with contextlib.closing(pages):  # type: ignore[type-var]  # a generator
            pass


@pytest.mark.usefixtures("keyed")
def test_stac_objects_make_no_request_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = client.get_collection(LABELS)
    collection = Collection.fetch(LABELS)
    model = MLModel.list()[0]
    monkeypatch.setenv("MLHUB_ROOT_URL", "http://127.0.0.1:9/")
    monkeypatch.setattr("socket.create_connection", lambda *_, **__: pytest.fail("a request"))
    copy = collection.clone()
    assert copy.session_kwargs == collection.session_kwargs
    for found in (collection.to_dict(), copy.to_dict()):
        assert {name: found[name] for name in ("id", "extent", "license", "description")} == {
            name: raw[name] for name in ("id", "extent", "license", "description")
        }
        assert [link["rel"] for link in found["links"]] == [link["rel"] for link in raw["links"]]
    assert Collection.from_dict(raw).to_dict() == collection.to_dict()
    assert model.to_dict()["id"] == model.id
