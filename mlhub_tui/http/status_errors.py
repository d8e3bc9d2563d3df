"""Errors of responses: one mapping of statuses for listings and files, with the server's own words."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from ..errors import (
    AccessDenied,
    AuthenticationError,
    EntityDoesNotExist,
    RequestError,
    RequestRefused,
    ServerError,
    UnexpectedAnswer,
)
from ..text import duration, local_time, mask, one_line, redact
from .credentials import masked, netrc_hint
from .errors import (
    LONGEST_WAIT,
    PASSING_STATUSES,
    PROXY_LOGIN,
    BeingPrepared,
    LinkRejected,
    LoginRequired,
    hosted_hint,
    parse_retry_after,
)
from .json_document import words_in
from .urls import address, host_label, parse_url, shown

if TYPE_CHECKING:
    from .connection import Response

MLHUB_KEY = "check the key on the Profiles screen, or run `mlhub-tui configure`"
"""What to do about the key of an MLHub API that is missing or refused."""
ADD_KEY = (
    "add the source with its key: `mlhub-tui sources add NAME URL --token`, or --header, --key, --user"
    " (--replace where it is there)"
)
"""What to do about the key of any other source."""

_LISTINGS = {
    403: "not allowed",
    404: "not found",
    408: "the server gave up waiting (408)",
    410: "not found",
    429: "too many requests (429)",
    511: "the network requires a login first",
}
_GONE = "the file is no longer at this address; list the source again"
_LASTING = frozenset({501, 505, 506, 508, 510})  # RFC 9110, 15.6, RFC 2295, 5842, 2774: not a matter of time
_NEVER = "retrying does not help: check the URL, or report it to the owner of the server"
_PORTAL = "log in to the network's portal"
_LONG, _CENTURY = 60, 36525 * 86400  # seconds
_SAID = 4096  # bytes of a body that are searched for words
_XML_WORDS = re.compile(r"<(Message|Code)>([^<]{1,300})</\1>", re.IGNORECASE)
_JSON_WORDS = re.compile(r'"(?:detail|message|description|error)"\s*:\s*"((?:[^"\\]|\\.){1,300})"')
_PLAIN_REASON = re.compile(r"[A-Za-z'-]{1,15}(?: [A-Za-z'-]{1,15}){0,5}")


def status_error(
    status: int,
    url: str,
    headers: Mapping[str, str],
    body: bytes = b"",
    *,
    reason: str = "",
    what: str = "",
    key_sent: bool = False,
    secret: str | None = None,
    hidden: Iterable[str] = (),
    key_hint: str | None = None,
) -> RequestError:
    """Return the error that a status of 202, or of 400 and above, means.

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
    tail = f": {said}" if said else ""
    where, place = (address(url), host_label(url)) if what else (shown(url), "")
    known: dict[str, Any] = {"url": where, "status": status}
    after = parse_retry_after(headers.get("retry-after"))
    then = "retry then" if LONGEST_WAIT < (after or 0) < _CENTURY else None
    if what:
        words = f"{place} returned {status} {_phrase(status, reason)}".rstrip() + f" for {what}{tail}"
    else:
        words = f"{_LISTINGS.get(status) or _failed(status)}: {where}{tail}"
    if status == 202:
        made = f"{what} is being prepared by {place}" if what else f"the answer is being prepared: {where}"
        words = f"{made} (202){_asked_wait(after)}"
        return BeingPrepared(words, hint=then, retry_after=after, **known)
    if status == 401 and what and not key_sent:
        words = f"{place} asks for credentials (401) for {what}{tail}"
        return LoginRequired(words, hint=_login_hint(url, headers), **known)
    if status == 401:
        words = words if what else f"{_refused_key(secret, key_sent)}: {where}{tail}"
        return AuthenticationError(words, hint=key_hint, **known)
    # Google and AWS answer 400 where a token of the link, rather than its signature, has expired.
    if what and (status in (403, 404, 410) or (status == 400 and b"expired" in body.lower())):
        return LinkRejected(words, hint=_GONE if status in (404, 410) else None, **known)
    if status == 403:
        hint = None if secret else f"no key was sent: check the URL, or {ADD_KEY}"
        return AccessDenied(words, hint=hint, **known)
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


def raise_for_response(
    response: Response, what: str, *, page: bool = False, body: bytes = b"", key_sent: bool = False
) -> None:
    """Raise what a response means that is not the file `what`; see `status_error`.

    UnexpectedAnswer for several ranges in its place, and for a web page unless `page` says that it may be
    one, or is judged by its first bytes anyway. The range of a 206 is not judged here.
    """
    status, headers = response.status, response.headers
    if status not in (200, 206):
        raise status_error(
            status, response.url, headers, body, reason=response.reason, what=what, key_sent=key_sent
        )
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    url, host = address(response.url), host_label(response.url)
    if kind in ("text/html", "application/xhtml+xml") and not page:
        raise UnexpectedAnswer(f"{host} sent a web page in place of {what}", url=url, status=status)
    if kind == "multipart/byteranges" and status == 200:
        words = f"{host} sent {what} as several ranges, which were not requested"
        raise UnexpectedAnswer(words, url=url, status=status)


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
