"""Members of an archive that are not unpacked: each by name with the reason, as people read it."""

from __future__ import annotations

import errno
import os

from ..text import count, one_line

OUTSIDE = "its name leads out of the archive"
UNNAMED = "its name is not valid here"
TOO_LONG = "its path is too long"
UNFINISHED = "names in .part are those of unfinished files"
ITSELF = "it would replace the archive that is being unpacked"
SPECIAL = "a device, pipe or other special file"
SPARSE = "a sparse file with a map that is damaged"
BELOW_LINK = "it is below a link"
FILE_IN_WAY = "a file is in the way"
FOLDER_IN_WAY = "a folder is in the way"
TWIN = "its name differs only in case or accents from one that exists"
LINK_OUTSIDE = "a link that leads out of the archive"
LINK_MISSING = "a link to what is not in the archive"
LINK_FOREIGN = "a link through a link that is not the archive's own"
LINK_LOOP = "a link through too many links"
LINK_UNSUPPORTED = "links cannot be created here"
TOO_MANY_LINKS = "the archive has too many links"

_MOST = 50  # members that are named; the rest are counted
_LONGEST = 120  # characters of a name
_OF_NAMES = frozenset(
    {
        errno.EFBIG,
        errno.ENAMETOOLONG,
        errno.EILSEQ,
        errno.EINVAL,
        errno.ENOTDIR,
        errno.EISDIR,
        errno.ELOOP,
        errno.EEXIST,
        errno.ENXIO,
    }
)


class Refused(Exception):
    """A member that is not unpacked; its message is the reason."""


def refusal(error: OSError | ValueError) -> Refused | None:
    """Return an error as the refusal of one member; None where it concerns the folder or its disk."""
    if not isinstance(error, OSError):
        return Refused(UNNAMED)  # NUL, or a character that the file system's encoding has not
    if error.errno not in _OF_NAMES:
        return None
    words = os.strerror(error.errno)
    return Refused(words[:1].lower() + words[1:])


class Refusals:
    """The members that were refused (`total`), in the order of the archive; the first ones are named."""

    def __init__(self) -> None:
        self.total = 0
        self._lines: list[str] = []

    def add(self, name: str, reason: Refused | str) -> None:
        """Take note of a member."""
        self.total += 1
        if len(self._lines) < _MOST:
            self._lines.append(f"{_shown(name)}: {reason}")

    def lines(self) -> tuple[str, ...]:
        """Return a line for each member, and one for those beyond the first."""
        more = self.total - len(self._lines)
        return (*self._lines, f"and {count(more, 'more member')}") if more else tuple(self._lines)


def _shown(name: str) -> str:
    """Return a member's name for a message; a long one with both its ends, which tell it from others."""
    shown = one_line(name) or ascii(name)
    half = (_LONGEST - 1) // 2
    return shown if len(shown) <= _LONGEST else f"{shown[:half]}…{shown[-half:]}"
