"""Credentials: a secret with the source it is for, from a profile or a location that was chosen by hand."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import ProfilesFileError
from ..text import one_line
from .file import Profile, ProfilesFile
from .kind import Auth, Kind
from .location import behind_browser, location, split_key
from .root import DEFAULT_ROOT_URL, normalise_root_url
from .secrets import Secret, auth_of, secret_of
from .words import ANONYMOUS, ROOT_URL_VARIABLE


@dataclass(frozen=True, slots=True)
class Credentials:
    """A key and the source it is for.

    Parameters
    ----------
    api_key
        The secret, however it is sent; None for requests without one.
    root_url
        The root URL of an API, normalised; the URL or absolute path of a static catalog, as it is.
    profile
        The profile the key came from; None where it came from elsewhere.
    key_origin
        Where the key came from, in words for people.
    root_origin
        Where the root URL came from, likewise.
    kind
        What the source speaks; None where only its landing document can tell.
    auth
        How the secret is sent.
    """

    api_key: str | None = field(repr=False)
    root_url: str
    profile: str | None
    key_origin: str
    root_origin: str = "default"
    kind: Kind | None = Kind.MLHUB
    auth: Auth = field(default_factory=Auth)

    @property
    def secret(self) -> str | None:
        """The secret, by the name that suits all ways of sending it."""
        return self.api_key


def for_profile(
    name: str,
    *,
    root_url: str | None = None,
    api_key: str | None = None,
    environ: Mapping[str, str] | None = None,
    path: Path | None = None,
) -> Credentials:
    """Return the key and root URL of a profile that was chosen by hand; MLHUB_API_KEY does not count.

    The root URL is the first of: the argument; the profile's own; MLHUB_ROOT_URL; the hosted service. For a
    profile of another kind than `mlhub` only its own counts. A profile without a key gives none, as
    `__anonymous__` does; an `api_key` that is given goes before it.

    Raises
    ------
    ProfileNotFound, ProfilesFileError, InvalidRootURL
        As `resolve`.
    """
    environ = os.environ if environ is None else environ
    chosen = Profile(ANONYMOUS) if name == ANONYMOUS else ProfilesFile.load(path).get(name)
    if chosen.kind is not Kind.MLHUB:
        return of_profile(chosen, api_key, environ)
    given = Secret(api_key.strip(), auth_of(chosen), "--api-key argument") if api_key else None
    secret = given or secret_of(chosen, environ)
    root, root_origin = first_root(
        (root_url, "--root-url argument"),
        (chosen.root_url, f"profile {name}"),
        (environ.get(ROOT_URL_VARIABLE), ROOT_URL_VARIABLE),
    )
    origin = f"no key ({ANONYMOUS})" if name == ANONYMOUS and not secret.value else secret.origin
    return Credentials(secret.value, root, name, origin, root_origin, Kind.MLHUB, secret.auth)


def for_location(
    text: str,
    *,
    kind: Kind | None = None,
    api_key: str | None = None,
    auth: Auth | None = None,
    origin: str = "--source argument",
    base: Path | None = None,
) -> Credentials:
    """Return the credentials for a URL or path that no profile is about; no variable counts.

    A key in the query of the URL is taken out of it and sent as that parameter. The address of a page of
    STAC Browser stands for what it shows.

    Parameters
    ----------
    kind
        What is there; None leaves it to be found out.
    api_key
        A secret that was given for this very place.
    auth
        How it is sent; default the query parameter `key`.
    origin
        Where the location was given, in words.
    base
        What a relative path is relative to; default the current folder.

    Raises
    ------
    InvalidRootURL
        If it is neither a URL nor a path.
    """
    bare, parameter, key = split_key(behind_browser(text.strip()))
    where = location(bare, kind, origin, base=base or Path.cwd())
    if api_key:
        return Credentials(api_key.strip(), where, None, "--api-key argument", origin, kind, auth or Auth())
    if key:
        return Credentials(key, where, None, f"the {origin}", origin, kind, Auth(name=parameter))
    return Credentials(None, where, None, "no key", origin, kind, auth or Auth())


def of_profile(
    profile: Profile, api_key: str | None, environ: Mapping[str, str], name_origin: str = ""
) -> Credentials:
    """Return what a profile of another kind than `mlhub` says, which nothing but `api_key` may change."""
    if profile.kind is None:
        word = one_line(profile.kind_word, 40)
        raise ProfilesFileError(
            f"the profile {profile.name!r} is of a kind that is not known: {word!r}",
            hint=f"kinds are: {', '.join(Kind)}",
        )
    whose = f"profile {profile.name}{name_origin}"
    if not profile.root_url:
        raise ProfilesFileError(
            f"the profile {profile.name!r} of kind {profile.kind} has no root_url",
            hint=f"run `mlhub-tui sources add {profile.name} URL`, or write it into the profiles file",
        )
    root = location(profile.root_url, profile.kind, whose)
    if api_key:
        auth = auth_of(profile)
        return Credentials(
            api_key.strip(), root, profile.name, "--api-key argument", whose, profile.kind, auth
        )
    secret = secret_of(profile, environ)
    return Credentials(secret.value, root, profile.name, secret.origin, whose, profile.kind, secret.auth)


def first_root(*given: tuple[str | None, str]) -> tuple[str, str]:
    """Return the first root URL that is given, normalised, and its origin."""
    for url, origin in given:
        if url:
            return normalise_root_url(url, origin), origin
    return DEFAULT_ROOT_URL, "default"
