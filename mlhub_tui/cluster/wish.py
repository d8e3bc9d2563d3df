"""Which cluster a dataset is to be fetched on, as a request has it."""

from __future__ import annotations

from dataclasses import dataclass

LOCAL = ""
"""The `scheduler` of a cluster that is made on this machine for a job, and ends with it."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster.

    Parameters
    ----------
    scheduler
        The address of its scheduler, as `tcp://10.0.0.1:8786`; `LOCAL` for one on this machine.
    workers
        Processes of a local one; None for one for each core. Of no account where there is an address.
    connections
        To one host at a time, of all workers together; None for as many as a single machine has.
    """

    scheduler: str = LOCAL
    workers: int | None = None
    connections: int | None = None

    @property
    def local(self) -> bool:
        """Whether it is made on this machine."""
        return self.scheduler == LOCAL

    @property
    def words(self) -> str:
        """Which cluster it is, in words."""
        return "a Dask cluster on this machine" if self.local else f"the Dask cluster at {self.scheduler}"
