"""The report of what failed: `err_report.csv` as the seed library writes it, without keys."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from pathlib import Path

from ...sources.origin import without_key
from ...storage import write_atomic
from ...text import one_line, redact
from .layout import REPORT
from .worklist import Entry, WorkList


def write_report(worklist: WorkList, folder: Path, dataset: str) -> int:
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

    Returns
    -------
    int
        How many files failed.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    text, count = _text(worklist.failures(), dataset)
    for left in folder.glob(f".{REPORT}.*"):  # of a program that was killed while it wrote the report
        left.unlink(missing_ok=True)
    write_atomic(folder / REPORT, text, mode=0o644)
    return count


def _text(failures: Iterable[Entry], dataset: str) -> tuple[str, int]:
    written, count = io.StringIO(), 0
    writer = csv.writer(written, quoting=csv.QUOTE_MINIMAL)
    for entry in failures:
        file = entry.file
        url = one_line(redact(without_key(file.href)))
        writer.writerow([entry.error, dataset, file.collection, file.item or "", file.key, url])
        count += 1
    return written.getvalue(), count
