"""One client for one transfer: redirects by hand, errors in our words, cut at once from another thread."""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import httpx

from ... import errors, text
from ...sources.failures import of_transport
from ...sources.http import user_agent
from ...sources.link import Link
from ...sources.network import without_keys
from ...sources.retry import PASSING_STATUSES, parse_retry_after
from ...sources.stores import regional
from ..trouble import Broken, Interrupted, LinkRefused
from ..tuning import Tuning

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_HOPS = 5


@cache
def trusted() -> ssl.SSLContext:
    """Return the TLS settings of all transfers: loading the certificates takes 20 ms each time."""
    return httpx.create_ssl_context()


class Wire:
    """The connection of one transfer.

    Parameters
    ----------
    link
        Where the bytes are; its credentials go to its own origin only.
    stop
        Set when the transfer is to end.
    context
        TLS settings; the system's by default.
    page
        Whether a web page may be what is wanted.
    """

    def __init__(
        self,
        link: Link,
        tuning: Tuning,
        stop: threading.Event,
        context: ssl.SSLContext | None = None,
        *,
        page: bool = False,
    ) -> None:
        self.page = page
        self._link = link
        self._origin = _origin(httpx.URL(link.url))
        self._cut = stop
        self._socket: socket.socket | None = None
        timeout = httpx.Timeout(tuning.answer, connect=tuning.connect)
        self._client = httpx.Client(
            verify=context or trusted(),
            timeout=timeout,
            headers={"User-Agent": user_agent()},
            trust_env=not _is_loopback(link.url),  # no proxy stands between us and ourselves
        )

    @property
    def is_cut(self) -> bool:
        """Whether the transfer was told to stop."""
        return self._cut.is_set()

    @property
    def url(self) -> str:
        """Where the bytes are, without query."""
        return address(self._link.url)

    def cut(self) -> None:
        """End what is under way, from any thread: a blocked read returns at once."""
        self._cut.set()
        self.drop()

    def drop(self) -> None:
        """Break the connection, from any thread: whatever is under way on it fails."""
        held = self._socket
        if held is not None:
            # Not SSLSocket.shutdown: it would take the cipher away from a read that is going on.
            with contextlib.suppress(OSError):
                socket.socket.shutdown(held, socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    @contextlib.contextmanager
    def ask(self, method: str, headers: Mapping[str, str]) -> Iterator[httpx.Response]:
        """Send a request and give its answer, body unread, after redirects; whatever its status is.

        Raises
        ------
        Interrupted
            If `cut` was called.
        RequestError
            If there is no answer.
        """
        with self.translated():
            response = self._follow(method, headers)
        try:
            yield response
        finally:
            response.close()

    @contextlib.contextmanager
    def translated(self) -> Iterator[None]:
        """Turn the errors of the connection into those of this package."""
        try:
            if self.is_cut:
                raise Interrupted
            yield
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError) as error:
            if self.is_cut:
                raise Interrupted from error
            if isinstance(error, OSError) and not isinstance(
                error, ssl.SSLError | TimeoutError | ConnectionError
            ):
                raise
            raise self._in_words(error) from error

    def _follow(self, method: str, headers: Mapping[str, str]) -> httpx.Response:
        url = httpx.URL(self._link.url)
        for _ in range(_HOPS + 1):
            if self._link.keys is not None:
                url = without_keys(url, self._link.keys)
            home = _origin(url) == self._origin
            sent = {"Accept": "*/*", "Accept-Encoding": "identity", **headers}
            if home:
                sent |= self._link.headers
            request = self._client.build_request(method, url, headers=sent, extensions={"trace": self._trace})
            request.url = _QuietURL(request.url)
            response = self._client.send(
                request, stream=True, auth=self._link.auth if home else None, follow_redirects=False
            )
            if response.status_code not in _REDIRECTS or not (location := _location(response, url)):
                return response
            response.close()
            url = url.join(location)
            if url.scheme not in ("http", "https"):
                raise errors.UnexpectedAnswer(f"{place(url)} redirects to something that is not HTTP")
        raise errors.UnexpectedAnswer(f"{place(url)} redirects in a circle", url=address(str(url)))

    def _trace(self, event: str, info: dict[str, Any]) -> None:
        """Keep hold of the socket as soon as there is one (httpcore's documented trace extension)."""
        if event.endswith(("connect_tcp.complete", "start_tls.complete")):
            self._socket = info["return_value"].get_extra_info("socket")
            if self.is_cut:
                self.cut()

    def _in_words(self, error: Exception) -> errors.RequestError:
        url = address(self._link.url)
        ended = httpx.ReadError | httpx.RemoteProtocolError | httpx.WriteError | ConnectionError
        if isinstance(error, ended):
            why = text.one_line(text.redact(str(error)), 160) or type(error).__name__
            return Broken(f"the connection to {place(httpx.URL(url))} broke: {why}", url=url)
        return of_transport(error, url)


def _location(response: httpx.Response, url: httpx.URL) -> str:
    """Return where a redirect leads; empty where it does not say."""
    told: str = response.headers.get("location", "")
    return told or regional(str(url), response.headers.get("x-amz-bucket-region", ""))


class _QuietURL(httpx.URL):
    """A URL whose text has no query, where links carry signatures: httpx logs the text, the wire sees all."""

    def __str__(self) -> str:
        return address(super().__str__())

    def __repr__(self) -> str:
        return f"_QuietURL({str(self)!r})"


def refuse(response: httpx.Response, what: str, *, page: bool = False) -> None:
    """Raise what an answer means that is not the file: an error status, several ranges, a web page.

    Parameters
    ----------
    response
        The answer; its body is not read.
    what
        The file, as the user knows it.
    page
        Whether it may be a web page, or is looked at by its first bytes anyway.
    """
    status, url = response.status_code, address(str(response.url))
    host = place(response.url)
    if status in (401, 403, 404, 410):
        said = {
            401: "wants other credentials",
            403: "refuses the link",
            404: "does not have it",
            410: "has it no more",
        }
        raise LinkRefused(f"{host} {said[status]} ({status})", url=url, status=status)
    if status in PASSING_STATUSES:
        after = parse_retry_after(response.headers.get("retry-after"))
        words = f"{host} answered {status} {_phrase(response)}".rstrip()
        raise errors.ServerError(words, url=url, status=status, retry_after=after)
    if status not in (200, 206):
        raise errors.RequestRefused(
            f"{host} answered {status} to the request for {what}", url=url, status=status
        )
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind in ("text/html", "application/xhtml+xml") and not page:
        raise errors.UnexpectedAnswer(f"{host} sent a web page instead of {what}", url=url, status=status)
    if kind == "multipart/byteranges":
        raise errors.UnexpectedAnswer(
            f"{host} sent {what} as several ranges, which were not asked for", url=url, status=status
        )


def address(url: str) -> str:
    """Return a URL without query, fragment and user information: links carry their signatures there."""
    return str(httpx.URL(url).copy_with(query=None, fragment=None, userinfo=b""))


def _is_loopback(url: str) -> bool:
    host = httpx.URL(url).host
    return host == "localhost" or host.startswith("127.") or host == "::1"


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


_PLAIN = re.compile(r"[A-Za-z'-]{1,15}(?: [A-Za-z'-]{1,15}){0,5}")


def _phrase(response: httpx.Response) -> str:
    """Return the reason phrase where it is plain words (`Slow Down`): no key is echoed in those."""
    phrase = text.one_line(response.reason_phrase, 60)
    return phrase if _PLAIN.fullmatch(phrase) else httpx.codes.get_reason_phrase(response.status_code)


def place(url: httpx.URL) -> str:
    """Return host and port of a URL as they may be shown."""
    return text.one_line(url.netloc.decode("ascii", "replace").rpartition("@")[2], 100)
