"""Which key and root URL apply, in the documented order, and where they came from."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..errors import APIKeyNotFound, InvalidRootURL
from .credentials import Credentials, first_root, of_profile
from .file import Profile, ProfilesFile
from .kind import Auth, Kind
from .secrets import auth_of, secret_of
from .words import ANONYMOUS, API_KEY_VARIABLE, DEFAULT_PROFILE, PROFILE_VARIABLE, ROOT_URL_VARIABLE


def resolve(
    *,
    api_key: str | None = None,
    profile: str | None = None,
    root_url: str | None = None,
    environ: Mapping[str, str] | None = None,
    path: Path | None = None,
) -> Credentials:
    """Return the key and root URL that apply.

    The key is the first of these (the seed library's documentation, "Authentication"): the `api_key`
    argument; MLHUB_API_KEY; the `profile` argument; MLHUB_PROFILE; the profile `default`. The profile
    `__anonymous__` means no key. The root URL is the first of: the argument; MLHUB_ROOT_URL; `root_url`
    of the profile that is named, or else of `default`; the hosted service. Empty strings count as not given.

    A profile of another kind than `mlhub` says all by itself: MLHUB_API_KEY and MLHUB_ROOT_URL are of an
    MLHub API and do not count for it, only the `api_key` argument does. It needs no key.

    Parameters
    ----------
    environ
        The environment; default `os.environ`.
    path
        The profiles file; default `profiles` in MLHUB_HOME.

    Raises
    ------
    APIKeyNotFound
        If none of the five gives a key.
    ProfileNotFound
        If the key is to come from a named profile that is not there.
    ProfilesFileError
        If the profiles file is needed and cannot be read or understood. With a key from elsewhere it is
        still needed for the root URL: a key must not go to a host that the user did not mean.
    InvalidRootURL
        If the root URL cannot be one, or one is given for a profile of another kind than `mlhub`.
    SecretNotSet
        If the profile takes its secret from a variable that is not set; a kind of APIKeyNotFound.
    """
    search = _Search.of(profile, root_url, environ, path)
    seen = search.seen()
    if seen is not None and seen.kind is not Kind.MLHUB:
        if root_url:
            raise InvalidRootURL(
                f"--root-url is for MLHub APIs, and the profile {seen.name!r} is a source of another kind",
                hint="leave it out, or name the source itself: --source URL",
            )
        return of_profile(seen, api_key, search.environ, search.name_origin)
    auth = auth_of(seen) if seen is not None else Auth()
    if api_key:
        return search.with_key(api_key.strip(), "--api-key argument", auth)
    if key := search.environ.get(API_KEY_VARIABLE, "").strip():
        return search.with_key(key, API_KEY_VARIABLE, auth)
    return search.from_profile()


def resolve_or_anonymous(
    *,
    api_key: str | None = None,
    profile: str | None = None,
    root_url: str | None = None,
    environ: Mapping[str, str] | None = None,
    path: Path | None = None,
) -> Credentials:
    """Return what `resolve` does, or no key where there is none: listings work without one.

    Raises
    ------
    ProfileNotFound
        If a profile is named that is not there: a typing error must not pass for "no key".
    ProfilesFileError, InvalidRootURL
        As `resolve`.
    """
    try:
        return resolve(api_key=api_key, profile=profile, root_url=root_url, environ=environ, path=path)
    except NoKeyAnywhere:
        return _Search.of(profile, root_url, environ, path).without_key("no key")


class NoKeyAnywhere(APIKeyNotFound):
    """No key was given anywhere, and nothing that was named is missing."""


@dataclass(frozen=True)
class _Search:
    """One look through arguments, environment and profiles file."""

    name: str
    name_origin: str
    named: bool
    root_argument: str | None
    environ: Mapping[str, str]
    path: Path | None

    @classmethod
    def of(
        cls, profile: str | None, root_url: str | None, environ: Mapping[str, str] | None, path: Path | None
    ) -> _Search:
        environ = os.environ if environ is None else environ
        if profile:
            return cls(profile, "", True, root_url, environ, path)
        if variable := environ.get(PROFILE_VARIABLE):
            return cls(variable, f" ({PROFILE_VARIABLE})", True, root_url, environ, path)
        return cls(DEFAULT_PROFILE, "", False, root_url, environ, path)

    def seen(self) -> Profile | None:
        """Return the profile that is named, or `default` where no root URL is given; None if it is not there.

        Who names a root URL and no profile needs no file.
        """
        given = self.root_argument or self.environ.get(ROOT_URL_VARIABLE)
        if self.name == ANONYMOUS or (given and not self.named):
            return None
        file = ProfilesFile.load(self.path)
        return file.get(self.name) if self.name in file.names() else None

    def with_key(self, key: str, origin: str, auth: Auth) -> Credentials:
        """Return a key from elsewhere with the root URL that applies."""
        root, root_origin = self._root(None)
        return Credentials(key, root, None, origin, root_origin, Kind.MLHUB, auth)

    def without_key(self, origin: str) -> Credentials:
        """Return no key, with the root URL that applies."""
        root, root_origin = self._root(None)
        return Credentials(None, root, None, origin, root_origin)

    def from_profile(self) -> Credentials:
        """Return the key of the profile that applies, or none for the anonymous one."""
        if self.name == ANONYMOUS:
            root, root_origin = self._root(None)
            return Credentials(None, root, ANONYMOUS, f"no key ({ANONYMOUS}{self.name_origin})", root_origin)
        file = ProfilesFile.load(self.path)
        if not self.named and self.name not in file.names():
            raise _no_key(file)
        chosen = file.get(self.name)
        if chosen.kind is not Kind.MLHUB:
            # Its key is for its own root URL, and another one is given.
            raise _no_key(file)
        secret = secret_of(chosen, self.environ)
        if not secret.value:
            raise NoKeyAnywhere(
                f"the profile {chosen.name!r} in {file.path} has no api_key",
                hint=f"run `mlhub-tui configure --profile {chosen.name}`, or set {API_KEY_VARIABLE}",
            )
        root, root_origin = self._root(chosen)
        origin = f"{secret.origin}{self.name_origin}"
        return Credentials(secret.value, root, chosen.name, origin, root_origin, Kind.MLHUB, secret.auth)

    def _root(self, profile: Profile | None) -> tuple[str, str]:
        """Return the root URL; the profiles file is read only if nothing before it names one."""
        given = (
            (self.root_argument, "--root-url argument"),
            (self.environ.get(ROOT_URL_VARIABLE), ROOT_URL_VARIABLE),
        )
        if profile is None and not any(url for url, _ in given):
            file = ProfilesFile.load(self.path)
            profile = file.get(self.name) if self.name in file.names() else Profile(self.name)
        own = profile.root_url if profile else None
        return first_root(*given, (own, f"profile {self.name}{self.name_origin}"))


def _no_key(file: ProfilesFile) -> NoKeyAnywhere:
    if names := file.names():
        where = f"{file.path} has no profile {DEFAULT_PROFILE!r}, only: {', '.join(names)}"
        hint = f"name one: `--profile {names[0]}`, or run `mlhub-tui configure`"
    else:
        where = f"{file.path} {'holds no profiles' if file.exists else 'does not exist'}"
        hint = None
    return NoKeyAnywhere(f"no API key: none given, {API_KEY_VARIABLE} is not set and {where}", hint=hint)
