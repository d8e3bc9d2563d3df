"""Failures of requests in words: one mapping of errors and statuses; which may pass, and when to repeat."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import random
import re
import socket
import ssl
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, NamedTuple

from ..auth.location import HOSTED
from ..errors import (
    AccessDenied,
    AuthenticationError,
    EntityDoesNotExist,
    MLHubException,
    RequestError,
    RequestRefused,
    ServerError,
    ServerTimeout,
    ServerUnreachable,
    UnexpectedAnswer,
)
from ..fileio import MORE_OPEN
from ..text import duration, local_time, mask, masked, one_line, redact
from .credentials import netrc_hint
from .json_document import words_in
from .urls import address, host, host_label, parse_url, shown


class ConnectionLost(ServerUnreachable):
    """The connection ended before the response did; the request may be repeated on a new one."""


class ConnectTimeout(ServerTimeout):
    """No connection was there in time."""


class ProtocolError(UnexpectedAnswer):
    """The response violates HTTP/1.1."""

    default_hint = "retry later, or report it to the owner of the server"


class BodyNotWanted(Exception):
    """Raised by a sink to stop reading a body; closes the connection, as the rest is on its way."""


class TLSFailure(ServerUnreachable):
    """The server was reached but its certificate or its TLS was not accepted."""

    default_hint = "check the URL, the clock and the certificates of this machine (SSL_CERT_FILE)"


PROXY_LOGIN = "write user and password into the proxy's URL, before its host: user:password@host"
"""What to do where a proxy requires a login; without `://`, after which a login is cut out."""


class ProxyFailure(ServerUnreachable):
    """The proxy of the environment cannot be used: down, refusing, or of a kind that is not supported."""

    default_hint = "check http_proxy, https_proxy and all_proxy, or list the host in NO_PROXY"


class LinkRejected(RequestError):
    """The server does not accept the link (401, 403, 404, 410); a signed link may have expired."""

    default_hint = "retry later; a signed link may have expired and is requested again then"


class LoginRequired(LinkRejected):
    """The server asks for credentials for a link, and none were sent (401)."""


class BeingPrepared(RequestError):
    """It is being prepared (202), for example copied from cold storage; repeat after `retry_after`."""

    default_hint = "the server is preparing it; retry later"


PASSING = (ServerUnreachable, ServerTimeout, ServerError)
"""Failures that have nothing to do with what was asked for: it may be had a moment later."""


def may_pass(error: RequestError) -> bool:
    """Return whether the same request may succeed when it is repeated."""
    if isinstance(error, TLSFailure | LinkRejected):
        return False
    if error.status is None:
        return isinstance(error, ServerUnreachable | ServerTimeout)
    is_throttled = isinstance(error, ServerError) and error.status < 500
    return is_throttled or error.status == 202 or error.status in PASSING_STATUSES


def is_lasting(error: MLHubException) -> bool:
    """Return whether a server failed (5xx) in a way that the next request would not change."""
    status = error.status if isinstance(error, RequestError) else None
    return status is not None and status >= 500 and status not in PASSING_STATUSES


def connect_error(error: Exception, url: str, proxy: str = "") -> RequestError:
    """Return our error for a connection that could not be opened.

    - `url`: What was requested.
    - `proxy`: Host and port of the proxy that was to be connected to, where it is the one that failed.
    """
    where, host = address(url), host_label(url)
    if isinstance(error, RequestError):
        return error
    if proxy:
        reason = tls_reason(error) if isinstance(error, ssl.SSLError) else connect_reason(error)
        return ProxyFailure(f"cannot reach the proxy {proxy} on the way to {host}: {reason}", url=where)
    if isinstance(error, ssl.SSLError):
        return TLSFailure(f"TLS failed: {host}: {tls_reason(error)}", url=where)
    if isinstance(error, TimeoutError):
        return ConnectTimeout(f"timeout: {host} did not accept a connection in time", url=where)
    reason = connect_reason(error)
    hint = MORE_OPEN if reason == os.strerror(errno.EMFILE).lower() else None
    return ServerUnreachable(f"cannot reach {host}: {reason}", url=where, hint=hint)


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


def tls_reason(error: ssl.SSLError) -> str:
    """Return why TLS failed, in a few words."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return one_line(error.verify_message, 120) or "the certificate is not trusted"
    reason = one_line((error.reason or str(error)).replace("_", " ").lower(), 120)
    return f"{reason}: it may speak http there" if reason == "wrong version number" else reason


HOSTED_HINT = (
    "the hosted service ended in 2023: try the sample catalog (`mlhub-tui --sample`), a public source"
    " (`mlhub-tui sources list --known`), or another deployment (`--root-url`)"
)


def hosted_hint(url: str) -> str | None:
    """Return what to do where a URL is of the hosted service, which has ended; None for any other."""
    return HOSTED_HINT if host(url) == HOSTED else None


PASSING_STATUSES = frozenset(
    # 425 is RFC 8470; 520 to 530 are Cloudflare's but for 529, "overloaded"; that a certificate behind it is
    # not valid (526) lasts. 598 and 599 are time-outs of proxies. 400, 401, 403 and 404 never pass.
    {408, 425, 429, 500, 502, 503, 504, *range(520, 526), 527, 529, 530, 598, 599}
)
"""Statuses that may be gone when the request is repeated. 202 (being prepared) is apart: it is no failure."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how patiently a request is repeated.

    - `tries`: Requests without progress, the first one counted; None for as long as it takes.
    - `doubtful_tries`: The same where the response makes no sense (a portal's page, a rejected link); None as
      `tries`.
    - `base`, `cap`: Seconds; after the n-th failure the wait is random, up to `min(cap, base * 2**(n-1))`.
      Full jitter keeps many clients from returning at the same moment.
    - `longest_wait`: Seconds to wait at a time where a server asks for it (`Retry-After`).
    - `patience`: Seconds; a server that asks for more than this and `longest_wait` is given up at once.
    - `budget`: Seconds since the first try after which no new try starts; None for no limit.
    - `random`, `sleep`, `clock`: Where chance and time come from.
    """

    tries: int | None = 3
    doubtful_tries: int | None = None
    base: float = 0.4
    cap: float = 4.0
    longest_wait: float = 5.0
    patience: float = 0.0
    budget: float | None = 10.0
    random: Callable[[], float] = random.random
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    clock: Callable[[], float] = time.monotonic

    def wait(
        self, failures: int, elapsed: float = 0.0, retry_after: float | None = None, *, doubtful: bool = False
    ) -> float | None:
        """Return the seconds to wait after the n-th failure in a row, or None to give up."""
        if self.exhausted(failures, doubtful=doubtful):
            return None
        if self.asks_too_much(retry_after):
            return None
        seconds = self.delay(failures, retry_after)
        return seconds if self.budget is None or elapsed + seconds <= self.budget else None

    def asks_too_much(self, retry_after: float | None) -> bool:
        """Return whether a server asks to wait longer than anybody does here."""
        return retry_after is not None and retry_after > max(self.longest_wait, self.patience)

    def delay(self, failures: int, retry_after: float | None = None) -> float:
        """Return the seconds to wait after the n-th failure in a row, whatever the limits of tries are."""
        if retry_after is not None:
            return min(retry_after, self.longest_wait) + self.random() * self.base
        return self.random() * min(self.cap, self.base * 2.0 ** min(failures - 1, 16))

    def exhausted(self, failures: int, *, doubtful: bool) -> bool:
        """Return whether so many failures in a row are enough."""
        limits = (self.tries, self.doubtful_tries if doubtful else None)
        return any(limit is not None and failures >= limit for limit in limits)


class Timeouts(NamedTuple):
    """Patience of one request, in seconds; time in which the event loop itself is held up does not count.

    - `first_byte`: From the request to the end of the response's head.
    - `low_speed_time`, `low_speed_limit`: A body that brings fewer than `low_speed_limit` bytes a second over
      `low_speed_time` seconds is stalled (curl's --speed-time and --speed-limit).
    """

    first_byte: float = 120.0
    low_speed_time: float = 30.0
    low_speed_limit: float = 100.0


DEFAULT_TIMEOUTS = Timeouts()


LONGEST_WAIT = 1800.0
"""Seconds that a command, or somebody who looks on, waits where a server asks for it."""
NO_RETRIES = RetryPolicy(tries=1)
COMMAND_RETRIES = RetryPolicy(
    tries=6, doubtful_tries=4, base=1.0, cap=20.0, longest_wait=LONGEST_WAIT, budget=None
)
"""Downloads of commands and scripts, which must end."""
QUEUE_RETRIES = RetryPolicy(
    tries=None, doubtful_tries=4, base=1.0, cap=60.0, longest_wait=3600.0, patience=86400.0, budget=None
)
"""Downloads of the queue, which wait until the network is back."""


def parse_retry_after(value: str | None, now: Callable[[], datetime] | None = None) -> float | None:
    """Return the seconds of a `Retry-After` header (RFC 9110, section 10.2.3), None where it is none.

    - `value`: A number of seconds or an HTTP date.
    - `now`: The current UTC time, for dates; a date in the past means no wait.
    """
    text = (value or "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:12])
    if not text:
        return None
    from email.utils import parsedate_to_datetime  # not at the top: 10 ms, and few responses have a date

    try:
        moment = parsedate_to_datetime(text)
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - (now() if now else datetime.now(UTC))).total_seconds())


MLHUB_KEY = "check the key on the Profiles screen, or run `mlhub-tui configure`"
"""What to do about the key of an MLHub API that is missing or refused."""
ADD_KEY = (
    "add the source with its key: `mlhub-tui sources add NAME URL --token`, or --header, --key, --user"
    " (--replace where it is there)"
)
"""What to do about the key of any other source."""
NO_KEY_SENT = f"no key was sent: check the URL, or {ADD_KEY}"
"""What to do about what is not allowed (403) without a key."""

_LISTINGS = {
    403: "not allowed",
    404: "not found",
    408: "the server gave up waiting (408)",
    410: "not found",
    429: "too many requests (429)",
    511: "the network requires a login first",
}
_GONE = "the file is no longer at this address; list the source again"
_COLD = "it is in cold storage: the owner of the data can restore it"
_LASTING = frozenset({501, 505, 506, 508, 510})  # RFC 9110, 15.6, RFC 2295, 5842, 2774: not a matter of time
_NEVER = "retrying does not help: check the URL, or report it to the owner of the server"
_PORTAL = "log in to the network's portal"
_LONG, _CENTURY = 60, 36525 * 86400  # seconds
_SAID = 4096  # bytes of a body that are searched for words
# What Google, GitHub, S3 and others say with 400 or 403 where others send 429.
_THROTTLED = re.compile(rb"slow ?down|rate ?limit|throttl|RequestTimeout", re.IGNORECASE)
_XML_WORDS = re.compile(r"<(Message|Code)>([^<]{1,300})</\1>", re.IGNORECASE)
_JSON_WORDS = re.compile(r'"(?:detail|message|description|error)"\s*:\s*"((?:[^"\\]|\\.){1,300})"')
_PLAIN_REASON = re.compile(r"[A-Za-z'-]{1,15}(?: [A-Za-z'-]{1,15}){0,5}")


def status_error(
    status: int,
    url: str,
    headers: Mapping[str, str],
    body: bytes,
    *,
    reason: str = "",
    what: str = "",
    key_sent: bool,
    secret: str | None = None,
    hidden: Iterable[str] = (),
    key_hint: str | None = None,
) -> RequestError:
    """Return the error that a status of 202, or of 300 and above, means.

    - `headers`, `body`, `reason`: What came with it: names in any case where the mapping takes them; the
      first bytes of the body.
    - `what`: The file that a link leads to, as the user knows it: a link that is refused may be requested
      again from its source. Empty for a listing or a document of a source.
    - `key_sent`: Whether the request carried credentials: 401 is their refusal then, not that of the link.
    - `secret`, `hidden`: The source's key, if it has one, and the forms in which it was sent: cut out of the
      server's words.
    - `key_hint`: What to do about a key that a listing lacks.
    """
    said = server_words(headers, body, (*([secret] if secret else []), *hidden))
    phrase = _phrase(status, reason)
    adds = said.casefold().rstrip(".") not in ("", phrase.casefold(), f"{status} {phrase}".casefold())
    tail = f": {said}" if adds else ""
    where, place = (address(url), host_label(url)) if what else (shown(url), "")
    known: dict[str, Any] = {"url": where, "status": status}
    after = parse_retry_after(headers.get("retry-after"))
    then = "retry then" if LONGEST_WAIT < (after or 0) < _CENTURY else None
    if what:
        words = f"{place} returned {status} {phrase}".rstrip() + f" for {what}{tail}"
    else:
        words = f"{_LISTINGS.get(status) or _failed(status)}: {where}{tail}"
    if status == 202:
        made = f"{what} is being prepared by {place}" if what else f"the answer is being prepared: {where}"
        words = f"{made} (202){_asked_wait(after)}"
        return BeingPrepared(words, hint=then, retry_after=after, **known)
    if 300 <= status < 400:
        if status not in (300, 304):  # these are no redirects
            words = f"{host_label(url)} redirects without saying where ({status}): {what or where}{tail}"
        return UnexpectedAnswer(words, hint=_NEVER, **known)
    if status == 401 and what and not key_sent:
        words = f"{place} asks for credentials (401) for {what}{tail}"
        return LoginRequired(words, hint=_login_hint(url, headers), **known)
    if status == 401:
        words = words if what else f"{_refused_key(secret, key_sent)}: {where}{tail}"
        return AuthenticationError(words, hint=key_hint, **known)
    if what and status == 403 and b"InvalidObjectState" in body:  # S3 of what was moved to Glacier
        return RequestRefused(words, hint=_COLD, **known)
    if (status == 403 and after is not None) or (status in (400, 403) and _THROTTLED.search(body[:_SAID])):
        return ServerError(f"{words}{_asked_wait(after)}", hint=then, retry_after=after, **known)
    # Google and AWS answer 400 where a token of the link, rather than its signature, has expired.
    if what and (status in (403, 404, 410) or (status == 400 and b"expired" in body.lower())):
        return LinkRejected(words, hint=_GONE if status in (404, 410) else None, **known)
    if status == 403:
        return AccessDenied(words, hint=None if secret else NO_KEY_SENT, **known)
    if status in (404, 410):
        return EntityDoesNotExist(words, **known)
    if status == 407:
        words = f"the proxy before {words}" if what else f"the proxy requires a login (407): {where}{tail}"
        return RequestRefused(words, hint=PROXY_LOGIN, **known)
    if status == 511:  # RFC 6585, section 6
        words = f"the network requires a login first: {words}" if what else words
        return UnexpectedAnswer(words, hint=_PORTAL, **known)
    # A file is requested again only where that may help; a listing shows the same error in both cases.
    if status in PASSING_STATUSES or (status >= 500 and not what):
        hint = hosted_hint(url) or (_NEVER if status in _LASTING else then)
        return ServerError(f"{words}{_asked_wait(after)}", hint=hint, retry_after=after, **known)
    return RequestRefused(words, hint="report it to the owner of the data" if what else None, **known)


def server_words(headers: Mapping[str, str], body: bytes, hidden: Iterable[str] = ()) -> str:
    """Return the message of a server's error response: cleaned, redacted, on one line; empty if none.

    APIs send JSON, see `words_in`; stores XML with a `Message`; others plain text.
    """
    kind = headers.get("content-type", "").lower()
    said = body[:_SAID].decode("utf-8", "replace").strip()
    if said.startswith(("{", "[", '"')):
        said = _of_json(body, said)
    elif said.startswith("<") and (found := {k.lower(): v for k, v in _XML_WORDS.findall(said)}):
        said = found.get("message") or found["code"]
    elif "text/plain" in kind:
        said = said.partition("\n")[0]
    else:
        return ""
    return one_line(masked(redact(one_line(said)), hidden), 200)


def _of_json(body: bytes, start: str) -> str:
    """Return the words of a JSON document, or of the start of one that was cut."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        match = _JSON_WORDS.search(start)
        return match[1].replace('\\"', '"').replace("\\n", " ") if match else ""
    return words_in(document)


def _failed(status: int) -> str:
    if status in PASSING_STATUSES or status >= 500:
        return f"the server failed ({status})"
    return f"the API refused the request ({status})"


def _asked_wait(seconds: float | None) -> str:
    """Return how long a server asks to wait, where a person would wonder what becomes of the request."""
    if seconds is None or seconds < _LONG:
        return ""
    if seconds > _CENTURY:
        return f"; it asks to wait {seconds / _CENTURY:,.0f} centuries"
    return f"; it asks to wait {duration(seconds)}, until {local_time(time.time() + seconds)[:16]}"


def _refused_key(secret: str | None, sent: bool) -> str:
    if secret and sent:
        return f"the API refused the key {mask(secret)}"
    return "no API key was sent" + (", because this is not the API's own origin" if secret else "")


def _login_hint(url: str, headers: Mapping[str, str]) -> str:
    """Return how to give what a server asks for (RFC 9110, section 11.6.1)."""
    host = parse_url(url).origin.host
    if re.match("basic", headers.get("www-authenticate", ""), re.IGNORECASE):
        return f"{host} requires a login: {netrc_hint(host)}"
    return f"{ADD_KEY}; where the file is on another host, {netrc_hint(host)}"


def _phrase(status: int, reason: str) -> str:
    """Return the reason phrase where it is plain words (`Slow Down`): no key is echoed in those."""
    phrase = one_line(reason, 60)
    if _PLAIN_REASON.fullmatch(phrase):
        return phrase
    return HTTPStatus(status).phrase if status in set(HTTPStatus) else ""
