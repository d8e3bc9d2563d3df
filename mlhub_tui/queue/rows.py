"""Jobs and what they are for, as rows of the queue's database."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..options import IfExists
from ..planning import dataset_text
from ..planning.requests import ArchiveRequest, AssetRequest, DatasetRequest, DownloadRequest
from . import request_text
from .job import Job, JobState


def values_of(request: DownloadRequest) -> dict[str, Any]:
    """Return the columns of a request; not those that name its file."""
    return {
        "source": request.source,
        "profile": request.profile,
        "collection_id": pack(request.collection_id),
        "folder": pack(str(request.folder)),
        "if_exists": request.if_exists,
        "title": pack(request.title),
        "size": request.size,
        "bytes_total": request.size,
        "asset": request_text.to_text(request) if isinstance(request, AssetRequest) else None,
        "dataset": dataset_text.to_text(request) if isinstance(request, DatasetRequest) else None,
    }


def target_of(request: DownloadRequest) -> str | bytes:
    """Return the path of the file, which no two jobs have."""
    return pack(str(request.folder / request.name))


def find(db: sqlite3.Connection, request: DownloadRequest) -> tuple[DownloadRequest, sqlite3.Row | None]:
    """Return the job that there is for the same file, and the request under the name that it gets.

    An asset that wants the name of another one gets a name of its own.
    """
    row = _row(db, request)
    if row is not None and isinstance(request, DatasetRequest):
        return _same_wish(request, row), row
    if row is not None and isinstance(request, AssetRequest):
        known = request_of(row)
        if not isinstance(known, AssetRequest) or known.identity != request.identity:
            request = request_text.apart(request)
            row = _row(db, request)
    return request, row


def _same_wish(request: DatasetRequest, row: sqlite3.Row) -> DatasetRequest:
    """Return the wish that there is where it is the same and was not carried out: it is gone on with.

    What failed is looked at anew all the same, unless that would fetch everything again. Who fetches is no
    part of the wish: clusters come and go, and have another address each time.
    """
    known, state = request_of(row), JobState(row["state"])
    begun = not state.finished or (state is not JobState.DONE and request.if_exists is IfExists.OVERWRITE)
    if not begun or not isinstance(known, DatasetRequest):
        return request
    same = replace(request, stamp=known.stamp, cluster=known.cluster) == known
    return replace(known, cluster=request.cluster) if same else request


def _row(db: sqlite3.Connection, request: DownloadRequest) -> sqlite3.Row | None:
    sql = "SELECT * FROM jobs WHERE target = ?"
    found: sqlite3.Row | None = db.execute(sql, (target_of(request),)).fetchone()
    return found


def pack(value: str) -> str | bytes:
    """Return text as SQLite takes it; names that are not valid Unicode go in as bytes."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return value.encode("utf-8", "surrogatepass")
    return value


def unpack(value: str | bytes) -> str:
    """Return text that `pack` made."""
    return value.decode("utf-8", "surrogatepass") if isinstance(value, bytes) else value


def request_of(row: sqlite3.Row) -> DownloadRequest:
    """Return what a job is for."""
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
        return dataset_text.from_text(row["dataset"], {**shared, "dataset_id": identity})
    shared["collection_id"] = identity
    if row["asset"] is None:
        return ArchiveRequest(**shared)
    return request_text.from_text(AssetRequest(**shared, name=row["name"], item_id="", key=""), row["asset"])


def job_of(row: sqlite3.Row, where: str) -> Job:
    """Return a job; `where` names the other program that runs it, and only then its speed is news."""
    return Job(
        id=row["id"],
        request=request_of(row),
        name=row["name"],
        state=JobState(row["state"]),
        position=row["position"],
        bytes_done=row["bytes_done"],
        bytes_total=row["bytes_total"],
        reason=row["reason"],
        hint=row["hint"],
        tries=row["tries"],
        next_try=row["next_try"],
        rate=row["rate"] if where and row["state"] == JobState.DOWNLOADING else None,
        eta=row["eta"] if where and row["state"] == JobState.DOWNLOADING else None,
        connections=row["connections"] if where and row["state"] == JobState.DOWNLOADING else 0,
        sums=row["sums"],
        files_done=row["files_done"],
        files_failed=row["files_failed"],
        files_total=row["files_total"],
        elsewhere=bool(where),
        where=where,
    )
