"""The seam to where files go: what stands there, what takes what arrives, how single files get there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from ...errors import MLHubException
from ...transfer.progress import TransferProgress
from ..attempt import Kit
from .caller import Answer
from .committer import Committer
from .feed import Feed, Result, Wish
from .item import Item, examine
from .landing import Landing
from .large import fetch_large
from .places import Tree


@dataclass(frozen=True, slots=True)
class Calls:
    """What a shore calls, from any thread.

    Parameters
    ----------
    settled
        With results that were recorded in the feed.
    refused
        With what was not what it should be or could not be written.
    drained
        When those who wait for `full` to end may go on.
    broke
        With what ends the run.
    """

    settled: Callable[[Sequence[Result]], None]
    refused: Callable[[Item, MLHubException], None]
    drained: Callable[[], None]
    broke: Callable[[BaseException], None]


class Shore(Protocol):
    """Takes what arrives, puts it under its name and tells the feed."""

    @property
    def full(self) -> bool:
        """Whether enough waits to be written; if so, `Calls.drained` will be called."""
        ...

    def start(self) -> None:
        """Begin."""
        ...

    def land(self, item: Item, answer: Answer) -> None:
        """Take a file that arrived."""
        ...

    def tell(self, result: Result) -> None:
        """Take a result without a file to write."""
        ...

    def hurry(self) -> None:
        """Settle what there is, as nothing comes after it for now."""
        ...

    def end(self) -> None:
        """Let it end when all is settled."""
        ...

    def join(self) -> None:
        """Wait for that; blocks."""
        ...


class Ground(Protocol):
    """Where files go."""

    def examine(self, wishes: Sequence[Wish]) -> Sequence[Item | Result]:
        """Return what is to be done for wishes, by what stands under their names; may block."""
        ...

    def shore(self, feed: Feed, calls: Calls) -> Shore:
        """Return what takes the files of a run."""
        ...

    async def fetch_single(self, item: Item, kit: Kit, live: TransferProgress) -> Result:
        """Fetch a file that is large, local or behind a proxy, shown in `live`.

        Raises
        ------
        MLHubException, OSError
            What went wrong.
        """
        ...


class DiskGround:
    """A folder of this machine, or one that it has mounted."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree

    def examine(self, wishes: Sequence[Wish]) -> Sequence[Item | Result]:
        """Look at the files that are there."""
        return [examine(wish, self._tree) for wish in wishes]

    def shore(self, feed: Feed, calls: Calls) -> Shore:
        """Return parts that are written, flushed and renamed together."""
        return _DiskShore(self._tree, feed, calls)

    async def fetch_single(self, item: Item, kit: Kit, live: TransferProgress) -> Result:
        """Fetch it as any single file; its part is kept by a cancel."""
        return await fetch_large(item, kit, live)


class _DiskShore:
    """A thread that writes parts, and one that commits them."""

    def __init__(self, tree: Tree, feed: Feed, calls: Calls) -> None:
        self._committer = Committer(tree, feed, calls.settled, calls.broke)
        self._landing = Landing(tree, self._committer.put, calls.refused, calls.drained, calls.broke)
        self.land, self.tell, self.hurry = self._landing.land, self._landing.tell, self._landing.hurry
        self.end, self.join = self._landing.end, self._committer.join

    @property
    def full(self) -> bool:
        return self._landing.full

    def start(self) -> None:
        self._landing.start()
        self._committer.start()
