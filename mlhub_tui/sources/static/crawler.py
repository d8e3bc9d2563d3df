"""Walking a tree of catalogs breadth first, side by side: every catalog and collection once."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from itertools import islice

from ...errors import RequestError
from ...models import Document
from .document_urls import same
from .documents import DocumentLoader
from .links import Children, Role, refusal

_WAVE = 64  # documents asked for in one go


@dataclass(frozen=True, slots=True)
class Found:
    """A catalog or collection, or why it could not be read.

    Parameters
    ----------
    url
        Where it was asked for.
    document
        It; None where it could not be read.
    problem
        Why not, in a sentence; empty otherwise.
    """

    url: str
    document: Document | None = None
    problem: str = ""


class CatalogCrawler:
    """What is found from a root on by `child` links, nearest first; nothing comes twice.

    Depth costs nothing: what is still to visit is a queue. A catalog that contains itself, or one above
    it, is visited once. A wave that is cancelled can be asked for again.

    Parameters
    ----------
    library
        Where documents come from.
    root_url
        Where to begin.
    """

    def __init__(self, library: DocumentLoader, root_url: str) -> None:
        self._library = library
        self._waiting = deque([same(root_url)])
        self._seen = {hash(same(root_url))}

    @property
    def done(self) -> bool:
        """Whether there is nothing left to visit."""
        return not self._waiting

    async def wave(self) -> list[Found]:
        """Return the next documents, a few dozen of them; links that must not be followed are problems."""
        urls = list(islice(self._waiting, _WAVE))
        found: list[Found] = []
        below: list[tuple[str, str]] = []
        for url, loaded in zip(urls, await self._library.load(urls), strict=True):
            if isinstance(loaded, RequestError):
                found.append(Found(url, None, loaded.message))
            elif isinstance(loaded, Document):
                found.append(Found(url, loaded))
                children = await self._library.holder(url)
                if isinstance(children, Children):
                    below.extend((loaded.url, link.url) for link in children.of_role(Role.CHILD))
        for _ in urls:
            self._waiting.popleft()
        found.extend(self._enqueue(below))
        return found

    def _enqueue(self, below: list[tuple[str, str]]) -> list[Found]:
        """Put new children into the queue; return those that must not be followed."""
        refused: list[Found] = []
        for document_url, child in below:
            if hash(child) in self._seen:
                continue
            self._seen.add(hash(child))
            why = refusal(document_url, child)
            if why:
                refused.append(Found(child, None, why))
            else:
                self._waiting.append(child)
        return refused
