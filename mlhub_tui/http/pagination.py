"""Pagination: the `next` links of listings in every dialect, smaller pages, and listings that never end."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, quote_plus, urlencode, urlsplit

from ..errors import AnswerCutShort, AnswerTooLarge, RequestError, ServerTimeout, UnexpectedAnswer
from ..models import JsonDict
from ..models.document import links_of
from .errors import ConnectionLost, ConnectTimeout
from .urls import resolve_href, shown, without_key

Params = Mapping[str, Any] | None
Bare = Callable[[str], str]
ACCEPT = "application/geo+json, application/json;q=0.9"
REPEATED = "the link to the next page leads back to a page that was seen"
EMPTY_PAGES = 20
"""In a row, after which a listing is given up."""
# Headers that a link may not set: they carry secrets, or belong to the connection (RFC 9110, 7.6.1).
_UNTOUCHABLE = frozenset(
    {"authorization", "proxy-authorization", "cookie", "host", "connection", "upgrade", "te", "trailer"}
    | {"content-length", "content-type", "content-encoding", "transfer-encoding", "accept-encoding", "expect"}
)
_REFUSED = frozenset({400, 422})
_DENIED = frozenset({403, 404, 414})
"""What firewalls answer to a parameter that they do not like; mostly it means something else."""
_TOO_LARGE = frozenset({413, 502, 504})
"""What gateways answer where a page has more bytes, or takes more seconds, than they pass on."""
_SAYING_SO = frozenset({500, 503})
"""What servers answer for any reason, so that the words tell."""
_SIZES = (50, 25, 10, 5, 1)
_FEW_SIZES = (10, 1)  # where the request leaves the size to the server, or each try costs a time-out
_ABOUT_SIZE = re.compile(r"limit|page|size|too (many|large|big)|maximum|exceed|at most", re.IGNORECASE)
_NUMBER = re.compile(r"(?<![\w.])\d{1,6}(?![\w.]*\w)")


@dataclass(frozen=True, slots=True)
class PageRequest:
    """One request of a listing.

    - `url`: Absolute, without keys.
    - `headers`: What the link that led here wants to be sent.
    - `body`: The JSON body of a POST.
    """

    url: str
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: JsonDict | None = field(default=None, hash=False)

    def encoded(self) -> str:
        """Return the step as an opaque text: its URL where that says it all, else JSON."""
        if self.method == "GET" and not self.headers and self.body is None:
            return self.url
        parts = {"url": self.url, "method": self.method, "headers": dict(self.headers), "body": self.body}
        return json.dumps({name: value for name, value in parts.items() if value}, sort_keys=True)

    @classmethod
    def decoded(cls, text: str) -> PageRequest:
        """Return the step of such a text.

        Raises UnexpectedAnswer if it is none.
        """
        if not text.startswith("{"):
            return cls(text)
        try:
            parts = json.loads(text)
            body = parts.get("body", {} if parts.get("method") == "POST" else None)
            return cls(parts["url"], parts.get("method", "GET"), parts.get("headers", {}), body)
        except (ValueError, KeyError, RecursionError) as error:
            raise UnexpectedAnswer("this is no link to a page") from error

    def number(self, name: str) -> int | None:
        """Return a parameter that is a positive whole number; None where it is not given, or is none."""
        found: Any = (self.body or {}).get(name)
        if found is None:
            match = re.search(rf"[?&]{name}=(\d+)(?=&|#|$)", self.url)
            found = int(match[1]) if match else None
        return found if isinstance(found, int) and not isinstance(found, bool) and found > 0 else None

    def having(self, name: str, value: str | int | None) -> PageRequest:
        """Return the step with another value of a parameter, or without it; all else stays as written."""
        if self.method == "POST" and self.body is not None:
            rest = {key: each for key, each in self.body.items() if key != name}
            return replace(self, body=rest if value is None else {**self.body, name: value})
        base, _, query = self.url.partition("?")
        parts = [part for part in query.split("&") if part]
        at = next((n for n, part in enumerate(parts) if part.partition("=")[0] == name), len(parts))
        rest_of_query = [part for part in parts if part.partition("=")[0] != name]
        if value is not None:
            rest_of_query.insert(at, f"{name}={quote_plus(str(value))}")
        return replace(self, url=base + ("?" + "&".join(rest_of_query) if rest_of_query else ""))


@dataclass(frozen=True, slots=True)
class FetchedPage:
    """An answer with what leads on from it.

    - `answer`: The JSON object as received.
    - `url`: Where it came from, after redirects, without keys.
    - `next`: The step to the next page; None at the end.
    - `stopped`: Why there is none although the answer names one; empty otherwise.
    - `limit`: How many entries were asked for in the end; None where that was left to the server.
    """

    answer: JsonDict = field(repr=False)
    url: str
    next: PageRequest | None = None
    stopped: str = ""
    limit: int | None = None


def with_params(url: str, params: Params) -> str:
    """Return a URL with the parameters it does not hold yet; a sequence gives one `name=value` per entry.

    The hosted API's `next` links hold a token but no page size: what was asked for stays in force.
    """
    base, mark, fragment = url.partition("#")
    known = {name for name, _ in parse_qsl(base.partition("?")[2], keep_blank_values=True)}
    pairs: list[tuple[str, str]] = []
    for name, value in (params or {}).items():
        if name in known or value is None:
            continue
        values = value if isinstance(value, Sequence) and not isinstance(value, str) else [value]
        pairs.extend((name, str(entry)) for entry in values)
    if not pairs:
        return url
    joiner = "?" if "?" not in base else "" if base.endswith(("?", "&")) else "&"
    return f"{base}{joiner}{urlencode(pairs, errors='replace')}{mark}{fragment}"


def following(
    page: Mapping[str, Any], page_url: str, step: PageRequest, bare: Bare = without_key
) -> tuple[PageRequest | None, str]:
    """Return the step to the next page, or None and the reason where there is one that cannot be taken.

    A link is followed to another origin too, where it goes without the key. Where it names the page's own
    host with `http` although the page came by `https`, as APIs behind a proxy do, `https` is meant. Where
    there is no link, the bare token counts that STAC 0.9 puts beside the counts.

    - `page_url`: Where it came from; relative links resolve against it (RFC 3986, section 5.2).
    - `step`: The request that was sent; a link with `merge` changes it (STAC API, Item Search, "Pagination").
    - `bare`: Removes the key in use from a URL: servers write it into their links.
    """
    # A type of HTML is wrong where it is the only link: a listing must not end in silence.
    for link in links_of(page, "next") or links_of(page, "next", pages=True):
        try:
            found = _of_link(link, page_url, step, bare)
        except UnexpectedAnswer as error:
            return None, error.message
        return (None, REPEATED) if found == step else (found, "")
    for name in ("search:metadata", "context"):
        counts = page.get(name)
        token = counts.get("next") if isinstance(counts, dict) else None
        if isinstance(token, str | int) and not isinstance(token, bool) and token != "":
            return replace(step, body=step.body or ({} if step.method == "POST" else None)).having(
                "next", token
            ), ""
    return None, ""


def _of_link(link: JsonDict, page_url: str, step: PageRequest, bare: Bare) -> PageRequest:
    url = absolute(link["href"], page_url, bare)
    # Where a search was posted and a body has the token, some servers leave the method out.
    usual = step.method if link.get("body") else "GET"
    method = str(link.get("method") or usual).upper()
    merge = link.get("merge") is True
    headers = {**(step.headers if merge else {}), **_headers(link.get("headers"))}
    if method == "GET":
        return PageRequest(url, headers=headers)
    if method != "POST":
        raise UnexpectedAnswer(
            f"the next page requires the method {shown(method)}: {shown(url)}", url=shown(page_url)
        )
    body, before = link.get("body"), step.body or {}
    # A link without a body cannot mean a search for everything: what was asked for stays in force.
    wanted = before if not isinstance(body, dict) else {**before, **body} if merge else body
    return PageRequest(url, "POST", headers, dict(wanted))


def absolute(href: str, page_url: str, bare: Bare = without_key) -> str:
    """Return the absolute URL of a link in an answer, without keys.

    Raises UnexpectedAnswer if it is none that can be asked for.
    """
    try:
        url = bare(resolve_href(page_url, href))
        split, page = urlsplit(url), urlsplit(page_url)
        if split.scheme == "http" and page.scheme == "https" and split.netloc == page.netloc:
            url = f"https{url[4:]}"
        good = split.scheme in ("http", "https") and bool(split.hostname)
    except ValueError:
        good = False
    if not good:
        raise UnexpectedAnswer(f"a link cannot be followed: {shown(href)}", url=shown(page_url))
    return url


def _headers(value: Any) -> dict[str, str]:
    """Return the headers of a link that may be sent: one line of ASCII each, none that is ours to set."""
    entries = value.items() if isinstance(value, dict) else ()
    return {
        name: text
        for name, entry in entries
        if isinstance(entry, str | int) and not isinstance(entry, bool)
        if name.lower() not in _UNTOUCHABLE and name.replace("-", "").replace("_", "").isalnum()
        if name.isascii() and (text := str(entry)).isascii() and text.isprintable()
    }


class PageGuard:
    """Notices links and pages that come again, and pages that stay empty.

    Of all pages but the last only hashes are saved: a listing of a million items costs a few bytes a page.
    """

    def __init__(self) -> None:
        self._links: set[int] = set()
        self._pages: set[int] = set()
        self._last: list[Any] = []
        self._empty = 0

    def repeats_link(self, link: str) -> bool:
        """Whether this link was given before."""
        known = hash(link) in self._links
        self._links.add(hash(link))
        return known

    def repeats_page(self, entries: Sequence[Any]) -> bool:
        """Whether a page of the same ids was given before, or too many empty ones in a row.

        Also where only the beginning of the page before was wanted; its entries are compared whole then, as
        two items may have one id.
        """
        if not entries:
            self._empty += 1
            return self._empty > EMPTY_PAGES
        self._empty = 0
        ids = tuple(repr(e.get("id") if isinstance(e, dict) else e) for e in entries)
        known = hash(ids) in self._pages or list(entries) == self._last[: len(ids)]
        self._pages.add(hash(ids))
        self._last = list(entries)
        return known


def may_be_size(error: RequestError) -> bool:
    """Whether a request may have failed for the number of entries that it asked for."""
    if isinstance(error, ServerTimeout):
        return not isinstance(error, ConnectTimeout)
    if error.status in _SAYING_SO:
        return _speaks_of_size(error)
    if error.status == HTTPStatus.NOT_FOUND:
        return "limit" in _said(error).lower()
    kinds = AnswerCutShort | AnswerTooLarge | ConnectionLost
    return error.status in _REFUSED | _DENIED | _TOO_LARGE or isinstance(error, kinds)


def smaller(step: PageRequest, error: RequestError) -> Iterator[PageRequest]:
    """Yield the requests to try, one after the other, in place of one that failed.

    They begin at the same entry: offsets and tokens stay, the number of a page becomes that of the smaller
    page with the same first entry. A refusal that does not speak of a size is answered once, by leaving the
    size to the server; one that mostly means something else, with another size before at most.
    """
    limit, page = step.number("limit"), step.number("page")
    if error.status in _REFUSED | _DENIED:
        sizes = _named_sizes(error, limit) if limit else ()
        sizes = sizes[:1] if error.status in _DENIED else sizes
    else:
        few = _FEW_SIZES if not limit or isinstance(error, ServerTimeout) else _SIZES
        sizes = tuple(size for size in few if not limit or size < limit)
    for size in sizes:
        if page is None or page <= 1:
            yield step.having("limit", size)
        elif limit and (page - 1) * limit % size == 0:
            yield step.having("limit", size).having("page", (page - 1) * limit // size + 1)
    if error.status in _REFUSED | _DENIED and limit and (page is None or page <= 1):
        yield step.having("limit", None)


def _named_sizes(error: RequestError, limit: int) -> tuple[int, ...]:
    """Return the sizes to try after a refusal: the bound that it names, else some."""
    if not _speaks_of_size(error):
        return ()
    bounds = [int(found) for found in _NUMBER.findall(_said(error))]
    named = max((bound for bound in bounds if 1 < bound < limit), default=0)
    others = tuple(size for size in _SIZES if size < (named or limit))
    return (named, *others) if named else others


def _speaks_of_size(error: RequestError) -> bool:
    return bool(_ABOUT_SIZE.search(_said(error)))


def _said(error: RequestError) -> str:
    """Return the server's own words."""
    return error.message.partition(f"{error.url}: ")[2]
