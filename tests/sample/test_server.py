"""Starting, stopping and serving."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time

import httpx
import pytest

from mlhub_tui.errors import MLHubException
from mlhub_tui.sample.server import SampleServer
from tests.support.waiting import PATIENCE, until_sync

ARCHIVE = "archives/bigearthnet_v1_source.tar.gz"


def test_two_origins_listen_when_start_returns() -> None:
    with SampleServer() as server:
        assert server.root_url.startswith("http://127.0.0.1:")
        assert server.root_url.endswith("/mlhub/v1/")
        assert httpx.URL(server.root_url).port != httpx.URL(server.store_url).port
        assert httpx.get(server.root_url, trust_env=False).status_code == 200
        assert httpx.head(server.store_url + ARCHIVE, trust_env=False).status_code == 200


def test_a_stopped_server_listens_no_more_and_can_start_again() -> None:
    server = SampleServer()
    for _ in range(2):
        server.start()
        url = server.root_url
        assert httpx.get(url, trust_env=False).status_code == 200
        server.stop()
        server.stop()
        with pytest.raises(httpx.ConnectError):
            httpx.get(url, trust_env=False)


def test_a_taken_port_is_said_in_one_line() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(MLHubException, match=f"port {port}") as caught:
            SampleServer(port).start()
    assert "\n" not in str(caught.value)
    assert caught.value.hint


@pytest.mark.parametrize("port", [-1, 70_000])
def test_an_impossible_port_is_said_too(port: int) -> None:
    with pytest.raises(MLHubException, match=str(port)):
        SampleServer(port).start()


def test_stopping_does_not_wait_for_downloads() -> None:
    server = SampleServer(rate=50_000)
    server.start()
    broken, begun = [], threading.Semaphore(0)

    def fetch() -> None:
        try:
            with httpx.stream("GET", server.store_url + ARCHIVE, trust_env=False) as answer:
                for _ in answer.iter_raw():
                    begun.release()
        except httpx.TransportError as error:
            broken.append(error)

    threads = [threading.Thread(target=fetch) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in threads:
        assert begun.acquire(timeout=PATIENCE)
    server.stop()
    for thread in threads:
        thread.join(PATIENCE)
    assert len(broken) == 4


@pytest.mark.slow
def test_a_client_that_goes_away_ends_its_download() -> None:
    with SampleServer(rate=20_000) as server:
        before, clients = threading.active_count(), 20
        for _ in range(clients):
            with httpx.stream("GET", server.store_url + ARCHIVE, trust_env=False) as answer:
                next(answer.iter_raw())
        # The loop's own pool may have grown by a few threads; one for each client would be a leak.
        assert threading.active_count() < before + clients // 2
        assert httpx.get(server.root_url, trust_env=False).status_code == 200


def test_answers_on_a_kept_connection_do_not_wait_for_an_acknowledgement() -> None:
    with SampleServer() as server, httpx.Client(base_url=server.root_url, trust_env=False) as client:
        client.get("datasets/spacenet1")

        def at_once() -> bool:
            began = time.monotonic()
            client.get("datasets/spacenet1")
            return time.monotonic() - began < 0.03

        until_sync(at_once, "an acknowledgement is held back for 0.04 s each time")


def test_importing_the_package_imports_neither_starlette_nor_uvicorn() -> None:
    code = (
        "import sys, mlhub_tui.sample; "
        "print([m for m in sys.modules if m.startswith(('starlette', 'uvicorn'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[0] == "[]"


SERVE = """
from mlhub_tui.sample.server import serve_forever
serve_forever(on_ready=lambda server: print(server.root_url, server.key, flush=True))
print("ended", flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals to a child work otherwise there")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_serving_ends_cleanly_on_a_signal_and_prints_nothing_by_itself(number: signal.Signals) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", SERVE], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    url, key = child.stdout.readline().split()
    assert httpx.get(url + "datasets", params={"key": key}, trust_env=False).status_code == 200
    os.kill(child.pid, number)
    out, err = child.communicate(timeout=PATIENCE)
    assert (child.returncode, out, err) == (0, "ended\n", "")
