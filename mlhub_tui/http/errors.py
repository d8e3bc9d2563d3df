"""Failures of requests in words: unreachable hosts, lost connections, TLS, proxies; and which may pass."""

from __future__ import annotations

import os
import re
import socket
import ssl

from .. import errors
from ..text import one_line, redact
from .retry import PASSING_STATUSES
from .urls import address, host, host_label


class ConnectionLost(errors.ServerUnreachable):
    """The connection ended before the response did; the request may be repeated on a new one."""


class ConnectTimeout(errors.ServerTimeout):
    """No connection was there in time."""


class ProtocolError(errors.UnexpectedAnswer):
    """The response violates HTTP/1.1."""

    default_hint = "retry later, or report it to the owner of the server"


class BodyNotWanted(Exception):
    """Raised by a sink to stop reading a body; closes the connection, as the rest is on its way."""


class TLSFailure(errors.ServerUnreachable):
    """The server was reached but its certificate or its TLS was not accepted."""

    default_hint = "check the URL, the clock and the certificates of this machine (SSL_CERT_FILE)"


PROXY_LOGIN = "write user and password into the proxy's URL, before its host: user:password@host"
"""What to do where a proxy requires a login; without `://`, after which a login is cut out."""


class ProxyFailure(errors.ServerUnreachable):
    """The proxy of the environment cannot be used: down, refusing, or of a kind that is not supported."""

    default_hint = "check http_proxy, https_proxy and all_proxy, or list the host in NO_PROXY"


class LinkRejected(errors.RequestError):
    """The server does not accept the link (401, 403, 404, 410); a signed link may have expired."""

    default_hint = "retry later; a signed link may have expired and is requested again then"


class LoginRequired(LinkRejected):
    """The server asks for credentials for a link, and none were sent (401)."""


class BeingPrepared(errors.RequestError):
    """It is being prepared (202), for example copied from cold storage; repeat after `retry_after`."""

    default_hint = "the server is preparing it; retry later"


PASSING = (errors.ServerUnreachable, errors.ServerTimeout, errors.ServerError)
"""Failures that have nothing to do with what was asked for: it may be had a moment later."""


def may_pass(error: errors.RequestError) -> bool:
    """Return whether the same request may succeed when it is repeated."""
    if isinstance(error, TLSFailure | LinkRejected):
        return False
    if error.status is not None:
        return error.status == 202 or error.status in PASSING_STATUSES
    return isinstance(error, errors.ServerUnreachable | errors.ServerTimeout)


def is_lasting(error: errors.MLHubException) -> bool:
    """Return whether a server failed (5xx) in a way that the next request would not change."""
    status = error.status if isinstance(error, errors.RequestError) else None
    return status is not None and status >= 500 and status not in PASSING_STATUSES


def connect_error(error: Exception, url: str, proxy: str = "") -> errors.RequestError:
    """Return our error for a connection that could not be opened.

    - `url`: What was requested.
    - `proxy`: Host and port of the proxy that was to be connected to, where it is the one that failed.
    """
    where, host = address(url), host_label(url)
    if isinstance(error, errors.RequestError):
        return error
    if proxy:
        reason = _tls_reason(error) if isinstance(error, ssl.SSLError) else connect_reason(error)
        return ProxyFailure(f"cannot reach the proxy {proxy} on the way to {host}: {reason}", url=where)
    if isinstance(error, ssl.SSLError):
        return TLSFailure(f"TLS failed: {host}: {_tls_reason(error)}", url=where)
    if isinstance(error, TimeoutError):
        return ConnectTimeout(f"timeout: {host} did not accept a connection in time", url=where)
    return errors.ServerUnreachable(f"cannot reach {host}: {connect_reason(error)}", url=where)


def connect_reason(error: BaseException) -> str:
    """Return why a connection could not be opened, in a few words."""
    if isinstance(error, socket.gaierror | UnicodeError):
        return "host not found (DNS)"
    if isinstance(error, TimeoutError):
        return "no connection in time"
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    if isinstance(error, ConnectionResetError):
        return "connection reset"
    # asyncio joins the failures of several addresses in one text, and repeats the address in that of one.
    if number := re.search(r"\[Errno (\d+)\]", str(error)):
        return os.strerror(int(number[1])).lower()
    return redact(one_line(error, 160)) or type(error).__name__


def _tls_reason(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return one_line(error.verify_message, 120) or "the certificate is not trusted"
    return one_line((error.reason or str(error)).replace("_", " ").lower(), 120)


HOSTED = "api.radiant.earth"
HOSTED_HINT = (
    "the hosted service ended in 2023: try the sample catalog (`mlhub-tui --sample`), a public source"
    " (`mlhub-tui sources list --known`), or another deployment (`--root-url`)"
)


def hosted_hint(url: str) -> str | None:
    """Return what to do where a URL is of the hosted service, which has ended; None for any other."""
    return HOSTED_HINT if host(url) == HOSTED else None
