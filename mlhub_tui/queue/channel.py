"""The way from one program to another: commands for jobs that another one runs, in the shared database."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass

from .database import Database
from .job import JobAction
from .repository import JobRepository


@dataclass(frozen=True, slots=True)
class QueueCommand:
    """What another program asks for.

    Parameters
    ----------
    id
        The command; it is in the database until it is carried out.
    job
        The id of the job.
    verb
        What to do.
    delete_part
        Whether what was fetched is deleted, for a cancel.
    """

    id: int
    job: int
    verb: JobAction
    delete_part: bool


class CommandQueue:
    """Commands for jobs, kept until the program that runs the job has carried them out.

    A command stays with the job: if the program that ran it is gone, whoever takes the job over finds it.
    """

    def __init__(self, database: Database, store: JobRepository) -> None:
        self._database = database
        self._store = store

    def post(self, verb: JobAction, job_ids: Iterable[int], *, delete_part: bool = False) -> list[int]:
        """Ask whoever runs jobs for something; return the ids of the commands."""
        author = f"{self._store.identity.pid}@{self._store.identity.host}"
        posted = []
        with self._database.transaction() as db:
            db.execute("DELETE FROM commands WHERE job NOT IN (SELECT id FROM jobs)")
            for job_id in job_ids:
                made = db.execute(
                    "INSERT INTO commands (job, verb, delete_part, author, at) VALUES (?, ?, ?, ?, ?)",
                    (job_id, verb, int(delete_part), author, time.time()),
                )
                posted.append(int(made.lastrowid or 0))
        return posted

    def orders(self) -> list[QueueCommand]:
        """Return what is asked of this program, oldest first."""
        rows = self._database.read(
            "SELECT commands.* FROM commands JOIN jobs ON jobs.id = commands.job"
            " WHERE jobs.runner = ? ORDER BY commands.id",
            (self._store.runner,),
        )
        return [
            QueueCommand(row["id"], row["job"], JobAction(row["verb"]), bool(row["delete_part"]))
            for row in rows
        ]

    def settle(self, order_ids: Iterable[int]) -> None:
        """Take note that commands were carried out, or are of no use any more."""
        with self._database.transaction() as db:
            db.executemany("DELETE FROM commands WHERE id = ?", [(order_id,) for order_id in order_ids])

    def pending(self, order_ids: Iterable[int]) -> set[int]:
        """Return those commands that nobody has carried out yet."""
        there = {row["id"] for row in self._database.read("SELECT id FROM commands")}
        return there.intersection(order_ids)
