"""Steps: the requests that lead through a listing, page by page, in every dialect of the `next` link."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

from ..errors import UnexpectedAnswer
from ..models import JsonDict
from .hrefs import resolve_href
from .origin import shown, without_key

Bare = Callable[[str], str]
REPEATED = "the link to the next page leads back to a page that was seen"
_UNTOUCHABLE = frozenset(
    {"authorization", "proxy-authorization", "cookie", "host", "connection", "upgrade", "te", "trailer"}
    | {"content-length", "content-type", "content-encoding", "transfer-encoding", "accept-encoding", "expect"}
)
"""Headers that a link may not set: they carry secrets, or belong to the connection (RFC 9110, 7.6.1)."""


@dataclass(frozen=True, slots=True)
class Step:
    """One request of a listing.

    Parameters
    ----------
    url
        Absolute, without keys.
    method
        `GET` or `POST`.
    headers
        What the link that led here wants to be sent.
    body
        The JSON body of a POST.
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
    def decoded(cls, text: str) -> Step:
        """Return the step of such a text.

        Raises
        ------
        UnexpectedAnswer
            If it is none.
        """
        if not text.startswith("{"):
            return cls(text)
        try:
            parts = json.loads(text)
            body = parts.get("body", {} if parts.get("method") == "POST" else None)
            return cls(parts["url"], parts.get("method", "GET"), parts.get("headers", {}), body)
        except (ValueError, KeyError, RecursionError) as error:
            raise UnexpectedAnswer("this is no link to a page") from error


def following(
    page: Mapping[str, Any], page_url: str, step: Step, bare: Bare = without_key
) -> tuple[Step | None, str]:
    """Return the step to the next page, or None and the reason where there is one that cannot be taken.

    A link is followed to another origin too, where it goes without the key. Where it names the page's own
    host with `http` although the page came by `https`, as APIs behind a proxy do, `https` is meant.

    Parameters
    ----------
    page
        The answer.
    page_url
        Where it came from; relative links resolve against it (RFC 3986, section 5.2).
    step
        The request that was sent; a link with `merge` changes it (STAC API, Item Search, "Pagination").
    bare
        Takes the key in use out of a URL: servers write it into their links.
    """
    link = _next_of(page.get("links"))
    try:
        if link is None:
            return _of_token(page, step), ""
        found = _of_link(link, page_url, step, bare)
    except UnexpectedAnswer as error:
        return None, error.message
    return (None, REPEATED) if found == step else (found, "")


def _next_of(links: Any) -> JsonDict | None:
    """Return the link whose relation is `next`; relations are compared without case (RFC 8288, 2.1.1)."""
    for link in links if isinstance(links, list) else []:
        if not isinstance(link, dict) or not isinstance(link.get("rel"), str):
            continue
        href, kind = link.get("href"), link.get("type")
        page = isinstance(kind, str) and "html" in kind.lower()  # the same page, to be looked at
        if link["rel"].strip().lower() == "next" and isinstance(href, str) and href.strip() and not page:
            return link
    return None


def _of_link(link: JsonDict, page_url: str, step: Step, bare: Bare) -> Step:
    url = absolute(link["href"], page_url, bare)
    method = str(link.get("method") or "GET").upper()
    merge = link.get("merge") is True
    headers = _headers(link.get("headers"))
    if merge:
        headers = {**step.headers, **headers}
    if method == "GET":
        return Step(url, headers=headers)
    if method != "POST":
        raise UnexpectedAnswer(
            f"the next page wants the method {shown(method)}: {shown(url)}", url=shown(page_url)
        )
    body = link.get("body")
    before = step.body or {}
    # A link without a body cannot mean a search for everything: what was asked for stays in force.
    wanted = before if not isinstance(body, dict) else {**before, **body} if merge else body
    return Step(url, "POST", headers, dict(wanted))


def _of_token(page: Mapping[str, Any], step: Step) -> Step | None:
    """Return the step by the bare token that STAC 0.9 puts beside the counts, where there is no link."""
    for name in ("search:metadata", "context"):
        counts = page.get(name)
        token = counts.get("next") if isinstance(counts, dict) else None
        if isinstance(token, bool) or not isinstance(token, str | int) or token == "":
            continue
        if step.method == "POST":
            return Step(step.url, "POST", step.headers, {**(step.body or {}), "next": token})
        return Step(_with_token(step.url, token), headers=step.headers)
    return None


def _with_token(url: str, token: str | int) -> str:
    base, _, query = url.partition("?")
    kept = [part for part in query.split("&") if part and not part.startswith("next=")]
    return f"{base}?{'&'.join([*kept, urlencode({'next': token})])}"


def absolute(href: str, page_url: str, bare: Bare = without_key) -> str:
    """Return the absolute URL of a link in an answer, without keys.

    Raises
    ------
    UnexpectedAnswer
        If it is none that can be asked for.
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
