"""The report of what failed: `err_report.csv` as the seed library writes it, without keys."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from pathlib import Path

from ..csv_cells import csv_line
from ..http.hrefs import without_key
from ..storage import write_atomic
from ..text import redact
from .layout import REPORT
from .manifest import Entry, Manifest


def write_report(worklist: Manifest, folder: Path, dataset: str, unfetched: str = "") -> int:
    """Write the report of a job's failed files; an empty one where none failed, as the seed library does.

    Columns are error, dataset, collection, item, asset key and URL; there is no header (radiant_mlhub 0.5.5,
    `CatalogDownloader`).

    Parameters
    ----------
    worklist
        The job's.
    folder
        The folder of the dataset's assets; made if need be.
    dataset
        The dataset's id.
    unfetched
        Why the files were not fetched that are still wanted; empty where they are not to be reported.

    Returns
    -------
    int
        How many files failed, or were not fetched.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    wanted = worklist.unfetched() if unfetched else ()
    text, count = _text(chain(worklist.failures(), wanted), dataset, unfetched)
    for left in folder.glob(f".{REPORT}.*"):  # of a program that was killed while it wrote the report
        left.unlink(missing_ok=True)
    write_atomic(folder / REPORT, text, mode=0o644)
    return count


def _text(entries: Iterable[Entry], dataset: str, unfetched: str) -> tuple[str, int]:
    lines = []
    for entry in entries:
        file = entry.file
        cells = (dataset, file.collection, file.item, file.key, redact(without_key(file.href)))
        why = entry.error or f"not fetched, as the download ended: {redact(unfetched)}"
        lines.append(csv_line((why, *cells)))
    return "".join(lines), len(lines)
