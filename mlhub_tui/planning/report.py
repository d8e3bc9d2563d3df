"""Reports on a dataset's files: `err_report.csv` as radiant_mlhub has it, a check of sizes, and progress."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable, Sequence
from itertools import chain
from pathlib import Path

from ..errors import DownloadError, MLHubException
from ..fileio import write_atomic
from ..http.urls import without_key
from ..options import IfExists
from ..output import OutputTree
from ..text import count, csv_line, one_line, redact
from ..transfer.engine import TransferCancelled
from .layout import REPORT
from .manifest import FileStatus, Found, Manifest, manifest_path, read_rows
from .requests import DatasetRequest
from .resolver import cluster_package


def write_report(manifest: Manifest, folder: Path, dataset: str, unfetched: str = "") -> int:
    """Write the report of a job's failed files, empty where none failed; return their number.

    Columns are error, dataset, collection, item, asset key and URL, without keys; there is no header
    (radiant_mlhub 0.5.5, `CatalogDownloader`). Documents of the catalog that could not be read have a line
    too, without item and key. `folder` is that of the dataset's assets; with `unfetched`, the files that are
    still wanted are in the report too, and why they were not fetched.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lines = []
    wanted = manifest.all_entries(FileStatus.WANTED) if unfetched else ()
    for entry in chain(manifest.all_entries(FileStatus.FAILED), wanted):
        file = entry.file
        why = f"{entry.error} ({entry.hint})" if entry.hint else entry.error
        why = why or f"not fetched, as the download ended: {redact(unfetched)}"
        url = redact(without_key(file.href))
        lines.append(csv_line((why, dataset, file.collection, file.item, file.key, url)))
    failed = len(lines)
    for collection, url, why in json.loads(manifest.get_checkpoint("missing") or "[]"):
        lines.append(csv_line((why, dataset, collection, "", "", redact(without_key(url)))))
    for left in folder.glob(f".{REPORT}.*"):  # of a program that was killed while it wrote the report
        left.unlink(missing_ok=True)
    write_atomic(folder / REPORT, "".join(lines), mode=0o644)
    return failed


def verify_files(request: DatasetRequest, tell: Callable[[int], None], stop: threading.Event) -> str:
    """Return in one line which files of a finished dataset are gone or changed in size; empty if none is.

    In a store the documents of its catalog count too. `tell` is called with the bytes of the files checked so
    far; `stop` ends it, with `TransferCancelled`.

    Raises DownloadError if the manifest cannot be read; MLHubException if the files are in a store that
    cannot be listed.
    """
    path = manifest_path(request)
    if not path.exists():
        return ""
    look = cluster_package().ObjectStore(request.asset_place).look() if request.url else None
    tree, seen = OutputTree(request.asset_folder), 0

    def found(files: Sequence[str]) -> list[Found | None]:
        nonlocal seen
        if stop.is_set():
            raise TransferCancelled
        there: list[Found | None] = look(files) if look else [_bytes_of(tree, path) for path in files]
        seen += sum(each[0] for each in there if each)
        tell(seen)
        return there

    try:
        with Manifest(path) as manifest:
            wrong = [lost for _, lost in manifest.lost(found)]
            sent: dict[str, int] = json.loads(manifest.get_checkpoint("published") or "{}")
    except sqlite3.Error as error:
        raise DownloadError(f"the list of files cannot be read: {one_line(error, 120)}") from error
    # Documents that stood in the store before may have been of another size where they were skipped.
    any_size = request.if_exists is IfExists.SKIP
    wrong += [
        name
        for name, there in zip(sent, found(list(sent)) if sent else (), strict=True)
        if there is None or (there[0] != sent[name] and not any_size)
    ]
    return f"{count(len(wrong), 'file')} gone or changed, {one_line(wrong[0], 200)} first" if wrong else ""


def _bytes_of(tree: OutputTree, path: str) -> Found | None:
    try:
        return Path(tree.target(path)).stat().st_size, None
    except (OSError, MLHubException):
        return None


def read_collections(path: Path) -> list[tuple[str, int, int]]:
    """Return the collections of a manifest, each with its files that are done and all that were wanted."""
    return read_rows(path, _BY_COLLECTION) or []


def read_items(path: Path, most: int) -> list[tuple[str, str, int, int]]:
    """Return the collection and id of the first items of a manifest, with the same numbers of files."""
    return read_rows(path, _BY_ITEM, (most,)) or []


_BY_COLLECTION = """
SELECT c.name, sum(state = 2), count(*) FROM file JOIN fate USING (id)
JOIN label AS c ON c.id = file.collection GROUP BY 1
"""
_BY_ITEM = """
SELECT c.name, item, sum(state = 2), count(*) FROM file JOIN fate USING (id)
JOIN label AS c ON c.id = file.collection WHERE item IS NOT NULL GROUP BY 1, 2 LIMIT ?
"""
