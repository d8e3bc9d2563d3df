"""Datasets over the workers of a Dask cluster, to folders and to whatever fsspec names.

Nothing of `distributed` or `fsspec` is imported before a request asks for a cluster. Planning, which is
below, loads what it needs from here by name.
"""

from ..lazy import lazy

__getattr__, __all__ = lazy(
    __name__,
    {
        "cluster_run": "ClusterRun",
        "destination": "note_beginning publish_catalog publish_report",
        "object_store": "ObjectStore",
    },
)
