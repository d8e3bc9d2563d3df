"""How fast the queue is, and how much at a time: kept in its database, so that all its programs heed it.

What nobody told the queue is as `config.toml` has it, else as the program has it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from ..config import load as load_config
from ..transfer.config import TransferConfig
from .database import Database

MOST = 64
"""The most transfers at a time, from one host, and connections to one file."""


@dataclass(frozen=True, slots=True)
class QueueSettings:
    """What can be changed while transfers run.

    Parameters
    ----------
    limit
        Bytes per second of all transfers together, whichever programs run them; None for no limit.
    transfers
        Transfers at a time; every program that runs the queue has one, however many others have.
    per_host
        Transfers at a time from one host.
    connections
        Connections to one file at most; 1 turns parallel ranges off.
    """

    limit: int | None = None
    transfers: int = 2
    per_host: int = 4
    connections: int = 8

    def __post_init__(self) -> None:
        """Bring numbers that make no sense, from wherever they come, to the nearest that do."""
        object.__setattr__(self, "limit", max(self.limit, 1) if self.limit else None)
        for name in ("transfers", "per_host", "connections"):
            object.__setattr__(self, name, min(max(int(getattr(self, name)), 1), MOST))


NAMES = tuple(field.name for field in fields(QueueSettings))


def load(database: Database) -> QueueSettings:
    """Return the settings in force: what nobody changed is as the config file, or the program, has it."""
    rows = database.read("SELECT name, value FROM settings")
    return replace(defaults(), **{row["name"]: row["value"] for row in rows if row["name"] in NAMES})


def defaults() -> QueueSettings:
    """Return what the config file says of a queue that was not told otherwise."""
    config = load_config().config
    return QueueSettings(**{name: getattr(config, name) for name in NAMES})


def transfer_config(first_byte_timeout: float | None = None) -> TransferConfig:
    """Return how transfers read and write; by default they wait for a first byte as the config file says."""
    return TransferConfig(first_byte_timeout=first_byte_timeout or load_config().config.first_byte_timeout)


def save(database: Database, changes: Mapping[str, int | None]) -> QueueSettings:
    """Change some settings, and return what is in force then.

    Raises
    ------
    ValueError
        If there is no setting of a name.
    sqlite3.Error
        If the database cannot be written.
    """
    if unknown := changes.keys() - set(NAMES):
        raise ValueError(f"no such setting: {', '.join(sorted(unknown))}")
    values: dict[str, Any] = dict(changes)
    wanted = asdict(QueueSettings(**values))
    with database.transaction() as db:
        rows = [(name, wanted[name]) for name in changes]
        db.executemany("INSERT OR REPLACE INTO settings (name, value) VALUES (?, ?)", rows)
    return load(database)
