"""All documents of a tar archive as a stream: one pass, in bounded memory, without unpacking it to disk."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ...http.json_document import MAX_DOCUMENT, NestedTooDeep, NotJSON, value_of
from ...http.key_removal import KeyRemoval
from ...models import JsonDict
from .remarks import DEEP, NO_JSON, Cancelled, SkipReport
from .tar_walk import Member, walk
from .unpacked import DamagedArchive, Progress, pieces

__all__ = ["Cancelled", "DamagedArchive", "Member", "Progress", "SkipReport", "documents", "members"]

_ASK_EVERY = 256  # members between two looks whether to stop


def documents(
    path: Path,
    *,
    remarks: SkipReport | None = None,
    progress: Progress | None = None,
    cancelled: Cancelled | None = None,
    largest: int = MAX_DOCUMENT,
    keys: KeyRemoval | None = None,
) -> Iterator[tuple[str, JsonDict]]:
    """Yield the member path and the JSON object of each document of an archive, in the archive's order.

    It blocks: iterate in a thread. Nothing but the pieces at hand is in memory. Closing the iterator (or
    leaving it to be collected) closes the file.

    Parameters
    ----------
    path
        A `.tar`, or a `.tar.gz` whatever its name.
    remarks
        Takes what is left out, and why: members whose names lead outside, links and devices, documents
        that are too large or not JSON.
    progress
        Told bytes of the file that are read and its size.
    cancelled
        Asked now and then whether to stop; the iteration just ends then.
    largest
        Bytes; a larger document is left out.
    keys
        Taken out of the documents.

    Raises
    ------
    DamagedArchive
        After the good documents, if the archive cannot be read to its end.
    OSError
        If it cannot be opened or read.
    """
    remarks = remarks if remarks is not None else SkipReport()
    for member in members(path, remarks=remarks, progress=progress, cancelled=cancelled, largest=largest):
        if member.content is None:
            continue
        try:
            value = value_of(member.content, keys=keys)
        except NotJSON as error:
            remarks.add(DEEP if isinstance(error, NestedTooDeep) else NO_JSON, member.name)
            continue
        if isinstance(value, dict):
            yield member.name, value
        else:
            remarks.add(NO_JSON, member.name)


def members(
    path: Path,
    *,
    remarks: SkipReport,
    progress: Progress | None = None,
    cancelled: Cancelled | None = None,
    largest: int = MAX_DOCUMENT,
) -> Iterator[Member]:
    """Yield the regular files of an archive in order, documents with their content; see `documents`."""
    with pieces(path, progress) as given:
        for number, member in enumerate(walk(given, remarks, largest=largest)):
            if cancelled is not None and number % _ASK_EVERY == 0 and cancelled():
                return
            yield member
