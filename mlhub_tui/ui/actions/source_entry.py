"""A source as the source form holds it: prefilled, detected, turned into credentials or a profile."""

from __future__ import annotations

import asyncio
import itertools
import os
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePath
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ... import sources
from ...auth import (
    DEFAULT_PROFILE,
    DEFAULT_ROOT_URL,
    Auth,
    Credentials,
    Kind,
    Profile,
    ProfilesFile,
    SecretDraft,
    check_name,
    for_location,
    for_profile,
    is_url,
)
from ...errors import AuthenticationError, MLHubException, ProfilesFileError
from ...text import one_line

if TYPE_CHECKING:
    from ...sources.open_source import WellKnownSource
    from ...sources.probe import ProbeResult
    from ..source_connection import Connection


@dataclass(frozen=True, slots=True)
class SourceEntry:
    """What was entered.

    - `location`: The URL or path; empty only for an MLHub API: then it is the hosted service.
    - `kind`: The kind of source; None to detect it.
    """

    location: str
    kind: Kind | None
    secret: SecretDraft = field(default_factory=SecretDraft)

    def credentials(self, environ: Mapping[str, str] | None = None) -> Credentials:
        """Return what the source is opened with.

        Raises InvalidRootURL if the location cannot be one. Raises APIKeyNotFound if the secret is not given,
        or cannot be sent.
        """
        value = self.secret.secret(os.environ if environ is None else environ)
        auth = self.secret.auth() if self.secret.scheme else Auth()
        location = self.location or (DEFAULT_ROOT_URL if self.kind is Kind.MLHUB else "")
        made = for_location(
            location, kind=self.kind, api_key=value, auth=auth, origin="form", base=Path.cwd()
        )
        if value is None:
            return made
        variable = self.secret.variable_name()
        return replace(made, key_origin=f"variable {variable}" if variable else "the form")

    def save(self, name: str, profile: Profile | None, *, use: bool) -> Credentials | None:
        """Write it under a name, and return what the saved profile is used with; blocks.

        - `name`: The profile's name.
        - `profile`: The profile that is edited, whose other options stay; None for a new one.
        - `use`: Whether it is to be used: else its variable need not be set, and None is returned.

        Raises ProfilesFileError if there is such a profile already, or the file cannot take it. Raises
        InvalidRootURL, APIKeyNotFound as `credentials`; then nothing was written.
        """
        if use:
            self.credentials()
        name = check_name(name) if profile is None else profile.name
        file = ProfilesFile.load()
        if profile is None and name in file.names():
            raise ProfilesFileError(
                f"there is a profile {name} already", hint="choose another name, or leave this and edit it"
            )
        options = self._options(profile)
        root = for_location(self.location, kind=self.kind).root_url if self.location else None
        same = profile is not None and root == profile.root_url
        file.save(name, **options, **({} if same else {"root_url": root}))
        return for_profile(name) if use else None

    def _options(self, profile: Profile | None) -> dict[str, str | None]:
        """Return the options that differ from those of the profile."""
        options = self.secret.options() | {"kind": str(self.kind)}
        if profile is None:
            return {name: value for name, value in options.items() if value}
        if self.kind is Kind.MLHUB and "kind" not in profile.extra:
            options.pop("kind")
        known = {**profile.extra, "api_key": profile.api_key}
        return {name: value for name, value in options.items() if value != known.get(name)}


_LONGEST_NAME = 32


@dataclass(frozen=True, slots=True)
class Start:
    """What the form for a source begins with.

    - `kind`: The kind of source, if known: then it is used without detection.
    - `secret`: How its secret is sent, with the secret if that is stored.
    - `profile`: The profile that is edited; None for a new one, for which `name` is proposed.
    - `words`, `error`: A description of the source, and what went wrong before, shown in the form.
    """

    location: str = ""
    kind: Kind | None = None
    secret: SecretDraft = field(default_factory=SecretDraft)
    name: str = ""
    profile: Profile | None = None
    words: str = ""
    error: MLHubException | None = None


def of_known(known: WellKnownSource) -> Start:
    """Return the start for a public source."""
    words = f"{known.title}: {known.about}\n{known.key or 'no key'}; not asked for anything yet"
    return Start(known.root_url, known.kind, name=known.name, words=words)


def of_use(connection: Connection) -> Start:
    """Return the start for what is in use and not saved."""
    used, auth = connection.credentials, connection.credentials.auth
    secret = SecretDraft(auth.scheme, auth.name, auth.user, used.secret) if used.secret else SecretDraft()
    return Start(used.root_url, connection.source.kind, secret, name_for(used.root_url, "", used.kind))


def of_place(used: Credentials, error: MLHubException) -> Start:
    """Return the start for a place that was opened without the key it wants."""
    wants = AuthenticationError(error.message, hint="say how its key is sent, and enter it or its variable")
    return Start(used.root_url, used.kind, name=name_for(used.root_url, "", used.kind), error=wants)


def of_profile(profile: Profile) -> Start:
    """Return the start for a profile that is edited, with the error in its section, if any."""
    try:
        secret, error = SecretDraft.of(profile), None
    except MLHubException as wrong:
        secret, error = SecretDraft(), wrong
    location = one_line(profile.root_url or "")
    return Start(location, profile.kind, secret, profile.name, profile, error=error)


def name_for(location: str, title: str, kind: Kind | None, taken: Collection[str] = ()) -> str:
    """Return a name for the profile of a source that is not taken yet.

    `default` for the first MLHub API, which is then used where no profile is named; else of its title, its
    host or its file.
    """
    if kind is Kind.MLHUB and DEFAULT_PROFILE not in taken:
        return DEFAULT_PROFILE
    base = _slug(title) or _slug(_place_word(location)) or "source"
    names = itertools.chain([base], (f"{base}-{number}" for number in itertools.count(2)))
    return next(name for name in names if name not in taken)


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
    """Return the text for a detected source: kind, title and counts; then a note a line."""
    title = f" “{one_line(found.title, 80)}”" if found.title else ""
    counts = f", {found.counts_words}" if found.counts else ""
    return "\n".join([f"{found.kind_words}{title}{counts}", *(one_line(note, 200) for note in found.notes)])


def bare(text: str) -> tuple[str, SecretDraft | None]:
    """Return a location without the key that was pasted with it, and that key.

    Raises InvalidRootURL if it can be no location.
    """
    known = sources.open_source.by_name(text)
    credentials = for_location(
        known.root_url if known else sources.open_source.address_of(text), origin="form"
    )
    if not credentials.secret:
        return credentials.root_url, None
    auth = credentials.auth
    return credentials.root_url, SecretDraft(auth.scheme, auth.name, "", credentials.secret)


async def look(location: str, secret: SecretDraft) -> ProbeResult:
    """Return what is at a location; the HTTP client is imported in a thread.

    Raises MLHubException as `probe`; and if the secret is not given, or cannot be sent.
    """
    credentials = SourceEntry(location, None, secret).credentials()
    probe = await asyncio.to_thread(lambda: sources.probe.probe)
    return await probe(credentials)


def lacks_key(credentials: Credentials, error: MLHubException) -> bool:
    """Whether a source that is no profile was opened without the key it wants."""
    return isinstance(error, AuthenticationError) and not credentials.profile and not credentials.secret
