"""Descending below a catalog to all its items, depth first, a page at a time, with a token to go on by."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from ...errors import RequestError, UnexpectedAnswer
from ...http.hrefs import shown
from ...models import Item
from ...text import count
from .document_urls import same
from .documents import WIDTH, DocumentLoader
from .links import Children, Link, Role, refusal
from .parse import ItemList

_DEEPEST = 4096  # catalogs within catalogs: the token of a page names them all
_MOST_NOTES = 20
_HOLDERS_A_PAGE = 2000  # a page comes to an end even where catalogs hold nothing

Position = tuple[int, ...]


@dataclass
class Step:
    """A page of what is below.

    Parameters
    ----------
    found
        Links to items, and items of lists, in order.
    next
        The token of the next page; None at the end.
    notes
        What could not be followed, and why.
    skipped
        How many entries of lists are no items.
    """

    found: list[Link | Item] = field(default_factory=list)
    next: str | None = None
    notes: list[str] = field(default_factory=list)
    skipped: int = 0

    def note(self, text: str) -> None:
        """Add a note; after some, the rest is left out."""
        if len(self.notes) < _MOST_NOTES and text not in self.notes:
            self.notes.append(text)


class ItemIterator:
    """All items below one catalog or collection.

    A catalog that is met again (it contains itself, or two catalogs share it) is entered only where it
    comes first in the order of the documents; that place is remembered, so any page can be asked for again.

    Parameters
    ----------
    library
        Where documents come from.
    url
        The catalog or collection.
    """

    def __init__(self, library: DocumentLoader, url: str) -> None:
        self._library = library
        self._url = same(url)
        self._entered: dict[int, Position] = {hash(self._url): ()}

    async def page(self, token: str | None, size: int) -> Step:
        """Return the next items, about `size` of them.

        Raises
        ------
        RequestError
            If the catalog itself cannot be read, or the token is none of this listing.
        """
        stack = self._stack(token)
        step = Step()
        await self._library.holder(self._url)
        holders = 0
        while stack and len(step.found) < size and holders < _HOLDERS_A_PAGE:
            holders += 1
            await self._advance(stack, step, size)
        if stack:
            step.next = json.dumps(stack, separators=(",", ":"), ensure_ascii=False)
        return step

    async def _advance(self, stack: list[tuple[str, int]], step: Step, size: int) -> None:
        """Take items from the catalog on top of the stack, up to its next child or its end."""
        url, at = stack.pop()
        try:
            holder = await self._library.holder(url)
        except RequestError as error:
            step.note(error.message)
            return
        if isinstance(holder, ItemList):
            taken = holder.items[at : at + size - len(step.found)]
            step.found.extend(taken)
            if holder.skipped and not at:
                step.skipped += holder.skipped
                left = count(holder.skipped, "entry", "entries")
                step.note(f"{left} without an ID left out of {shown(holder.url)}")
            if at + len(taken) < len(holder.items):
                stack.append((url, at + len(taken)))
            return
        if issubclass(holder.made, Item):  # linked as a child
            step.found.append(Link(Role.ITEM, url))
            return
        while at < len(holder) and len(step.found) < size:
            link, at = holder[at], at + 1
            why = refusal(holder.url, link.url)
            if why:
                step.note(why)
            elif link.role is Role.ITEM:
                step.found.append(link)
            elif self._enters(link, (*(index for _, index in stack), at), stack, url, step):
                await self._ahead(holder, at - 1)
                stack.extend(((url, at), (link.url, 0)))
                return
        if at < len(holder):
            stack.append((url, at))

    def _enters(
        self, link: Link, position: Position, stack: list[tuple[str, int]], url: str, step: Step
    ) -> bool:
        """Whether a child is to be entered here: not if it is above, or came before."""
        if link.url == url or any(link.url == above for above, _ in stack):
            step.note(f"a catalog contains itself, and is listed once: {shown(link.url)}")
            return False
        if len(stack) >= _DEEPEST:
            step.note(f"catalogs nested too deep are left out: {shown(link.url)}")
            return False
        first = self._entered.setdefault(hash(link.url), position)
        if position < first:
            self._entered[hash(link.url)] = first = position
        return position == first

    async def _ahead(self, holder: Children, at: int) -> None:
        """Load a child together with those that follow it, where it is not loaded yet."""
        if self._library.known(holder[at].url) is not None:
            return
        urls: list[str] = []
        while at < len(holder) and len(urls) < 2 * WIDTH:
            link = holder[at]
            if link.role is Role.ITEM:
                break
            if not refusal(holder.url, link.url):
                urls.append(link.url)
            at += 1
        await self._library.load(urls)

    def _stack(self, token: str | None) -> list[tuple[str, int]]:
        if token is None:
            return [(self._url, 0)]
        try:
            stack = [(str(url), int(at)) for url, at in json.loads(token)]
        except (ValueError, TypeError):
            stack = []
        if not stack or stack[0][0] != self._url or any(at < 0 for _, at in stack):
            raise UnexpectedAnswer("the link to the next page is none of this listing")
        return stack
