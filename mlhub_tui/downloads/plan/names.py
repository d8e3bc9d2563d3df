"""Names as numbers: each text is stored once, and what was used last is remembered."""

from __future__ import annotations

import sqlite3

_MOST = 20_000


class Names:
    """The numbers of the names in one table of an index.

    Parameters
    ----------
    connection
        The index's.
    table
        One with an `id` and a unique `name`.
    """

    def __init__(self, connection: sqlite3.Connection, table: str) -> None:
        self._connection = connection
        self._find = f"SELECT id FROM {table} WHERE name = ?"  # noqa: S608 - names of tables, ours
        self._make = f"INSERT INTO {table} (name) VALUES (?)"  # noqa: S608
        self._known: dict[str, int] = {}

    def __call__(self, name: str) -> int:
        """Return the number of a name, a new one if need be."""
        known = self._known.get(name)
        if known is not None:
            return known
        if len(self._known) >= _MOST:
            self._known.clear()  # a catalog in which each item has keys of its own
        row = self._connection.execute(self._find, (name,)).fetchone()
        number = row[0] if row else self._connection.execute(self._make, (name,)).lastrowid
        assert number is not None
        self._known[name] = int(number)
        return int(number)
