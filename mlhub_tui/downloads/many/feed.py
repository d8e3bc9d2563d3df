"""The seam to whoever wants many files: wishes are taken in batches, results go back in batches."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from ...errors import MLHubException
from ...http.link import Link
from ...http.response_headers import Checksum
from ...options import IfExists
from ...transfer.content_checks import Expected


@dataclass(frozen=True, slots=True)
class Wish:
    """A file that is wanted.

    Parameters
    ----------
    key
        The feed's own number for it.
    link
        Where its bytes are; credentials go to the link's own origin only.
    path
        Where it goes: relative to the folder, parts separated by `/`.
    size
        Bytes as the catalogue announces them; None if it does not. The server's word counts more.
    digests
        Checksums that are known beforehand; verified beside the server's.
    if_exists
        What to do with a file that is there.
    page
        Whether it is a web page; else one is refused as what a portal or an error shows.
    """

    key: int
    link: Link
    path: str
    size: int | None = None
    digests: tuple[Checksum, ...] = ()
    if_exists: IfExists = IfExists.RESUME
    page: bool = False

    @property
    def expected(self) -> Expected:
        """What is known of the file's content."""
        return Expected(self.path.rpartition("/")[2], self.size, page=self.page)


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a wish.

    Parameters
    ----------
    key
        The wish's.
    size
        Bytes of the file under its name, safe on disk; None if it failed.
    fetched
        False if the file was there already.
    error
        Why it failed; None if it is there.
    """

    key: int
    size: int | None = None
    fetched: bool = True
    error: MLHubException | None = None


class Feed(Protocol):
    """Gives files and takes results; its methods are called from threads that may wait.

    `take` is never called twice at once, nor is `settle`; but both, and `relink`, may be called side by
    side. A wish that was taken and never settled (the program ended) is to be given again at the next run.
    """

    def take(self, most: int) -> Sequence[Wish]:
        """Return the next wishes, `most` at most; none when there are no more."""
        ...

    def settle(self, results: Sequence[Result]) -> None:
        """Record results, for good: the files are safe on disk under their names.

        Raises
        ------
        MLHubException, OSError, sqlite3.Error
            If that fails; the run ends with it, and the wishes count as not settled.
        """
        ...

    def relink(self, wish: Wish) -> Link | None:
        """Return a new link for one that was refused; None where there is no other one."""
        ...


@dataclass
class MemoryFeed:
    """A feed of what is in memory, for scripts and tests.

    Parameters
    ----------
    wishes
        The files; taken one by one, so a generator will do.

    Attributes
    ----------
    results
        What became of them, by key.
    """

    wishes: Iterable[Wish]
    results: dict[int, Result] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._next = iter(self.wishes)
        self._lock = threading.Lock()

    def take(self, most: int) -> Sequence[Wish]:
        """Return the next wishes."""
        taken: deque[Wish] = deque()
        while len(taken) < most and (wish := next(self._next, None)) is not None:
            taken.append(wish)
        return taken

    def settle(self, results: Sequence[Result]) -> None:
        """Keep results."""
        with self._lock:
            self.results.update((result.key, result) for result in results)

    def relink(self, wish: Wish) -> Link | None:
        """Return None: what is in memory knows no other link."""
        return None
