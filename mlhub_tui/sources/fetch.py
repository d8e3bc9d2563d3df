"""Fetching one page of a listing, and saying where the next one is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..errors import RequestError
from ..models import JsonDict
from .answers import as_object, decode
from .http import Session
from .page_size import limit_of, may_be_size, smaller
from .steps import Step, following

if TYPE_CHECKING:
    import httpx

ACCEPT = "application/geo+json, application/json;q=0.9"


@dataclass(frozen=True, slots=True)
class Fetched:
    """An answer with what leads on from it.

    Parameters
    ----------
    answer
        The JSON object as received.
    url
        Where it came from, after redirects, without keys.
    next
        The step to the next page; None at the end.
    stopped
        Why there is none although the answer names one; empty otherwise.
    limit
        How many entries were asked for in the end; None where that was left to the server.
    """

    answer: JsonDict = field(repr=False)
    url: str
    next: Step | None = None
    stopped: str = ""
    limit: int | None = None


async def fetch(session: Session, step: Step, *, bare: str = "") -> Fetched:
    """Ask for a page; a POST is a search here, which is safe to repeat as a GET is.

    A page that may be too large for the server is asked for again in smaller ones, once for each size.

    Parameters
    ----------
    bare
        The name under which an answer that is a bare list is put; without one a list is refused.

    Raises
    ------
    RequestError
        As `Session.request`; the same step can be taken again.
    """
    try:
        return await _fetch(session, step, bare, repeatable=True)
    except RequestError as error:
        if not may_be_size(error):
            raise
        failure = error
    for less in smaller(step, failure):
        try:
            return await _fetch(session, less, bare, repeatable=False)
        except RequestError as error:
            if not may_be_size(error):
                break
    raise failure


async def _fetch(session: Session, step: Step, bare: str, *, repeatable: bool) -> Fetched:
    response = await _send(session, step, repeatable)
    if response.request.method != step.method:
        # A redirect made a GET of our POST (RFC 9110, 15.4.2): that is another question, ask ours there.
        moved = Step(str(response.url), step.method, step.headers, step.body)
        response = await _send(session, moved, repeatable)
    value = await decode(response, session.keys)
    if bare and isinstance(value, list):
        value = {bare: value}
    url = session.bare(str(response.url))
    answer = as_object(value, url)
    link, stopped = following(answer, url, step, session.bare)
    return Fetched(answer, url, link, stopped, limit_of(step))


async def _send(session: Session, step: Step, repeatable: bool) -> httpx.Response:
    headers = {"Accept": ACCEPT, **step.headers}
    return await session.request(
        step.method, step.url, headers=headers, json=step.body, repeatable=repeatable
    )
