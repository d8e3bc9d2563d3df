"""What a dataset's request has beyond an archive's, as one text for the queue's database."""

from __future__ import annotations

import json
import time
import uuid
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..auth.kind import Kind
from ..options import ClusterConfig
from .requests import DatasetRequest


def new_stamp() -> str:
    """Return the stamp of a new wish: its day, in UTC, and what no other wish has."""
    return f"{today()} {uuid.uuid4().hex}"


def today() -> str:
    """Return the day, in UTC."""
    return time.strftime("%Y-%m-%d", time.gmtime())


def to_text(request: DatasetRequest) -> str:
    """Return the fields as JSON in ASCII, which takes any id and any path."""
    return json.dumps(
        {
            "filters": request.filters.to_json(),
            "stamp": request.stamp,
            "assets": None if request.assets is None else str(request.assets),
            "collections": request.collections,
            "kind": request.kind,
            "cluster": None if request.cluster is None else asdict(request.cluster),
            "url": request.url,
        }
    )


def from_text(text: str, shared: dict[str, Any]) -> DatasetRequest:
    """Return a request.

    Parameters
    ----------
    text
        What `to_text` made, of this version or an earlier one.
    shared
        The fields that all requests have.
    """
    from .filters import Filters

    found = json.loads(text)
    return DatasetRequest(
        **shared,
        filters=Filters.from_json(found["filters"]),
        stamp=found["stamp"],
        assets=None if found["assets"] is None else Path(found["assets"]),
        collections=tuple(found["collections"]),
        kind=Kind(found["kind"]),
        cluster=_cluster(found.get("cluster")),
        url=found.get("url", ""),
    )


def _cluster(found: dict[str, Any] | None) -> ClusterConfig | None:
    return (
        None if found is None else ClusterConfig(found["scheduler"], found["workers"], found["connections"])
    )
