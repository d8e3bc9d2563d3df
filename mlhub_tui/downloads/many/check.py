"""Whether a body is the file it should be, by all that is known of it."""

from __future__ import annotations

from collections.abc import Sequence

from ... import errors, text
from ...http import decoding
from ...http.errors import ConnectionLost
from ...http.response_headers import Checksum, remote_version
from ...transfer import content_checks
from ...transfer.checksums import compare, new_hash, verifiable
from ...transfer.content_checks import Kind, recognise
from ...transfer.gzip_check import Gzip
from .caller import Answer
from .item import Item


def verify(item: Item, answer: Answer) -> None:
    """Check a body by all that is known of it, also by the half of it that may be there already.

    Raises
    ------
    VerificationFailed
        If a checksum differs.
    UnexpectedAnswer
        If it is something else, as a document that tells of an error.
    FileConflict
        If the file that is there is another one.
    ServerUnreachable
        If it is short of the size that is known, where the server tells none.
    """
    wish, body = item.wish, answer.body
    start = bytes(body[: content_checks.START])
    kind = content_checks.contradiction(
        wish.expected, start, len(body), answer.response.headers.get("content-type", "")
    )
    if kind is not None:
        place = item.place.authority
        raise content_checks.refused(wish.expected, kind, start, len(body), place=place)
    sent = body if answer.encoded is None else answer.encoded
    _compare(remote_version(answer.response).checksums, sent)
    try:
        _compare(wish.digests, body)
    except errors.VerificationFailed:
        if answer.encoded is None:
            raise
        _compare(wish.digests, sent)  # the document may tell of the file as it is stored
    if not answer.response.complete:
        raise ConnectionLost("the connection ended without the end of the file")
    if not answer.framed and answer.encoded is None:
        if wish.size is not None and len(body) < wish.size:
            words = f"{text.size(len(body))} of {text.size(wish.size)} came before the connection ended"
            raise errors.ServerUnreachable(words, hint="the server announces no length: retry starts over")
        if wish.expected.gzip:
            gzip = Gzip(item.name)
            gzip.feed(bytes(body))
            gzip.finish()
    if item.there is not None and not _continues(item, answer):
        sizes = f"{text.size(item.there)} here, {text.size(len(body))} on the server"
        raise errors.FileConflict(f"another file {item.name} is there ({sizes})")


def undo_codings(item: Item, answer: Answer, most: int) -> bool:
    """Undo the content codings of an answer that nobody asked for; may take a moment.

    Returns
    -------
    bool
        False if that cannot be done here: it makes more than `most` bytes, or nothing here decodes it.

    Raises
    ------
    VerificationFailed
        If the body is damaged, or cut short.
    """
    found = decoding.codings(answer.response.headers)
    if not found:
        return True
    start = bytes(answer.body[: content_checks.START])
    try:
        undone = content_checks.to_undo(found, item.wish.expected, start, len(answer.body))
    except content_checks.Undecodable:
        return False
    if undone:
        body = decoding.decoded(undone, answer.body, most)
        if body is None:
            return False
        answer.body, answer.encoded = body, answer.body
    return True


def _compare(checksums: Sequence[Checksum], body: bytes | bytearray) -> None:
    if known := verifiable(checksums):
        hashes = [new_hash(each.algorithm) for each in known]
        for each in hashes:
            each.update(memoryview(body))
        compare(known, hashes)


def _continues(item: Item, answer: Answer) -> bool:
    """Return whether a body begins with the file that is there: what another tool left half done.

    A file that has an encoded form of it, as an earlier version stored what came, is replaced as well.
    """
    try:
        before = item.before()
    except FileNotFoundError:
        return True
    if answer.encoded is not None and not item.wish.expected.gzip and recognise(before) is Kind.GZIP:
        return True
    return answer.body.startswith(before)
