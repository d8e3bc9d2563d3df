"""What the form for a source begins with: nothing, a public source, what is in use, or a profile to edit."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ..auth import DEFAULT_PROFILE, Credentials, Kind, Profile, SecretDraft, is_url
from ..errors import AuthenticationError, MLHubException
from ..text import one_line

if TYPE_CHECKING:
    from ..sources.probe_path import ProbeResult
    from ..sources.well_known import WellKnownSource
    from .connection import Connection

_LONGEST_NAME = 32


@dataclass(frozen=True, slots=True)
class Start:
    """What the form for a source begins with.

    Parameters
    ----------
    location
        The URL or path.
    kind
        What is there, where that is known: then nothing is asked before it is used.
    secret
        How its secret is sent, with the secret if that is stored.
    name
        The name that is proposed for its profile.
    profile
        The profile that is edited; None for a new one.
    words
        What is said of it.
    error
        What went wrong before; said in the form.
    look
        Whether to look at the place at once.
    """

    location: str = ""
    kind: Kind | None = None
    secret: SecretDraft = field(default_factory=SecretDraft)
    name: str = ""
    profile: Profile | None = None
    words: str = ""
    error: MLHubException | None = None
    look: bool = False


def of_known(known: WellKnownSource) -> Start:
    """Return the start for a public source."""
    words = f"{known.title}: {known.about}\n{known.key or 'no key'}; not asked for anything yet"
    return Start(known.root_url, known.kind, name=known.name, words=words)


def of_use(connection: Connection) -> Start:
    """Return the start for what is in use and not saved."""
    used = connection.credentials
    return Start(
        used.root_url, connection.source.kind, _secret_of(used), name_for(used.root_url, "", used.kind)
    )


def of_place(used: Credentials, error: MLHubException) -> Start:
    """Return the start for a place that was opened without the key it wants."""
    wants = AuthenticationError(error.message, hint="say how its key is sent, and enter it or its variable")
    return Start(used.root_url, used.kind, name=name_for(used.root_url, "", used.kind), error=wants)


def of_profile(profile: Profile) -> Start:
    """Return the start for a profile that is edited; what is wrong with its section is said."""
    try:
        secret, error = SecretDraft.of(profile), None
    except MLHubException as wrong:
        secret, error = SecretDraft(), wrong
    location = one_line(profile.root_url or "")
    return Start(location, profile.kind, secret, profile.name, profile, error=error)


def _secret_of(used: Credentials) -> SecretDraft:
    if not used.secret:
        return SecretDraft()
    auth = used.auth
    return SecretDraft(auth.scheme, auth.name, auth.user, used.secret)


def name_for(location: str, title: str, kind: Kind | None, taken: Collection[str] = ()) -> str:
    """Return a name for the profile of a source that is not taken yet.

    `default` for the first MLHub API, which is then used where no profile is named; else of its title, its
    host or its file.
    """
    if kind is Kind.MLHUB and DEFAULT_PROFILE not in taken:
        return DEFAULT_PROFILE
    base = _slug(title) or _slug(_place_word(location)) or "source"
    name, number = base, 2
    while name in taken:
        name, number = f"{base}-{number}", number + 1
    return name


def _place_word(location: str) -> str:
    """Return the word by which people know a place: its host, its file, or the folder of that."""
    if is_url(location):
        host = urlsplit(location).hostname or ""
        return re.sub(r"^(www|stac|api)\.", "", host)
    path = PurePath(location)
    named = path.parent if path.name.lower() in ("catalog.json", "collection.json") else path
    return re.sub(r"(\.tar)?\.(gz|tgz|tar|json)$", "", named.name.lower())


def _slug(text: str) -> str:
    """Return text as a name: lower-case words and dashes."""
    words = re.sub(r"[^a-z0-9.]+", "-", one_line(text).lower()).strip("-.")
    if len(words) > _LONGEST_NAME:
        words = words[: _LONGEST_NAME + 1].rpartition("-")[0] or words[:_LONGEST_NAME]
    return words.strip("-.")


def found_words(found: ProbeResult) -> str:
    """Return what is said of what was found: kind, title and counts; then a note a line."""
    title = f" “{one_line(found.title, 80)}”" if found.title else ""
    counts = f", {found.counts_words}" if found.counts else ""
    return "\n".join([f"{found.kind_words}{title}{counts}", *(one_line(note, 200) for note in found.notes)])
