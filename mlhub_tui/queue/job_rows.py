"""Rows of the jobs table: the job and the request that a row stands for, and the row of a request."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..auth.location import Kind
from ..options import IfExists
from ..planning.layout import distinct_name
from ..planning.requests import ArchiveRequest, AssetRequest, DatasetRequest, DownloadRequest
from .database import pack, unpack
from .job import FILE_COUNTS, Job, JobState

PROGRESS_FIELDS = ("bytes_done", "bytes_total", *FILE_COUNTS)
LIVE_FIELDS = ("rate", "eta", "connections")
SHOWN_FIELDS = (*PROGRESS_FIELDS, "reason", "hint", "tries", "next_try", "sums")
_ASSET_FIELDS = ("name", "item_id", "key", "href", "document_url", "kind", "checksum", "page", "licence")


def find_existing(
    db: sqlite3.Connection, request: DownloadRequest
) -> tuple[DownloadRequest, sqlite3.Row | None]:
    """Return the job that exists for the same file, and the request under the name that it gets."""
    row = _row(db, request)
    if row is not None and isinstance(request, DatasetRequest):
        return _same_dataset(request, row), row
    if row is not None and isinstance(request, AssetRequest):
        known = _request(row)
        if not isinstance(known, AssetRequest) or known.identity != request.identity:
            request = with_own_name(request)
            row = _row(db, request)
    return request, row


def _same_dataset(request: DatasetRequest, row: sqlite3.Row) -> DatasetRequest:
    """Return the known request where it is the same and was not carried out: it is continued.

    What failed is checked again all the same, unless that would fetch everything again. The cluster is no
    part of the comparison: clusters come and go, and have another address each time.
    """
    known, state = _request(row), JobState(row["state"])
    begun = not state.finished or (state is not JobState.DONE and request.if_exists is IfExists.OVERWRITE)
    if not begun or not isinstance(known, DatasetRequest):
        return request
    same = replace(request, request_id=known.request_id, cluster=known.cluster) == known
    return replace(known, cluster=request.cluster) if same else request


def with_own_name(request: AssetRequest) -> AssetRequest:
    """Return the request under a name of its own, for where another asset has the one it wants.

    Ids of items need not be unique in a static catalog, and file systems may not tell `A` from `a`.
    """
    head, slash, last = request.name.rpartition("/")
    return replace(request, name=head + slash + distinct_name(last, "\0".join(request.identity)))


def _row(db: sqlite3.Connection, request: DownloadRequest) -> sqlite3.Row | None:
    sql = "SELECT * FROM jobs WHERE target = ?"
    found: sqlite3.Row | None = db.execute(sql, (target_of(request),)).fetchone()
    return found


def target_of(request: DownloadRequest) -> str | bytes:
    """Return the path of the file, which no two jobs have."""
    return pack(request.folder / request.name)


def columns_of(request: DownloadRequest) -> dict[str, Any]:
    """Return the columns of a request; not those that name its file."""
    asset = dataset = None
    if isinstance(request, AssetRequest):
        asset = json.dumps({name: getattr(request, name) for name in _ASSET_FIELDS})
    elif isinstance(request, DatasetRequest):
        dataset = request.to_text()
    return {
        "source": request.source,
        "profile": request.profile,
        "collection_id": pack(request.collection_id),
        "folder": pack(request.folder),
        "if_exists": request.if_exists,
        "title": pack(request.title),
        "size": request.size,
        "bytes_total": request.size,
        "asset": asset,
        "dataset": dataset,
    }


def _request(row: sqlite3.Row) -> DownloadRequest:
    shared: dict[str, Any] = {
        "source": row["source"],
        "profile": row["profile"],
        "folder": Path(unpack(row["folder"])),
        "if_exists": IfExists(row["if_exists"]),
        "title": unpack(row["title"]),
        "size": row["size"],
    }
    identity = unpack(row["collection_id"])
    if row["dataset"] is not None:
        return DatasetRequest.from_text(row["dataset"], {**shared, "dataset_id": identity})
    shared["collection_id"] = identity
    if row["asset"] is None:
        return ArchiveRequest(**shared)
    found = json.loads(row["asset"])  # an earlier version wrote fewer fields
    fields = {name: found[name] for name in _ASSET_FIELDS if name in found}
    fields["kind"] = Kind(found.get("kind", Kind.MLHUB))
    return AssetRequest(**{"name": row["name"], "item_id": "", "key": "", **shared, **fields})


def job_of(row: sqlite3.Row, where: str) -> Job:
    """Return a job; `where` names the other program that runs it, and only then its speed counts."""
    shown = SHOWN_FIELDS + (LIVE_FIELDS if where and row["state"] == JobState.DOWNLOADING else ())
    return Job(
        id=row["id"],
        request=_request(row),
        name=row["name"],
        state=JobState(row["state"]),
        position=row["position"],
        elsewhere=bool(where),
        where=where,
        **{name: row[name] for name in shown},
    )
