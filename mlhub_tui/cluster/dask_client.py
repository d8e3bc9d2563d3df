"""The client of a cluster for one run: its workers are looked at, their news and our words passed on."""

from __future__ import annotations

import contextlib
import importlib.metadata
import logging
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from .. import __version__
from ..errors import DownloadError, MLHubException, OutputFolderError, ServerUnreachable
from ..options import ClusterConfig
from ..text import count, one_line, redact
from . import optional_dependencies as needed
from .local_cluster import LocalCluster
from .payloads import RunConfig, SerializedError

_CONNECT = 15.0  # seconds
_SHOWN = 3  # workers that are named in a message
_PACKAGE = "mlhub-tui"
_INSTALL = f"install it there: pip install '{_PACKAGE}[cluster]=={__version__}'"
_ENCRYPTED = frozenset({"tls", "wss"})
_MARKER = (
    ".mlhub-tui-marker"  # always the same: what a client that was killed left behind, the next one removes
)


class ClusterGone(ServerUnreachable):
    """The scheduler does not answer."""

    default_hint = "what is done is kept: it is tried again, or start the scheduler and retry"


class WorkersUnfit(DownloadError):
    """Workers lack what they need."""

    default_hint = "give all workers the same environment, then retry"


class DaskClient:
    """A connection to a scheduler.

    Its methods block, and raise ClusterGone where the scheduler is gone.

    Parameters
    ----------
    client
        A `distributed.Client`.
    where
        The scheduler as people know it.

    Attributes
    ----------
    left_out
        Why workers get no shards, by their addresses.
    """

    def __init__(self, client: Any, where: str) -> None:
        self._client = client
        self.where = where
        self._fit: dict[str, bool] | None = None
        self.left_out: dict[str, str] = {}

    @property
    def alive(self) -> bool:
        """Whether the scheduler is there."""
        return bool(self._client.status == "running")

    def threads(self) -> dict[str, int]:
        """Return the threads of the workers by their addresses, but of those that are left out."""
        with self._talking():
            found = dict(self._client.nthreads())
        if self._fit is not None and (new := [worker for worker in found if worker not in self._fit]):
            self._check_versions(new)
        return {worker: threads for worker, threads in found.items() if self._takes(worker)}

    def equip(self, errand: RunConfig) -> None:
        """See that the workers can do what is wanted, and give them what they keep between shards.

        Raises
        ------
        WorkersUnfit, OutputFolderError
            If none has this program in this version, or some do not see the folder or the store.
        """
        self._fit = {}
        self._check_versions()
        if not any(self._fit.values()):
            raise WorkersUnfit("; ".join(self.left_out.values()), hint=_INSTALL)
        from .worker_state import NAME, WorkerState

        try:
            with self._talking():
                self._client.register_plugin(WorkerState(), name=NAME)
        except DownloadError:
            if not self.left_out:  # else it is those that could not take it
                raise
        with _marker(errand) as (name, text):
            from .probe import look

            with self._talking():
                found: dict[str, SerializedError | None] = self._client.run(
                    look, errand, name, text, workers=self._fit_ones()
                )
        bad = {worker: trouble for worker, trouble in found.items() if trouble is not None}
        if bad:
            first = next(iter(bad.values()))
            words = f"{_some(bad)} of {count(len(found), 'worker')}: {first.message}"
            raise OutputFolderError(words, hint=first.hint)

    def submit(self, work: Callable[..., Any], key: str, *arguments: Any) -> Any:
        """Give a task to the scheduler; return its future."""
        with self._talking():
            workers = self._fit_ones() if self.left_out else None
            return self._client.submit(work, *arguments, key=key, pure=False, retries=0, workers=workers)

    def cancel(self, futures: list[Any]) -> None:
        """Forget tasks."""
        with contextlib.suppress(Exception):
            self._client.cancel(futures, force=True)

    def everywhere(self, work: Callable[..., Any], *arguments: Any) -> None:
        """Have all workers do something at once, a coroutine; what comes of it is not waited for."""
        with self._talking():
            self._client.run(work, *arguments, wait=False, on_error="ignore", workers=self._fit_ones())

    def listen(self, topic: str, hear: Callable[[dict[str, Any]], None]) -> None:
        """Have the news of a topic told, from a thread that must not wait."""

        def heard(event: tuple[float, Any]) -> None:
            hear(event[1])

        with self._talking():
            self._client.subscribe_topic(topic, heard)

    def _check_versions(self, workers: list[str] | None = None) -> None:
        """See which workers have this version of the program; the others are left out."""
        assert self._fit is not None
        with self._talking():
            found = self._client.run(importlib.metadata.version, _PACKAGE, workers=workers, on_error="return")
        for worker, version in found.items():
            self._fit[worker] = version == __version__
            if version == __version__:
                continue
            name = one_line(worker, 60)
            told = isinstance(version, str)
            words = (
                f"has {_PACKAGE} {one_line(version, 30)}, not {__version__}"
                if told
                else f"cannot import {_PACKAGE}"
            )
            self.left_out[worker] = f"worker {name} {words}"

    def _takes(self, worker: str) -> bool:
        return self._fit is None or self._fit.get(worker, False)

    def _fit_ones(self) -> list[str] | None:
        return None if self._fit is None else [worker for worker, fit in self._fit.items() if fit]

    @contextlib.contextmanager
    def _talking(self) -> Iterator[None]:
        if not self.alive:
            raise self.gone()
        try:
            yield
        except (OSError, TimeoutError) as error:
            raise self.gone() from error
        except MLHubException:
            raise
        except Exception as error:
            if not self.alive:
                raise self.gone() from error
            what = one_line(redact(f"{type(error).__name__}: {error}"), 200)
            raise DownloadError(f"the cluster at {self.where} refuses: {what}") from error

    def gone(self) -> ClusterGone:
        """Return the error that says that the scheduler is gone."""
        return ClusterGone(f"scheduler {self.where} does not answer")


@contextlib.contextmanager
def connected(cluster: ClusterConfig) -> Iterator[DaskClient]:
    """Give a session with a cluster; one on this machine is started for it, and ends with it.

    Raises
    ------
    NotInstalled
        If `distributed` is not there.
    ClusterGone
        If the scheduler does not answer.
    """
    needed.distributed()
    _hush()
    with contextlib.ExitStack() as stack:
        if cluster.local:
            local = stack.enter_context(LocalCluster(cluster.workers))
            address, where, security = local.address.scheduler, "on this machine", local.address.security
        else:
            address, where, security = cluster.scheduler, one_line(redact(cluster.scheduler), 100), {}
        yield stack.enter_context(_client(address, where, security))


def _hush() -> None:
    """Keep what `distributed` logs off the terminal, where a screen may be: what matters we say ourselves.

    A program that has set up logging of its own gets it all the same.
    """
    for name in ("distributed", "distributed.client", "tornado", "tornado.application"):
        logger = logging.getLogger(name)
        for handler in list(logger.handlers):
            if isinstance(handler, logging.StreamHandler) and handler.stream is sys.stderr:
                logger.removeHandler(handler)
        if not logger.handlers:
            logger.addHandler(logging.NullHandler())


@contextlib.contextmanager
def _client(address: str, where: str, security: dict[str, Any]) -> Iterator[DaskClient]:
    from distributed import Client, Security

    options = {"security": Security(**security)} if security else {}
    if not security:
        _check_address(address, where)
    try:
        client = Client(address, timeout=_CONNECT, set_as_default=False, **options)
    except (OSError, TimeoutError) as error:
        raise ClusterGone(f"scheduler {where} does not answer") from error
    except ValueError as error:
        raise _no_address(where) from error
    try:
        yield DaskClient(client, where)
    finally:
        with contextlib.suppress(Exception):
            client.close(timeout=2)


def _check_address(address: str, where: str) -> None:
    """Check what can be told of an address without asking: Dask tries for long, and ends in a traceback.

    Raises
    ------
    DownloadError
        If Dask speaks no such protocol, or has no certificates for it.
    """
    from distributed import Security
    from distributed.comm.registry import backends

    scheme = address.partition("://")[0].lower() if "://" in address else "tcp"
    if scheme not in backends:
        raise _no_address(where)
    if scheme in _ENCRYPTED and not Security().tls_ca_file:
        words = f"scheduler {where} requires TLS, and Dask's configuration has no certificates for it"
        raise DownloadError(
            words, hint="set distributed.comm.tls in ~/.config/dask, or DASK_DISTRIBUTED__COMM__TLS__..."
        )


def _no_address(where: str) -> DownloadError:
    return DownloadError(f"{where} is no address of a scheduler", hint="it looks like tcp://10.0.0.1:8786")


@contextlib.contextmanager
def _marker(errand: RunConfig) -> Iterator[tuple[str, str]]:
    """Put something where the files go, for the workers to find; give its name and text.

    Raises
    ------
    OutputFolderError
        If that fails.
    """
    name, text = _MARKER, uuid.uuid4().hex
    if not errand.url:
        marker = Path(errand.folder) / name
        try:
            marker.parent.mkdir(parents=True, exist_ok=True)
            marker.write_text(text)
        except OSError as error:
            from .. import fileio

            raise fileio.translate_os_error(error, Path(errand.folder)) from error
        try:
            yield name, text
        finally:
            with contextlib.suppress(OSError):
                marker.unlink()
        return
    from .object_store import ObjectStore, trouble

    store = ObjectStore(errand.url)
    path = store.path(name)
    try:
        store.put(path, text.encode()).result()
    except Exception as error:
        raise trouble(error, store) from error
    try:
        yield name, text
    finally:
        with contextlib.suppress(Exception):
            store.remove(path)


def _some(workers: Any) -> str:
    """Return how many workers, and the first of them by name."""
    names = [one_line(str(name), 60) for name in list(workers)[:_SHOWN]]
    more = "" if len(workers) <= _SHOWN else ", ..."
    return f"{len(workers)} ({', '.join(names)}{more})"
