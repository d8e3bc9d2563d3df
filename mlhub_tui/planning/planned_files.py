"""Planned files: what a selection downloads, each save path once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import NamedTuple

from .filters import Filters
from .index import Index
from .layout import COMMON_FOLDER, Scope, distinct_name
from .selection import OF_CHOSEN_ITEMS, choose_items


class PlannedFile(NamedTuple):
    """A file to download."""

    path: str  # relative to the dataset's folder, parts separated by `/`
    href: str  # absolute where the catalog tells
    size: int | None  # bytes, where the catalog states them
    checksum: str  # a multihash, or empty
    page: bool  # whether it is a web page by what the catalog says
    collection: str
    item: str | None  # None for a collection's own asset
    key: str


def files(index: Index, filters: Filters, same: Callable[[str], str] | None = None) -> Iterator[PlannedFile]:
    """Yield the files of a selection, each save path once, in the order of the catalog.

    Of assets with one save path, the first selected one counts. A collection's own assets are always selected
    with it, whatever area, time and keys are; the common ones are selected as those of items are
    (radiant_mlhub 0.5.5).

    - `same`: The form under which the file system saves a name, where different names may be one file's, as
      on macOS and Windows: all names of the catalog that share it get a hash, whatever is selected.

    Raises InvalidSearch, NoShapely as of `Area`.
    """
    if filters.catalog_only:
        return
    with Index(index.path) as own:  # a connection of its own: the selection may be used for other things
        db = own.connection
        choose_items(db, filters)
        wanted = {number: name for number, name in own.collections.items() if filters.wants(name)}
        keys = {name: chosen for name, chosen in filters.collections if chosen}
        paths = _SavePaths(own, None if same is str else same)
        seen: set[int] = set()
        for number, item, folder, scope, key, file, duplicate, *facts in db.execute(
            f"{_FILES} WHERE asset.collection IN ({', '.join(map(str, wanted))}) "
            f"AND (asset.item IS NULL OR {OF_CHOSEN_ITEMS}) ORDER BY asset.id"
        ):
            name = wanted[number]
            if scope != Scope.COLLECTION and name in keys and key not in keys[name]:
                continue
            if duplicate is not None:
                if duplicate in seen:
                    continue
                seen.add(duplicate)
            href, size, checksum, page = facts
            path = paths.of(number, scope, folder or "", file)
            yield PlannedFile(path, href, size, checksum, bool(page), name, item, key)


class _SavePaths:
    """Save paths of assets, apart where the file system would take two for one."""

    def __init__(self, index: Index, same: Callable[[str], str] | None) -> None:
        self._folders = index.folders
        self._alike_folders: set[str] = set()
        self._alike_items: set[tuple[int, str]] = set()
        self._alike_files: set[str] = set()
        if same is not None:
            db = index.connection
            db.create_function("same", 1, same, deterministic=True)
            forms = Counter(map(same, index.folders.values()))
            self._alike_folders = {name for name in index.folders.values() if forms[same(name)] > 1}
            self._alike_items = {(row[0], row[1]) for row in db.execute(_ALIKE_ITEMS)}
            names = {row[0] for row in db.execute("SELECT DISTINCT file FROM asset")}
            if len({same(name) for name in names}) < len(names):
                self._alike_files = {row[0] for row in db.execute(_ALIKE_FILES)}

    def of(self, collection: int, scope: int, folder: str, file: str) -> str:
        """Return an asset's path, relative to the dataset's folder, parts separated by `/`."""
        top = self._folders[collection]
        if top in self._alike_folders:
            top = distinct_name(top)
        if (collection, folder) in self._alike_items:
            folder = distinct_name(folder)
        if file in self._alike_files:
            file = distinct_name(file)
        if scope == Scope.COLLECTION:
            return f"{top}/{file}"
        return f"{top}/{COMMON_FOLDER if scope == Scope.COMMON else folder}/{file}"


_FILES = """
SELECT asset.collection, item.name, coalesce(item.folder, item.name), scope, key, file, duplicate,
       href, size, checksum, page
FROM asset LEFT JOIN item ON item.id = asset.item
"""
_ALIKE_ITEMS = """
SELECT item.collection, coalesce(item.folder, item.name)
FROM (SELECT collection, same(coalesce(folder, name)) AS form FROM item
      GROUP BY 1, 2 HAVING count(DISTINCT coalesce(folder, name)) > 1) AS alike
JOIN item ON item.collection = alike.collection AND same(coalesce(item.folder, item.name)) = alike.form
"""
_ALIKE_FILES = """
SELECT file FROM (
    SELECT file, count(*) OVER (PARTITION BY collection, item, scope, same(file)) AS many
    FROM (SELECT DISTINCT collection, item, scope, file FROM asset)
) WHERE many > 1
"""
