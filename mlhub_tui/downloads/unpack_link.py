"""Links in archives: made where they lead to something inside the folder, by `tarfile`'s own rules."""

from __future__ import annotations

import os
import tarfile
from contextlib import suppress
from pathlib import Path

LINKS = frozenset((tarfile.LNKTYPE[0], tarfile.SYMTYPE[0]))
"""Kinds of members that are links."""


def make_link(root: Path, target: str, name: str, block: bytes) -> bool:
    """Make the link that a member is; return False if it may not or cannot be.

    Parameters
    ----------
    root
        The folder it must not lead out of.
    target
        Where it is to stand; its folder is there.
    name
        Its path in the archive.
    block
        Its header.
    """
    try:
        member = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
        member.name = name
        member = tarfile.data_filter(member, str(root))
    except (tarfile.TarError, OSError, ValueError):
        return False
    if os.path.lexists(target):
        return os.path.islink(target) or member.islnk()  # noqa: PTH114
    with suppress(OSError, NotImplementedError):
        if member.issym():
            os.symlink(member.linkname, target)  # noqa: PTH211
            return True
        first = root / member.linkname
        if first.resolve().is_relative_to(root.resolve()) and first.is_file():
            os.link(first, target)
            return True
    return False
