"""Names as numbers: each text is stored once, and what was used last is remembered."""

from __future__ import annotations

import sqlite3

_MOST = 20_000


class Names(dict[str, int]):
    """The numbers of the names in one table of an index; a name that is new gets one.

    A dictionary, since it is asked several times for each asset: what it lacks it looks up or makes.

    Parameters
    ----------
    connection
        The index's.
    table
        One with an `id` and a unique `name`.
    """

    def __init__(self, connection: sqlite3.Connection, table: str) -> None:
        super().__init__()
        self._connection = connection
        self._find = f"SELECT id FROM {table} WHERE name = ?"
        self._make = f"INSERT INTO {table} (name) VALUES (?)"

    def __missing__(self, name: str) -> int:
        """Look up or make the number of a name."""
        if len(self) >= _MOST:
            self.clear()  # a catalog in which each item has keys of its own
        row = self._connection.execute(self._find, (name,)).fetchone()
        number = row[0] if row else self._connection.execute(self._make, (name,)).lastrowid
        assert number is not None
        self[name] = int(number)
        return int(number)
