"""Documents for programs: JSON as received, without the key."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote, quote_plus

from ..auth import Auth
from ..models import Document


class Writer:
    """Writes documents as JSON in plain ASCII, whatever the terminal's encoding.

    Parameters
    ----------
    key
        The key in use. Some servers put the caller's key into links; it is taken out of them, so that it
        does not end up in a file.
    auth
        How it is sent: the name of its parameter.
    """

    def __init__(self, key: str | None, auth: Auth | None = None) -> None:
        forms = {key, quote(key, safe=""), quote_plus(key)} if key else set()
        known = "|".join(re.escape(form) for form in forms)
        name = re.escape((auth or Auth()).name or "key")
        self._key = re.compile(rf"(?<=[?&]{name}=)(?:{known})(?=[&#\"])" if known else r"(?!)")

    def line(self, document: Document) -> str:
        """Return a document on one line."""
        return self._key.sub("", json.dumps(document.raw))

    def sheet(self, document: Document) -> str:
        """Return a document on many lines, to be read."""
        return self._key.sub("", json.dumps(document.raw, indent=2))

    def array(self, documents: Iterable[Document]) -> str:
        """Return documents as an array, one on a line."""
        return "[" + ",".join(f"\n{self.line(document)}" for document in documents) + "\n]"


def matches(document: Document, tags: Iterable[str], phrases: Iterable[str]) -> bool:
    """Whether every tag is among a document's keywords and every phrase in its text; case does not count."""
    keywords = {keyword.casefold() for keyword in document.lines("keywords")}
    if not all(tag.casefold() in keywords for tag in tags):
        return False
    words: list[Any] = [document.label, document.title, document.description, *keywords]
    text = "\n".join(words).casefold()
    return all(phrase.casefold() in text for phrase in phrases)
