"""Whether pystac accepts a document, asked in a process of its own.

pystac and what it imports take 7 MB and 0.3 s, for which an app would hold up its keys.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import warnings
from asyncio.subprocess import DEVNULL, PIPE

from ..child_process import ChildProcessFailed, child_command, child_environment
from ..errors import NotValidSTAC
from .document import Catalog, Collection, Document, Item

_KINDS: dict[str, type[Catalog | Collection | Item]] = {
    made.__name__: made for made in (Catalog, Collection, Item)
}


def refusal(document: Document) -> str:
    """Return why pystac refuses a document, in this process; empty where it does not."""
    if not isinstance(document, Catalog | Collection | Item):
        return ""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of pystac, in lines of Python
            document.to_pystac()
    except NotValidSTAC as error:
        return error.message
    return ""


async def refusal_apart(document: Document) -> str:
    """Return the same from a process of its own, which is killed if this is cancelled.

    It is empty, too, where no such process can be had, or nothing can be handed to it.
    """
    kind = next((name for name, made in _KINDS.items() if isinstance(document, made)), None)
    if kind is None:
        return ""
    try:
        asked = await asyncio.to_thread(json.dumps, [kind, document.raw])
        process = await asyncio.create_subprocess_exec(
            *child_command(__name__),
            stdin=PIPE,
            stdout=PIPE,
            stderr=DEVNULL,
            env=child_environment(os.environ),
        )
    except (OSError, ChildProcessFailed, RecursionError):
        return ""
    try:
        answer, _ = await process.communicate(asked.encode())
    finally:
        if process.returncode is None:
            process.kill()
    return answer.decode()


if __name__ == "__main__":
    name, raw = json.load(sys.stdin)
    sys.stdout.buffer.write(refusal(_KINDS[name](raw)).encode(errors="backslashreplace"))
