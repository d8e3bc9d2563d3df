"""A wish on its way: where it goes, what stands there, how often it was tried."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from ... import errors, text
from ...http.link import Link, is_local
from ...http.urls import Origin, parse_url
from ...options import IfExists
from ...transfer import content_checks
from .feed import Result, Wish
from .places import Tree

LOCAL = Origin("file", "", 0)
"""Where files of this machine are."""


@dataclass(slots=True, eq=False)
class Item:
    """A file that is to be fetched.

    Parameters
    ----------
    target
        Absolute path.
    place
        The origin of its link, whose slots it takes.
    link
        Where its bytes are: the wish's, or a newer one.
    there
        Bytes of the file under its name that is to be compared with the server's; None if none is.
    other
        Whether what stands under its name is what a server once sent in its place: it is replaced.
    looked
        Whether the server was asked for its size to compare.
    tries
        Failures that were its own.
    seen
        What its host had given when it last failed.
    relinked, verified_once
        Whether its one new link, its one new fetch after a wrong checksum, is used up.
    refusal
        How its link was refused.
    single
        Whether it goes the way of single files: large, local, or behind a proxy.
    """

    wish: Wish
    target: str
    place: Origin
    link: Link
    there: int | None = None
    other: bool = False
    looked: bool = False
    tries: int = 0
    seen: int = -1
    relinked: bool = False
    verified_once: bool = False
    refusal: errors.RequestError | None = None
    single: bool = False

    @property
    def name(self) -> str:
        """The file's name."""
        return os.path.basename(self.target)  # noqa: PTH119

    @property
    def replaces(self) -> bool:
        """Whether a file of its name is to be replaced."""
        return self.there is not None or self.other or self.wish.if_exists is IfExists.OVERWRITE

    def before(self) -> bytes:
        """Return the bytes of the file that is there; may block.

        Raises
        ------
        FileNotFoundError
            If none is.
        """
        return Path(self.target).read_bytes()

    def there_already(self, size: int) -> Result:
        """Return the result where nothing had to be fetched."""
        return Result(self.wish.key, size, fetched=False)

    def failed(self, error: errors.MLHubException) -> Result:
        """Return the result where nothing came of it."""
        return Result(self.wish.key, error=error)


def examine(wish: Wish, tree: Tree) -> Item | Result:
    """Return what is to be done for a wish, by what stands under its name; may block.

    The seed library's rule for `resume` compares sizes, here with the catalogue's; only where these differ,
    or there is none, is the server asked.
    """
    try:
        target = tree.target(wish.path)
        item = Item(
            wish, target, LOCAL if is_local(wish.link.url) else parse_url(wish.link.url).origin, wish.link
        )
        try:
            size = os.stat(target).st_size  # noqa: PTH116  (Path costs ten times as much, for each file)
        except (FileNotFoundError, NotADirectoryError):
            return item
        if Path(target).is_dir():
            raise errors.OutputFolderError(f"{text.one_line(target, 200)} is a folder")
        if wish.if_exists is IfExists.SKIP or (wish.if_exists is IfExists.RESUME and size == wish.size):
            return item.there_already(size)
        if wish.if_exists is IfExists.RESUME:
            item.other = content_checks.is_other(wish.expected, Path(target))
            item.there = None if item.other else size
        return item
    except errors.MLHubException as error:
        return Result(wish.key, error=error)
    except (OSError, ValueError) as error:
        why = text.one_line(error, 160)
        return Result(wish.key, error=errors.OutputFolderError(f"{text.one_line(wish.path, 160)}: {why}"))


def compared(item: Item, total: int | None) -> bool:
    """Return whether the file that is there is the server's, by its size; False if it is to be fetched.

    Raises
    ------
    FileConflict
        If it is larger, or cannot be compared.
    """
    there = item.there
    assert there is not None
    if total is None:
        raise errors.FileConflict(f"a file {item.name} is there, and the server does not tell its size")
    if there > total:
        sizes = f"{text.size(there)} here, {text.size(total)} on the server"
        raise errors.FileConflict(f"a larger file {item.name} is there ({sizes})")
    return there == total
