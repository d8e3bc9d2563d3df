"""Client of a Dask scheduler, given or started here: which workers can take part, what is sent to them.

The processes of a cluster on this machine have no terminal, write to a log, end with the program that started
them, and talk over TLS with a certificate made for this run: any client that reaches a scheduler can have it
run anything.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.metadata
import importlib.util
import json
import logging
import os
import random
import re
import socket
import ssl
import subprocess
import sys
import warnings
from collections.abc import Callable, Collection, Coroutine, Iterator
from concurrent.futures import Future, wait
from typing import Any, Self
from urllib.parse import urlsplit

from .. import paths
from ..errors import (
    APIKeyNotFound,
    AuthenticationError,
    ConfigFileError,
    DownloadError,
    MLHubException,
    ServerUnreachable,
)
from ..fileio import make_private_folder
from ..http.errors import connect_reason, tls_reason
from ..options import ClusterConfig
from ..text import one_line, redact
from ..version import __version__
from . import NotInstalled, required
from .sharding import RunConfig

_PATIENCE = 10.0  # seconds for its end
_MOST = 64  # processes
_PROFILER = "DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED"
"""Nobody reads its profiles; before Python 3.11.9 it can stop a worker for good (python/cpython#116969)."""


class NoLocalCluster(DownloadError):
    """The cluster on this machine could not be started."""

    default_hint = "log/cluster.log below MLHUB_HOME says more; --scheduler names another one"


class LocalCluster:
    """A context manager; starting it blocks for a second or two.

    `workers` are processes, None for one for each core. `scheduler` is then the address of its scheduler, and
    `security` what `distributed.Security` needs for it.
    """

    def __init__(self, workers: int | None) -> None:
        count = max(1, min(workers or os.cpu_count() or 1, _MOST))
        make_private_folder(paths.log_dir())
        log = paths.log_dir() / "cluster.log"
        command = [sys.executable, "-P", "-m", __spec__.name, str(count)]
        with log.open("w") as written:
            self._process = subprocess.Popen(  # noqa: S603  (our own interpreter and module)
                command,
                env={_PROFILER: "False", **os.environ},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=written,
                start_new_session=True,
            )
        assert self._process.stdout is not None
        try:
            found = json.loads(self._process.stdout.readline())
        except BaseException as error:
            self.__exit__()
            if isinstance(error, ValueError):
                lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
                why = one_line(lines[-1], 200) if lines else "it ended without a message"
                raise NoLocalCluster(f"no cluster on this machine: {why}") from None
            raise
        self.scheduler: str = found["scheduler"]
        self.security: dict[str, Any] = found["security"]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        try:
            self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def main(workers: int) -> None:
    """Run a cluster until nobody holds the other end of standard input any more."""
    import distributed  # of the extra `cluster`; the process that starts this one need not load it

    security = distributed.Security.temporary()
    with distributed.LocalCluster(
        n_workers=workers,
        threads_per_worker=1,
        host="127.0.0.1",
        protocol="tls://",
        dashboard_address=None,
        security=security,
        silence_logs=logging.ERROR,
    ) as cluster:
        names = {"tls_ca_file": "ca_file", "tls_client_cert": "cert", "tls_client_key": "key"}
        config = security.get_tls_config_for_role("client")
        options = {name: config[key] for name, key in names.items()} | {"require_encryption": True}
        print(json.dumps({"scheduler": cluster.scheduler_address, "security": options}), flush=True)  # noqa: T201
        sys.stdin.buffer.read()


if __name__ == "__main__":
    main(int(sys.argv[1]))

_CONNECT = 20.0  # seconds
_reached: set[str] = set()  # addresses at which a scheduler was
_GREETING = 1 << 20  # bytes of a scheduler's first message: far more than there are
_PORT = 8786  # of a scheduler, where its address has none
_SHOWN = 5  # workers that are named in a message
_AT_ONCE = 256  # workers that are prepared: each is a connection to the scheduler
_PREPARED = 5.0  # seconds that new workers are waited for together: one that hangs must not hold the others
_TOLD = 2.0  # seconds that a broadcast is waited for
_CANDIDATES = 64  # workers that a shard may go to: more would be work for the scheduler
_ADDRESS = re.compile(r"(?:(tcp|tls|ws|wss|ucx)://)?(?:[^\s/@:\[\]]+|\[[0-9a-fA-F:.%]+\])(?::([0-9]{1,5}))?")
_PACKAGE = "mlhub-tui"
_ITS_OWN = (AuthenticationError, APIKeyNotFound, ConfigFileError)
"""What a worker lacks that its client has."""
_INSTALL = f"install it there: pip install '{_PACKAGE}[cluster]=={__version__}'"
_NOISY = ("distributed", "distributed.client", "tornado", "tornado.application", "asyncio", "aiobotocore")


class ClusterGone(ServerUnreachable):
    """The scheduler does not answer."""

    default_hint = "start the scheduler, or check its address; finished files stay"


class SchedulerSilent(DownloadError):
    """No answer at all comes from where the scheduler should be, and none came before."""

    default_hint = "check its address, and whether a firewall lets this machine reach it, then retry"


class WorkersUnfit(DownloadError):
    """Workers lack what they need."""

    default_hint = "give all workers the same environment, then retry"


class DaskClient:
    """A connection to a scheduler; its methods block, and raise ClusterGone where that is gone.

    `client` is a `distributed.Client`, `where` the scheduler in words. `present` has the addresses of all
    workers, `workers` the threads of those that take part, `left_out` why others do not, and `joining` those
    that have not answered yet.
    """

    def __init__(self, client: Any, where: str) -> None:
        self._client, self.where = client, where
        self.present: frozenset[str] = frozenset()
        self.workers: dict[str, int] = {}
        self.left_out: dict[str, MLHubException] = {}
        self.joining: dict[str, Future[Exception | None]] = {}
        self._prepared: set[str] = set()
        self._preparing = asyncio.Semaphore(_AT_ONCE)

    @property
    def alive(self) -> bool:
        """Whether the scheduler is there."""
        return bool(self._client.status == "running")

    @property
    def threads(self) -> int:
        """Threads of all workers that take part."""
        return sum(self.workers.values())

    def refresh(self, config: RunConfig, marker: str) -> bool:
        """Look which workers there are, and prepare new ones; return whether some of these take part.

        A worker is left out that has another version of this program or none, no credentials, or does not see
        where the files go.

        Raises MLHubException if there are workers and all are left out: of their one reason's class, if there
        is but one.
        """
        with self._talking():
            found: dict[str, int] = dict(self._client.nthreads())
        self.present = frozenset(found)
        joined = self._prepare(found, config, marker)
        self._prepared |= joined
        fit = self._prepared - self.left_out.keys()
        self.workers = {worker: threads for worker, threads in found.items() if worker in fit}
        reasons = [self.left_out[each] for each in found if each in self.left_out]
        if reasons and len(reasons) == len(found):
            words = f"no worker can take part: {some_words(reasons)}"
            if len({type(error) for error in reasons}) > 1:
                raise WorkersUnfit(words)
            raise type(reasons[0])(words, hint=reasons[0].hint)
        return bool(joined)

    def leave_out(self, worker: str, error: MLHubException) -> None:
        """Exclude a worker from further shards, for the reason `error`."""
        words = f"worker {one_line(worker, 60)}: {error.message}"
        hint = f"there, and not here: {error.hint}" if isinstance(error, _ITS_OWN) else error.hint
        self.left_out.setdefault(worker, type(error)(words, hint=hint))
        self.workers.pop(worker, None)

    def submit(self, work: Callable[..., Any], key: str, *arguments: Any) -> tuple[Any, frozenset[str]]:
        """Give a task to the scheduler; return its future, and the workers it may go to."""
        workers = random.sample(list(self.workers), min(len(self.workers), _CANDIDATES))
        with self._talking():
            future = self._client.submit(work, *arguments, key=key, pure=False, workers=workers)
        return future, frozenset(workers)

    def cancel(self, futures: list[Any]) -> None:
        """Forget tasks."""
        with contextlib.suppress(Exception):
            self._client.cancel(futures, force=True)

    def broadcast(self, work: Callable[..., Any], *arguments: Any) -> None:
        """Have all workers do something at once, a coroutine; one that hangs is not waited for."""
        if not self.alive:
            raise self.gone()
        workers, run = list(self.workers), self._client.run
        told = self._on_loop(lambda: run(work, *arguments, wait=False, on_error="ignore", workers=workers))
        wait([told], _TOLD)

    def subscribe(self, topic: str, take: Callable[[dict[str, Any]], None]) -> None:
        """Have the news of a topic taken, in a thread that must not wait."""
        with self._talking():
            self._client.subscribe_topic(topic, lambda event: take(event[1]))

    def gone(self) -> ClusterGone:
        """Return the error that says that the scheduler is gone."""
        return ClusterGone(_gone(self.where))

    def close(self) -> None:
        """Wait for no worker any more."""
        for future in self.joining.values():
            future.cancel()

    def _prepare(self, found: Collection[str], config: RunConfig, marker: str) -> set[str]:
        """Have new workers prepared; return those that can take part since the last call."""
        known = self._prepared | self.left_out.keys() | self.joining.keys()
        if new := [worker for worker in found if worker not in known]:
            from .worker import prepare  # with the engine, once workers are there

            for worker in new:
                self.joining[worker] = self._on_loop(self._join, worker, prepare, config, marker)
            wait(self.joining.values(), _PREPARED)
        fit = set()
        for worker, future in list(self.joining.items()):
            if not future.done() and worker in found:
                continue
            del self.joining[worker]
            if not future.done():
                future.cancel()
                continue
            with self._talking():
                reason = future.result()
            if isinstance(reason, MLHubException):
                self.leave_out(worker, reason)
            elif reason is None:
                fit.add(worker)
        return fit

    async def _join(
        self, worker: str, prepare: Callable[..., Any], config: RunConfig, marker: str
    ) -> Exception | None:
        """Prepare a worker; return why it cannot take part, an OSError where it just ended."""
        async with self._preparing:
            version = await self._run(worker, importlib.metadata.version, _PACKAGE)
            if isinstance(version, OSError):
                return version
            if not isinstance(version, str):
                return WorkersUnfit(f"it cannot import {_PACKAGE}", hint=_INSTALL)
            if version != __version__:
                words = f"it has {_PACKAGE} {one_line(version, 30)}, not {__version__}"
                return WorkersUnfit(words, hint=_INSTALL)
            reason: Exception | None = await self._run(worker, prepare, config, marker)
        if reason is None or isinstance(reason, MLHubException | OSError):
            return reason
        why = one_line(redact(f"{type(reason).__name__}: {reason}"), 200)
        return WorkersUnfit(f"it cannot run {_PACKAGE}: {why}", hint=_INSTALL)

    async def _run(self, worker: str, work: Callable[..., Any], *arguments: Any) -> Any:
        found = await self._client.run(work, *arguments, workers=[worker], on_error="return")
        return found[worker]

    def _on_loop(self, work: Callable[..., Coroutine[Any, Any, Any]], *arguments: Any) -> Future[Any]:
        """Start a coroutine on the loop of Dask's client, where its methods are coroutines."""

        async def run() -> Any:
            return await work(*arguments)

        return asyncio.run_coroutine_threadsafe(run(), self._client.loop.asyncio_loop)

    @contextlib.contextmanager
    def _talking(self) -> Iterator[None]:
        if not self.alive:
            raise self.gone()
        try:
            yield
        except Exception as error:
            if isinstance(error, (OSError, TimeoutError)) or not self.alive:
                raise self.gone() from error
            raise DownloadError(f"the cluster at {self.where} refuses: {_words(error)}") from error


@contextlib.contextmanager
def connected(cluster: ClusterConfig) -> Iterator[DaskClient]:
    """Give a client of a cluster; one on this machine is started for it, and ends with it.

    Raises as `check_scheduler`; ClusterGone if the scheduler does not answer, SchedulerSilent if its host did
    not do so once.
    """
    check_scheduler(cluster)
    _silence()
    from distributed import Client, Security  # of the extra `cluster`

    with contextlib.ExitStack() as stack:
        address, where = cluster.scheduler, one_line(redact(cluster.scheduler), 100)
        security, options = Security(), {}
        if cluster.local:
            local = stack.enter_context(LocalCluster(cluster.workers))
            address, where, security = local.scheduler, "on this machine", Security(**local.security)
            options = {"security": security}
        _check_listens(address, where, security)
        try:
            client = Client(address, timeout=_CONNECT, set_as_default=False, **options)
            _reached.add(address)
        except (OSError, TimeoutError) as error:
            raise (ClusterGone(_gone(where)) if address in _reached else _other(where)) from error
        except Exception as error:
            raise DownloadError(f"cannot connect to scheduler {where}: {_words(error)}") from error
        talking = DaskClient(client, where)
        try:
            yield talking
        finally:
            talking.close()
            with contextlib.suppress(Exception):
                client.close(timeout=2)


def _check_listens(address: str, where: str, security: Any) -> None:
    """Raise ClusterGone if nothing listens at a scheduler's address: Dask repeats that until its timeout.

    SchedulerSilent if its host never took or refused a connection, as behind a firewall that drops packets,
    or if what listens is no scheduler: Dask's speaks first, the length of a short message. DownloadError if
    its certificates are not those of `security`.
    """
    found = _ADDRESS.fullmatch(address)
    if found is None or found[1] == "ucx":
        return
    parts = urlsplit(address if found[1] else f"tcp://{address}")
    listens = False
    try:
        with contextlib.ExitStack() as stack:
            end = (parts.hostname or "", parts.port or _PORT)
            connection = stack.enter_context(socket.create_connection(end, _CONNECT))
            listens = True
            if found[1] in ("ws", "wss"):
                return
            if found[1] == "tls":
                context = security.get_connection_args("client")["ssl_context"]
                connection = stack.enter_context(context.wrap_socket(connection))
            if not (said := connection.recv(8)):
                raise ConnectionResetError
    except ssl.SSLError as error:
        words = f"cannot connect to scheduler {where}: TLS failed: {tls_reason(error).partition(':')[0]}"
        hint = "use tcp:// where it has none, else set distributed.comm.tls as it is set for the scheduler"
        raise DownloadError(words, hint=hint) from error
    except (OSError, UnicodeError) as error:
        if isinstance(error, TimeoutError) and address not in _reached:
            if listens:
                raise _other(where) from error
            raise SchedulerSilent(f"{_gone(where)}: no connection in {_CONNECT:g} s") from error
        raise ClusterGone(f"{_gone(where)}: {connect_reason(error)}") from error
    if int.from_bytes(said, "little") > _GREETING:
        raise _other(where)
    _reached.add(address)


def _gone(where: str) -> str:
    return f"scheduler {where} does not answer"


def _other(where: str) -> SchedulerSilent:
    return SchedulerSilent(
        f"what listens at {where} does not speak as a scheduler of Dask does",
        hint="a scheduler has port 8786 where nothing else is set, its dashboard 8787; one with TLS is tls://",
    )


def check_scheduler(cluster: ClusterConfig) -> None:
    """Check what can be told of a scheduler's address without a connection: Dask tries for long.

    Raises NotInstalled if `distributed` is not there, or what the protocol needs beside it; DownloadError if
    Dask speaks no such protocol, or has no certificates for it.
    """
    where = one_line(redact(cluster.scheduler), 100)
    found = _ADDRESS.fullmatch(cluster.scheduler)
    if not cluster.local and (found is None or not 0 < int(found[2] or 0) < 65536):
        raise DownloadError(f"{where} is no address of a scheduler", hint="it looks like tcp://10.0.0.1:8786")
    required("distributed", "a cluster needs Dask's `distributed`")
    if found is None:
        return
    if found[1] == "ucx" and importlib.util.find_spec("distributed_ucxx") is None:
        words = f"scheduler {where} needs `distributed-ucxx`, which is not installed"
        raise NotInstalled(words, hint="install it from conda-forge, or use tcp:// or tls://")
    from distributed import Security  # of the extra `cluster`

    config, encrypted = Security(), found[1] in ("tls", "wss")
    try:
        trusted = config.get_connection_args("client")["ssl_context"] is not None
        problem = "has no certificates" if encrypted and not trusted else ""
    except (OSError, ValueError) as error:
        problem = f"has none that can be used ({one_line(error, 120)})" if encrypted else ""
    if config.require_encryption and not encrypted:
        problem = "requires encryption, which is tls://..."
    if problem:
        state = "requires TLS certificates" if encrypted else "is not encrypted"
        raise DownloadError(
            f"scheduler {where} {state}, and Dask's configuration {problem}",
            hint="set distributed.comm.tls in ~/.config/dask, or DASK_DISTRIBUTED__COMM__TLS__...",
        )


def some_words(errors: Collection[MLHubException]) -> str:
    """Return the words of the first errors, and how many more there are."""
    words = [error.message for error in errors][:_SHOWN]
    return "; ".join([*words, *([f"and {len(errors) - _SHOWN} more"] if len(errors) > _SHOWN else [])])


def _words(error: Exception) -> str:
    return one_line(redact(f"{type(error).__name__}: {error}"), 200)


def _silence() -> None:
    """Keep what libraries log and warn of off the terminal, where a screen may be: what matters we report.

    A program that has set up logging of its own gets it all the same.
    """
    warnings.filterwarnings("ignore", module=r"(distributed|dask|tornado|fsspec|s3fs|aiobotocore|botocore)\b")
    for name in _NOISY:
        logger = logging.getLogger(name)
        for handler in list(logger.handlers):
            if isinstance(handler, logging.StreamHandler) and handler.stream is sys.stderr:
                logger.removeHandler(handler)
        if not logger.handlers:
            logger.addHandler(logging.NullHandler())
