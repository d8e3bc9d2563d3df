"""What the tests of clusters share: real schedulers, workers and an S3 server as processes, and a dataset."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import socket
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

from tests.planning.made import archive, asset, collection, item, named
from tests.support.fault_server import FaultServer
from tests.support.http_server import Answer, Request
from tests.support.waiting import PATIENCE, until_sync
from tests.transfer.batch_support import origin

KEY = "sk-cluster-0123456789abcdef"
CROPS = "crops"
PROFILE = "field"
_PATIENCE = 150.0


def environment(home: Path, s3: str = "", **more: str) -> dict[str, str]:
    """Return the environment of a process: nothing of the user's own, and what reaches a store."""
    path = [str(Path.cwd()), os.environ.get("PYTHONPATH", "")]
    made = {
        name: value for name, value in os.environ.items() if not name.startswith(("MLHUB_", "AWS_", "DASK_"))
    }
    made |= {"MLHUB_HOME": str(home), "PYTHONPATH": os.pathsep.join(filter(None, path))}
    if s3:
        made |= store_variables(s3)
    return made | more


def store_variables(s3: str) -> dict[str, str]:
    """Return the variables by which fsspec finds the store of the tests."""
    return {
        "AWS_ENDPOINT_URL": s3,
        "AWS_ACCESS_KEY_ID": "AKIACLUSTERTESTS0001",
        "AWS_SECRET_ACCESS_KEY": "aws-secret-of-the-tests",
        "AWS_DEFAULT_REGION": "us-east-1",
    }


def write_profile(home: Path, root_url: str) -> None:
    """Write the profiles file of a machine."""
    home.mkdir(exist_ok=True, parents=True)
    (home / "profiles").write_text(f"[{PROFILE}]\napi_key = {KEY}\nroot_url = {root_url}\n")
    (home / "profiles").chmod(0o600)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for(condition: Callable[[], bool], what: str) -> None:
    """Wait with the patience that processes of a cluster want on a busy machine."""
    until_sync(condition, what, patience=_PATIENCE)


class Process:
    """A process of ours, killed at the end; what it says goes to a file."""

    running: ClassVar[list[Process]] = []
    """Those that a test may have left."""

    def __init__(self, arguments: list[str], env: Mapping[str, str], log: Path) -> None:
        self.log = log
        with log.open("ab") as out:
            self._process = subprocess.Popen(
                [sys.executable, *arguments], env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=out
            )
        self.running.append(self)

    @property
    def pid(self) -> int:
        return self._process.pid

    def kill(self) -> None:
        """End it at once, as a power cut would."""
        self._process.kill()
        self._process.wait()
        if self in self.running:
            self.running.remove(self)

    def wait(self, patience: float = _PATIENCE) -> int:
        """Return its exit code."""
        return self._process.wait(patience)


def command(field: Field, home: Path, s3: str, place: str, *options: str, **environ: str) -> Process:
    """Start the command line of a client; its log is beside its home."""
    write_profile(home, field.root_url)
    arguments = ["-m", "mlhub_tui", "--profile", PROFILE, "download", "dataset", CROPS, "--assets"]
    log = home.parent / f"{home.name}.log"
    return Process([*arguments, "--output-dir", place, *options], environment(home, s3, **environ), log)


class DaskCluster:
    """A scheduler and workers on loopback; a context manager."""

    def __init__(self, folder: Path, env: Mapping[str, str], workers: int) -> None:
        self._folder = folder
        self.home = Path(env["MLHUB_HOME"])
        # The profiler of workers can stop them for good before Python 3.11.9 (python/cpython#116969).
        unprofiled = {"DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED": "False"}
        self._env = {**env, **unprofiled, "DASK_DISTRIBUTED__SCHEDULER__LOCKS__LEASE_TIMEOUT": "5s"}
        self.port = free_port()
        self.address = f"tcp://127.0.0.1:{self.port}"
        self._count = 0
        self.workers: list[Process] = []
        self.start_scheduler()
        for _ in range(workers):
            self.add_worker()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for process in (*self.workers, self.scheduler):
            process.kill()

    def start_scheduler(self) -> None:
        """Start it, on the port it always has."""
        command = ["-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", str(self.port)]
        self.scheduler = Process([*command, "--no-dashboard"], self._env, self._folder / "scheduler.log")

    def add_worker(self, threads: int = 1, **environ: str) -> Process:
        """Start one more worker, without a nanny: it is killed as one process."""
        self._count += 1
        local = self._folder / f"worker{self._count}"
        command = ["-m", "distributed.cli.dask_worker", self.address, "--no-nanny", "--no-dashboard"]
        options = ["--nthreads", str(threads), "--local-directory", str(local), "--memory-limit", "0"]
        log = self._folder / f"worker{self._count}.log"
        made = Process([*command, *options], {**self._env, **environ}, log)
        self.workers.append(made)
        return made

    def joined(self, workers: int) -> None:
        """Wait until so many workers have joined."""
        wait_for(lambda: self.logs().count("Registered to:") >= workers, f"{workers} workers")

    def knows(self, root_url: str) -> str:
        """Give the workers a profile with the key of an API, as their user would; return its name."""
        self.home.mkdir(exist_ok=True)
        write_profile(self.home, root_url)
        return PROFILE

    def restart(self) -> None:
        """Kill the scheduler, and start it anew with as many workers: they do not outlive theirs."""
        self.scheduler.kill()
        self.start_scheduler()
        alive = len(self.workers)
        for worker in self.workers:
            worker.kill()
        self.workers.clear()
        for _ in range(alive):
            self.add_worker()

    def logs(self) -> str:
        """Return what all of them said."""
        return "".join(path.read_text(errors="replace") for path in sorted(self._folder.glob("*.log")))


@contextlib.contextmanager
def s3_server(folder: Path, slow: Path | None = None) -> Iterator[str]:
    """Give the URL of an S3 server; it answers SlowDown while the file `slow` is there."""
    port = free_port()
    program = Path(__file__).with_name("s3_program.py")
    arguments = [str(program), str(port), *([str(slow)] if slow else [])]
    process = Process(arguments, dict(os.environ), folder / "s3.log")
    try:
        wait_for(lambda: _answers(port), "the S3 server")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    with contextlib.closing(connection), contextlib.suppress(OSError, http.client.HTTPException):
        connection.request("GET", "/")
        return connection.getresponse().status < 500
    return False


class Bucket:
    """A bucket of that server, read without what is tested."""

    def __init__(self, s3: str, name: str) -> None:
        import boto3

        variables = store_variables(s3)
        self.name = name
        self.client = boto3.client(
            "s3",
            endpoint_url=s3,
            aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
            region_name="us-east-1",
        )
        self.client.create_bucket(Bucket=name)

    def keys(self, prefix: str = "") -> list[str]:
        """Return the names of all objects."""
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.name, Prefix=prefix)
        return [found["Key"] for page in pages for found in page.get("Contents", [])]

    def get(self, key: str) -> bytes:
        """Return an object."""
        body: bytes = self.client.get_object(Bucket=self.name, Key=key)["Body"].read()
        return body

    def tree(self, prefix: str) -> dict[str, bytes]:
        """Return all objects below a prefix."""
        return {key.removeprefix(f"{prefix}/"): self.get(key) for key in self.keys(prefix)}

    def sums(self, prefix: str) -> dict[str, str]:
        """Return the MD5 of all objects below a prefix that were put in one piece: their ETag, in hex."""
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.name, Prefix=prefix)
        found = [(one["Key"], one["ETag"]) for page in pages for one in page.get("Contents", [])]
        return {key.removeprefix(f"{prefix}/"): etag.strip('"') for key, etag in found}

    def unfinished(self) -> int:
        """Return how many uploads were begun and neither finished nor given up."""
        return len(self.client.list_multipart_uploads(Bucket=self.name).get("Uploads", []))


class Field:
    """A dataset on an MLHub API of our own, which wants its key for everything; assets are on it too.

    Parameters
    ----------
    count
        Small assets, a hundred an item.
    more
        Other contents by key, of an item of their own.
    broken
        Keys of assets that are not there.
    twins
        Items that have one asset of the same URL.
    paid
        Whether there is one more asset, in a bucket whose reader pays.
    signed
        The query of the href of one more asset, of another origin than the API's.
    renewed
        The query that its href has by now, in the item as the API gives it.
    """

    def __init__(
        self,
        folder: Path,
        count: int,
        *,
        more: Mapping[str, bytes] | None = None,
        broken: tuple[str, ...] = (),
        twins: int = 0,
        paid: bool = False,
        signed: str = "",
        renewed: str = "",
        size: int = 200,
    ) -> None:
        self.server = FaultServer()
        self.root_url = f"{origin(self.server)}/mlhub/v1/"
        self.contents: dict[str, bytes] = {}
        self.asked: Counter[str] = Counter()
        self.refused = 0
        self._paths: dict[str, bytes] = {}
        self._lock = threading.Lock()
        self.before: Callable[[Request], Answer | None] | None = None
        documents = [collection("fields")]
        for first in range(0, count, 100):
            name = f"i{first // 100:04}"
            keys = {
                f"k{number % 100:02}": self._small(name, number, size)
                for number in range(first, min(first + 100, count))
            }
            documents.append(self._item(name, keys))
        if more or broken:
            documents.append(self._item("more", dict(more or {}), broken))
        if twins:
            self._add("shared", "map", b"the same for all" * 20)
            href = self._href("shared", "map")
            for number in range(twins):
                documents.append(
                    item(f"t{number:03}", assets={"map": asset(href)}, bbox=[0.0, 0.0, 1.0, 1.0])
                )
                self.contents[f"fields/t{number:03}/map.tif"] = self._paths["/mlhub/files/shared/map.tif"]
        if paid:
            terms = {"storage:platform": "AWS", "storage:requester_pays": True}
            documents.append(
                item(
                    "paid", assets={"map": asset("s3://a-bucket/map.tif", **terms)}, bbox=[0.0, 0.0, 1.0, 1.0]
                )
            )
        if signed:
            self._add("signed", "map", b"signed")
            href = f"{self._href('signed', 'map')}?{signed}".replace("127.0.0.1", "localhost")
            documents.append(item("signed", assets={"map": asset(href)}, bbox=[0.0, 0.0, 1.0, 1.0]))
            if renewed:
                now = item("signed", assets={"map": asset(href.replace(signed, renewed))})
                self._paths["/mlhub/v1/collections/fields/items/signed"] = json.dumps(now).encode()
        self._renewed = renewed
        made = archive(folder / "made.tar.gz", named(CROPS, documents))
        self._paths[f"/mlhub/v1/catalog/{CROPS}"] = made.read_bytes()
        self._paths[f"/mlhub/v1/datasets/{CROPS}"] = (
            b'{"id": "crops", "title": "Crops", "collections": [{"id": "fields", "types": ["labels"]}]}'
        )
        self.server.by_target = {f"{path}?key={KEY}": data for path, data in self._paths.items()}
        self.server.plan = self._plan

    def __enter__(self) -> Self:
        self.server.__enter__()
        return self

    def __exit__(self, *_: Any) -> None:
        self.server.__exit__(None, None, None)

    @property
    def fetched(self) -> int:
        """GETs of assets that were answered."""
        return sum(self.asked.values())

    @property
    def again(self) -> int:
        """Of these, those of assets that had been answered before."""
        return sum(times - 1 for times in self.asked.values())

    def add(self, name: str, key: str, data: bytes) -> None:
        """Have an asset be there that was missing."""
        path = f"/mlhub/files/{name}/{key}.tif?key={KEY}"
        self.server.by_target = {**self.server.by_target, path: data}

    def _small(self, name: str, number: int, size: int) -> bytes:
        return f"{name} {number} ".encode().ljust(size + number % 50, b".")

    def _href(self, name: str, key: str) -> str:
        return f"{origin(self.server)}/mlhub/files/{name}/{key}.tif"

    def _add(self, name: str, key: str, data: bytes) -> None:
        self._paths[f"/mlhub/files/{name}/{key}.tif"] = data

    def _item(self, name: str, keys: Mapping[str, bytes], broken: tuple[str, ...] = ()) -> dict[str, Any]:
        for key, data in keys.items():
            self._add(name, key, data)
            self.contents[f"fields/{name}/{key}.tif"] = data
        assets = {key: asset(self._href(name, key), **{"file:size": len(data)}) for key, data in keys.items()}
        lost = {key: asset(self._href(name, key)) for key in broken}
        return item(name, assets=assets | lost, bbox=[0.0, 0.0, 1.0, 1.0])

    def _plan(self, request: Request) -> Answer | None:
        path, _, query = request.target.partition("?")
        if self._renewed and query == self._renewed:
            return Answer(200, b"signed", {"Content-MD5": None})
        if f"key={KEY}" not in query:
            self.refused += 1
            return Answer(401, body=b"")
        if self.before is not None and (told := self.before(request)) is not None:
            return told
        if request.target not in self.server.by_target:
            return Answer(404, body=b"")
        if (
            "/files/" in path
            and request.method == "GET"
            and (request.range or "bytes=0-").startswith("bytes=0-")
        ):
            with self._lock:
                self.asked[path] += 1
        return Answer(headers={"Content-Type": "application/json" if "datasets" in path else "image/tiff"})


def tree(folder: Path) -> dict[str, bytes]:
    """Return all files below a folder, by path."""
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
