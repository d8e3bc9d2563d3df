"""What a URL or path that is being typed may become: files and folders of this machine, public sources."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from ..text import one_line
from .well_known import KNOWN

MOST = 200
"""Completions that are offered."""
_LOOKED_AT = 5000
_WANTED = (".json", ".tar.gz", ".tgz", ".tar")


def completions(text: str, *, base: Path | None = None) -> list[str]:
    """Return what a text can be completed to, each as a whole; blocks while a folder is read.

    Parameters
    ----------
    text
        What was typed; nothing is offered for nothing.
    base
        What a relative path is relative to; default the current folder.
    """
    if not text.strip() or "://" in text or text[:4].lower() == "http":
        return [
            k.root_url for k in KNOWN if text.strip() and k.root_url.startswith(text) and k.root_url != text
        ]
    found = sorted(islice(_in_folder(text, base), MOST), key=lambda path: (not path.endswith("/"), path))
    if os.sep not in text and "/" not in text:
        found += [known.name for known in KNOWN if known.name.startswith(text) and known.name != text]
    return found


def common_start(texts: list[str]) -> str:
    """Return what all of some texts begin with."""
    first, last = min(texts), max(texts)
    same = next((n for n, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first))
    return first[:same]


def _in_folder(text: str, base: Path | None) -> Iterator[str]:
    """Yield the folders, and the files that may be catalogs, whose path begins with a text."""
    cut = max(text.rfind("/"), text.rfind(os.sep)) + 1
    folder, begun = text[:cut], text[cut:]
    try:
        where = (base or Path.cwd()) / Path(folder).expanduser()
        with os.scandir(where) as entries:
            for entry in islice(entries, _LOOKED_AT):
                name = entry.name
                # What cannot be drawn as it is cannot be chosen from a list either.
                if not name.startswith(begun) or one_line(name) != name:
                    continue
                if name.startswith(".") and not begun:
                    continue
                if entry.is_dir():
                    yield f"{folder}{name}/"
                elif name.lower().endswith(_WANTED) and name != begun:
                    yield f"{folder}{name}"
    except (OSError, RuntimeError, ValueError):
        return
