"""Whether a body is the file it should be, by all that is known of it."""

from __future__ import annotations

from ... import errors, text
from ..one.answer import is_page, remote
from ..one.verify import Gzip, compare, new_hash
from .item import Item
from .reading import Answer

_GZIP = (".gz", ".tgz")


def verify(item: Item, answer: Answer) -> None:
    """Check a body by all that is known of it, also by the half of it that may be there already.

    Raises
    ------
    VerificationFailed
        If a checksum differs.
    UnexpectedAnswer
        If it is a web page, and none is wanted.
    FileConflict
        If the file that is there is another one.
    ServerUnreachable
        If it is short of the size that is known, where the server tells none.
    """
    wish, body = item.wish, answer.body
    if not wish.page and is_page(body):
        raise errors.UnexpectedAnswer(f"the server sent a web page instead of {item.name}")
    digests = (*remote(answer.status, answer.headers).digests, *wish.digests)
    if digests:
        hashes = [new_hash(digest.algorithm) for digest in digests]
        for known in hashes:
            known.update(memoryview(body))
        compare(digests, hashes)
    if not answer.framed:
        if wish.size is not None and len(body) < wish.size:
            words = f"{text.size(len(body))} of {text.size(wish.size)} came before the connection ended"
            raise errors.ServerUnreachable(words, hint="the server announces no length, so it starts over")
        if item.name.lower().endswith(_GZIP):
            gzip = Gzip(item.name)
            gzip.feed(bytes(body))
            gzip.finish()
    if item.there is not None and not _continues(item, answer):
        sizes = f"{text.size(item.there)} here, {text.size(len(body))} on the server"
        raise errors.FileConflict(f"another file {item.name} is there ({sizes})")


def _continues(item: Item, answer: Answer) -> bool:
    """Return whether a body begins with the file that is there: what another tool left half done."""
    try:
        return answer.body.startswith(item.before())
    except FileNotFoundError:
        return True
