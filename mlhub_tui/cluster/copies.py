"""Files that have the same URL as others: the store copies what it has, several at a time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial

from ..errors import FileConflict, MLHubException
from ..options import IfExists
from ..planning.manifest_queue import TwinRow
from ..text import one_line
from ..transfer.work_source import FileResult
from .object_store import ObjectStore, StoreRefuses, trouble
from .payloads import ShardPayload, unpack_twins

_AT_ONCE = 16


def make_copies(store: ObjectStore, parcel: ShardPayload, if_exists: IfExists) -> list[FileResult]:
    """Make files of others that are there; what stands under their names is judged as `plan.twins` does.

    Raises
    ------
    StoreRefuses
        If the store takes nothing.
    """
    look = parcel.check and if_exists is not IfExists.OVERWRITE
    with ThreadPoolExecutor(_AT_ONCE, "copies") as pool:
        work = partial(_copy, store, if_exists=if_exists, look=look)
        return list(pool.map(work, unpack_twins(parcel.data)))


def _copy(store: ObjectStore, row: TwinRow, *, if_exists: IfExists, look: bool) -> FileResult:
    try:
        path = store.path(row.path)
        if look and (size := store.size(path).result()) is not None:
            if size != row.size and if_exists is not IfExists.SKIP:
                raise FileConflict(f"another file {one_line(path.rpartition('/')[2], 80)} is there")
            return FileResult(row.id, size, fetched=False)
        store.copy(store.path(row.source), path).result()
    except MLHubException as error:
        return FileResult(row.id, error=error)
    except Exception as error:
        known = trouble(error, store)
        if isinstance(known, StoreRefuses):
            raise known from error
        return FileResult(row.id, error=known)
    return FileResult(row.id, row.size)
