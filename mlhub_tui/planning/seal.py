"""Sealing: when all documents are in an index, its items are put in order and counted block by block."""

from __future__ import annotations

import sqlite3
import threading
from functools import lru_cache

from ..text import redact
from .layout import namesake_folder
from .records import ALWAYS
from .schema import SEALED
from .zorder import cell_of, curve, month_of

_ASSETS_A_BLOCK = 192
"""Assets in a block, about: blocks on the edge of a filter are counted asset by asset."""
_OPEN = ALWAYS[1]
_STEPS = 200_000  # SQLite's instructions between looks at whether to stop: some milliseconds


def seal(connection: sqlite3.Connection, stopped: threading.Event | None = None) -> None:
    """Make the tables that are asked; a seal that was broken off is made anew.

    Parameters
    ----------
    connection
        Of an index with all its documents, outside a transaction.
    stopped
        Ends it early.

    Raises
    ------
    sqlite3.OperationalError
        If it was stopped.
    """
    stop = stopped or threading.Event()
    connection.set_progress_handler(lambda: int(stop.is_set()), _STEPS)
    try:
        connection.execute("BEGIN")
        for statement in filter(str.strip, SEALED.split(";")):
            table = statement.split()[2]
            connection.execute(f"DROP TABLE IF EXISTS {table}")
            connection.execute(statement)
        _separate_namesakes(connection)
        _pair_namesakes(connection)
        _order(connection)
        _make_blocks(connection)
        _count(connection)
        connection.execute("CREATE INDEX whole ON asset (collection) WHERE item IS NULL")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    finally:
        connection.set_progress_handler(None, _STEPS)
    connection.execute("ANALYZE")


def _separate_namesakes(connection: sqlite3.Connection) -> None:
    """Give items that share an id but not their assets a folder each; the first keeps the plain one."""
    rows = connection.execute(
        """
        SELECT item.id, item.collection, coalesce(item.folder, item.name), source.hrefs
        FROM (SELECT collection, coalesce(folder, name) AS folder FROM item
              GROUP BY 1, 2 HAVING count(*) > 1) AS same
        JOIN item ON item.collection = same.collection AND coalesce(item.folder, item.name) = same.folder
        JOIN source ON source.first = item.first WHERE item.last >= item.first ORDER BY item.id
        """
    ).fetchall()
    known: dict[tuple[int, str], str] = {}
    apart = 0
    for number, collection, folder, hrefs in rows:
        # The same item, listed twice: only the signatures of its links may differ.
        hrefs = redact(hrefs)
        if known.setdefault((collection, folder), hrefs) != hrefs:
            name = namesake_folder(folder, hrefs)
            connection.execute("UPDATE item SET folder = ? WHERE id = ?", (name, number))
            apart += 1
    connection.execute("INSERT OR REPLACE INTO meta VALUES ('namesakes', ?)", (apart,))


def _pair_namesakes(connection: sqlite3.Connection) -> None:
    """Note the assets of items that have one folder, as the same item twice has: the first one counts."""
    connection.execute(
        """
        CREATE TEMP TABLE namesake AS
            SELECT item.id AS item, item.first AS low, item.last AS high, same.id AS same
            FROM (SELECT min(id) AS id, collection, coalesce(folder, name) AS folder FROM item
                  GROUP BY 2, 3 HAVING count(*) > 1) AS same
            JOIN item ON item.collection = same.collection AND coalesce(item.folder, item.name) = same.folder
        """
    )
    connection.execute(
        """
        CREATE TEMP TABLE pair AS
            SELECT same, file, min(asset.id) AS twin FROM namesake
            JOIN asset ON asset.id BETWEEN low AND high AND scope = 0 GROUP BY 1, 2 HAVING count(*) > 1
        """
    )
    connection.execute("CREATE INDEX temp.pairs ON pair (same, file)")
    connection.execute(
        """
        UPDATE asset SET twin = pair.twin FROM namesake JOIN pair ON pair.same = namesake.same
        WHERE asset.id BETWEEN namesake.low AND namesake.high AND asset.scope = 0 AND asset.file = pair.file
        """
    )
    connection.execute("DROP TABLE temp.pair")
    connection.execute("DROP TABLE temp.namesake")


def _order(connection: sqlite3.Connection) -> None:
    placed, timed = "w > -9e999", f"t0 > -{_OPEN}"
    # One end of a time may be open: the other one counts.
    when = f"CASE WHEN t0 > -{_OPEN} THEN t0 ELSE t1 END"
    x = connection.execute(f"SELECT min(w + e) / 2, max(w + e) / 2 FROM item WHERE {placed}").fetchone()  # noqa: S608
    y = connection.execute(f"SELECT min(s + n) / 2, max(s + n) / 2 FROM item WHERE {placed}").fetchone()  # noqa: S608
    sql = f"SELECT min({when}), max({when}) FROM item WHERE {timed} OR t1 < {_OPEN}"  # noqa: S608
    time = connection.execute(sql).fetchone()
    place = curve(*((low or 0.0, high or 0.0) for low, high in (x, y, time)))
    month, cell = lru_cache(4096)(month_of), lru_cache(4096)(cell_of)

    def point(w: float, s: float, e: float, n: float, time: int) -> int:
        return place((w + e) / 2, (s + n) / 2, time)

    def square(w: float, s: float, e: float, n: float) -> int:
        x, y = cell(w, s, e, n)
        return (x + 180) * 180 + y + 90

    connection.create_function("point", 5, point, deterministic=True)
    connection.create_function("month", 1, month, deterministic=True)
    connection.create_function("square", 4, square, deterministic=True)
    connection.execute(
        f"""
        INSERT INTO spot (item, collection, kind, w, s, e, n, t0, t1, first, last, month, square)
        SELECT id, collection, kind, w, s, e, n, t0, t1, first, last,
               CASE WHEN kind & 1 THEN NULL ELSE month({when}) END,
               CASE WHEN kind & 2 THEN NULL ELSE square(w, s, e, n) END
        FROM (SELECT *, (CASE WHEN {placed} THEN 0 ELSE 2 END)
                      + (CASE WHEN {timed} OR t1 < {_OPEN} THEN 0 ELSE 1 END) AS kind FROM item)
        ORDER BY collection, kind, CASE kind WHEN 0 THEN point(w, s, e, n, {when})
            WHEN 1 THEN point(w, s, e, n, 0) WHEN 2 THEN {when} ELSE 0 END, id
        """  # noqa: S608 - conditions, ours
    )


def _make_blocks(connection: sqlite3.Connection) -> None:
    """Cut the items of each collection, those with a place and a time first, into blocks."""
    items, assets = connection.execute(
        "SELECT count(*), coalesce(sum(last - first + 1), 0) FROM spot"
    ).fetchone()
    length = max(4, min(1024, items * _ASSETS_A_BLOCK // max(assets, 1)))
    parts = connection.execute(
        "SELECT min(id), max(id) FROM spot GROUP BY collection, kind ORDER BY 1"
    ).fetchall()
    base = 0
    for low, high in parts:
        connection.execute(_MAKE_BLOCKS, {"base": base, "low": low, "high": high, "length": length})
        base += (high - low) // length + 1


_MAKE_BLOCKS = """
INSERT INTO block
SELECT :base + (id - :low) / :length, min(collection), min(id), max(id), min(w), max(w), min(s), max(s),
       min(e), max(e), min(n), max(n), min(t0), max(t0), min(t1), max(t1), kind
FROM spot WHERE id BETWEEN :low AND :high GROUP BY 1
"""


def _count(connection: sqlite3.Connection) -> None:
    spots = "block CROSS JOIN spot ON spot.id BETWEEN block.low AND block.high"
    assets = f"{spots} CROSS JOIN asset ON asset.id BETWEEN spot.first AND spot.last"
    connection.execute(
        f"""
        INSERT INTO tally SELECT block.id, key, count(*), sum(twin IS NULL),
            sum(twin IS NULL AND size IS NOT NULL), total(CASE WHEN twin IS NULL THEN size END)
        FROM {assets} GROUP BY 1, 2
        """  # noqa: S608
    )
    connection.execute(
        f"INSERT INTO shared SELECT DISTINCT block.id, twin, key FROM {assets} WHERE twin IS NOT NULL"  # noqa: S608
    )
    for column in ("month", "square"):
        connection.execute(
            f"INSERT INTO {column} SELECT block.id, {column}, count(*) FROM {spots} "  # noqa: S608
            f"WHERE {column} IS NOT NULL GROUP BY 1, 2"
        )
