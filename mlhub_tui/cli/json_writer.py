"""JSON that commands print."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote, quote_plus

import click

from ..auth import Auth
from ..models import Document


def print_json(value: Any) -> None:
    """Print a value as JSON in ASCII, on many lines."""
    click.echo(json.dumps(value, indent=2))


class Writer:
    """Writes documents as JSON in plain ASCII, whatever the terminal's encoding.

    Some servers put the caller's key into links; `key` is taken out of them, where it stands as the
    parameter that `auth` names, so that it does not end up in a file.
    """

    def __init__(self, key: str | None, auth: Auth | None = None) -> None:
        forms = {key, quote(key, safe=""), quote_plus(key)} if key else set()
        known = "|".join(re.escape(form) for form in forms)
        name = re.escape((auth.name if auth else "") or "key")
        self._key = re.compile(rf"(?<=[?&]{name}=)(?:{known})(?=[&#\"])" if known else r"(?!)")

    def line(self, document: Document) -> str:
        """Return a document on one line."""
        return self._key.sub("", json.dumps(document.raw))

    def sheet(self, document: Document) -> str:
        """Return a document on many lines, to be read."""
        return self._key.sub("", json.dumps(document.raw, indent=2))

    def array(self, documents: Iterable[Document], *, whole: bool = True) -> str:
        """Return documents as an array, one on a line; without its end where it is not `whole`."""
        return "[" + ",".join(f"\n{self.line(document)}" for document in documents) + ("\n]" if whole else "")
