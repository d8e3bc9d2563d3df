"""Removal of the user's keys from URLs of other origins, and from documents that repeat them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import unquote, urljoin

from ..errors import KeyWithheld
from .urls import host, origin_of

REMOVED = "key-removed"
"""What stands in place of a key that could not be taken off a URL without changing what it names."""
_TELLING = 8  # characters; a shorter key may stand in a URL by chance
_LONG = 16  # characters; a shorter key may be a part of a longer word by chance
_ROUNDS = 8  # of percent-encoding, one over the other
_KEY_LIKE = re.compile(r"key|token|secret|auth|passw|pwd|cred|sig|session")
"""Names of parameters under which even a short key is no chance."""
_ESCAPED = re.compile(r"\\u00([0-7][0-9a-f])")
_IGNORED = str.maketrans("", "", "\t\r\n")
"""What URL parsers drop from the middle of a URL (WHATWG URL, "basic URL parser")."""


@dataclass(frozen=True, slots=True)
class KeyRemoval:
    """The secrets of one session, for its own origin (scheme, host, port; RFC 6454) alone.

    - `home`: A URL on that origin.
    - `secrets`: The key, in the forms in which it is sent.
    """

    home: str
    secrets: tuple[str, ...] = field(repr=False)

    def from_url(self, url: str, *, own: bool) -> str:
        """Return a URL as it may be asked for: without parameters, user or fragment that are the key.

        All else stays as it was written: a paging token must come back letter by letter.

        - `own`: Whether the client that will ask for it takes it for one of the key's own origin.

        Raises KeyWithheld if the key of another origin would stay in it: in its path, its host, a part of a
        parameter.
        """
        marked = REMOVED in url
        if not marked and not self.may_hold(url):
            return url
        without = self.cut(url)
        if not own and (marked or self._holds(without)):
            named = host(without)
            place = "another host" if self._holds(named) or not named else named
            raise KeyWithheld(f"a link of the server would carry the API key to {place}: not followed")
        return without

    def from_document(self, document: Any, url: str) -> None:
        """Remove the key from a JSON document in place: from URLs as `from_url`, from other texts anywhere.

        In a URL of another origin that would keep it, `REMOVED` stands for it, so that it is nowhere saved,
        shown or exported; such a URL is not asked for.

        - `url`: Where the document came from.
        """
        waiting: list[tuple[Any, bool]] = [(document, False)]
        while waiting:
            container, sent = waiting.pop()
            entries = container.items() if isinstance(container, dict) else enumerate(container)
            link = isinstance(container, dict) and "href" in container
            for name, value in list(entries):
                if isinstance(value, dict | list):
                    # What a link wants to be sent, to whomever: the session adds its own key by itself.
                    waiting.append((value, sent or (link and name in ("headers", "body"))))
                elif isinstance(value, str) and self.may_hold(value) and self._holds(value):
                    if sent and isinstance(container, dict):
                        del container[name]
                    else:
                        container[name] = self._without(value, url, is_url=name in ("href", "url"))

    def in_text(self, text: str) -> bool:
        """Return whether a text holds the key as it is, or written with escapes of JSON or of URLs."""
        text = text.lower()
        if "\\" in text:
            text = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text.replace("\\/", "/"))
        return self.may_hold(text) and self._holds(text)

    def may_hold(self, text: str) -> bool:
        """Return whether a text may hold the key; fast, and nearly always false."""
        if "%" in text or "\t" in text or "\n" in text or "\r" in text:
            return True
        text = text.lower()
        return any(secret in text for secret in _lower(self.secrets))

    def _holds(self, text: str) -> bool:
        pattern = _pattern(self.secrets)
        return pattern is not None and any(pattern.search(stage) for stage in _stages(text))

    def _without(self, text: str, url: str, *, is_url: bool) -> str:
        """Return a text of a document without the key."""
        if is_url or (re.search(r"://|^//|[?#]", text) and not re.search(r"\s", text)):
            text = self.cut(text)
            if not self._holds(text) or self._is_own(url, text):
                return text
        pattern = _pattern(self.secrets)
        assert pattern is not None  # else nothing would be held
        stages = _stages(text, as_written=True)
        # Letters whose small forms are several (`İ`) may be found in small letters alone.
        return next((pattern.sub(REMOVED, stage) for stage in stages if pattern.search(stage)), REMOVED)

    def _is_own(self, base: str, url: str) -> bool:
        try:
            return origin_of(urljoin(base, url)) == origin_of(self.home)
        except ValueError:
            return False

    def cut(self, url: str) -> str:
        """Return a URL without its parameters, its user and its fragment, as far as they are the key."""
        if not self.may_hold(url):
            return url
        base, hash_mark, fragment = url.partition("#")
        path, mark, query = base.partition("?")
        scheme, slashes, rest = path.partition("//")
        user, at, place = rest.partition("/")[0].rpartition("@")
        if at and (self._is_key("key", user) or any(self._is_key("key", part) for part in user.split(":"))):
            path = scheme + slashes + place + rest[len(user) + 1 + len(place) :]
        if mark:
            remaining = [part for part in query.split("&") if not self._is_key_parameter(part)]
            query = "&".join(remaining)
            mark = mark if query else ""
        if hash_mark and (self._is_key("key", fragment) or self._holds(fragment)):
            hash_mark = fragment = ""
        return path + mark + query + hash_mark + fragment

    def _is_key_parameter(self, parameter: str) -> bool:
        name, equals, value = parameter.partition("=")
        return self._is_key(name, value) if equals else self._is_key("", name)

    def _is_key(self, name: str, value: str) -> bool:
        """Return whether a value is the key, however it is written; a short one needs a name that says so."""
        for secret in _lower(self.secrets):
            if len(secret) < _TELLING and not any(_KEY_LIKE.search(stage) for stage in _stages(name)):
                continue
            if any(secret in (stage, stage.replace("+", " ")) for stage in _stages(value)):
                return True
        return False


def _stages(text: str, *, as_written: bool = False) -> Iterator[str]:
    """Yield a text, in small letters, as it is and after each round of percent-decoding."""
    for _ in range(_ROUNDS):
        plain = text.translate(_IGNORED)
        yield plain if as_written else plain.lower()
        if "%" not in text or (decoded := unquote(text, errors="replace")) == text:
            return
        text = decoded


@lru_cache(maxsize=64)
def _lower(secrets: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(secret.lower() for secret in secrets if secret)


@lru_cache(maxsize=64)
def _pattern(secrets: tuple[str, ...]) -> re.Pattern[str] | None:
    """Return what finds the secrets in a text; None where all are so short that nothing can be said."""
    written = []
    for secret in _lower(secrets):
        here = re.escape(secret)
        if " " in secret:
            here = here.replace(r"\ ", r"[\ +]")
        if len(secret) >= _LONG:
            written.append(here)
        elif len(secret) >= _TELLING:
            written.append(rf"(?<![0-9a-z]){here}(?![0-9a-z])")
    return re.compile("|".join(written), re.IGNORECASE) if written else None
