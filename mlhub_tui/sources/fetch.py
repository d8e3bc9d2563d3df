"""Fetching one page of a listing, and saying where the next one is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..models import JsonDict
from .answers import as_object, decode
from .http import Session
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
    """

    answer: JsonDict = field(repr=False)
    url: str
    next: Step | None = None
    stopped: str = ""


async def fetch(session: Session, step: Step, *, bare: str = "") -> Fetched:
    """Ask for a page; a POST is a search here, which is safe to repeat as a GET is.

    Parameters
    ----------
    bare
        The name under which an answer that is a bare list is put; without one a list is refused.

    Raises
    ------
    RequestError
        As `Session.request`; the same step can be taken again.
    """
    response = await _send(session, step)
    if response.request.method != step.method:
        # A redirect made a GET of our POST (RFC 9110, 15.4.2): that is another question, ask ours there.
        moved = Step(str(response.url), step.method, step.headers, step.body)
        response = await _send(session, moved)
    value = await decode(response, session.keys)
    if bare and isinstance(value, list):
        value = {bare: value}
    url = session.bare(str(response.url))
    answer = as_object(value, url)
    link, stopped = following(answer, url, step, session.bare)
    return Fetched(answer, url, link, stopped)


async def _send(session: Session, step: Step) -> httpx.Response:
    headers = {"Accept": ACCEPT, **step.headers}
    return await session.request(step.method, step.url, headers=headers, json=step.body, repeatable=True)
