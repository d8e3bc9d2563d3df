"""Building the index of a dataset from its catalog archive, in one pass."""

from __future__ import annotations

import threading
from pathlib import Path

from ..errors import EntityDoesNotExist
from ..http.key_removal import KeyRemoval
from ..sources.static.archive import SkipReport, documents
from ..sources.static.document_urls import file_url
from .index import Index
from .index_builder import Builder
from .index_cache import Subject, archive_validator
from .making import Show, Stopped, finish, opened, writing

_SHOW_EVERY = 256
"""Documents between two times that somebody is told."""


def of_archive(
    archive: Path,
    *,
    source: str,
    dataset: str,
    show: Show | None = None,
    stopped: threading.Event | None = None,
    keys: KeyRemoval | None = None,
) -> Index:
    """Return the index of a dataset's catalog archive: the one that is there, else made in one pass.

    It blocks: some seconds for hundreds of thousands of assets. Nothing is unpacked to disk, and memory does
    not grow with the archive.

    Parameters
    ----------
    archive
        A `.tar.gz` or `.tar` of STAC documents.
    source, dataset
        What it is the catalog of.
    show
        Told how far it is.
    stopped
        Ends it early.
    keys
        Taken out of what is kept.

    Raises
    ------
    DamagedArchive
        If the archive cannot be read to its end.
    EntityDoesNotExist
        If there is no STAC document in it.
    Stopped
        If it was stopped.
    OutputFolderError
        If the archive cannot be read, or the index not be written; `NoSpaceError` where its disk is full.
    """
    subject = Subject(source, dataset, archive_validator(archive))
    found = opened(subject)
    if found is not None:
        return found
    stop = stopped or threading.Event()
    with writing(subject), Builder(subject.path, anew=True, archive=file_url(archive)) as builder:
        _read_archive(archive, builder, show, stop, keys)
        if not builder.collections:
            raise EntityDoesNotExist(
                f"there are no STAC items or collections in {archive.name}",
                hint="it may be the archive of something else; fetch the catalog again",
            )
        finish(builder, subject, stop)
    subject.drop_others()
    return Index(subject.path)


def _read_archive(
    archive: Path, builder: Builder, show: Show | None, stop: threading.Event, keys: KeyRemoval | None
) -> None:
    report = SkipReport()
    read: list[int | None] = [0, None]

    def note(done: int, whole: int | None) -> None:
        read[:] = done, whole

    following = documents(archive, report=report, progress=note, cancelled=stop.is_set, keys=keys)
    for number, (member, document) in enumerate(following):
        if member.endswith(".json"):  # as the seed library: what has another name is data, GeoJSON labels say
            builder.add(document, member=member)
        if show is not None and number % _SHOW_EVERY == 0:
            show(builder.progress.at(read[0] or 0, read[1]))
    if stop.is_set():
        raise Stopped("the reading of the catalog was stopped")
    if show is not None:
        show(builder.progress.at(read[0] or 0, read[1], sorting=True))
    for line in report.lines():
        builder.take_note(line)
