"""Credentials: a secret with the source it is for, found in the documented order or chosen by hand."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import APIKeyNotFound, InvalidRootURL, MLHubException, ProfilesFileError
from ..text import one_line
from .location import (
    ANONYMOUS,
    API_KEY_VARIABLE,
    DEFAULT_PROFILE,
    DEFAULT_ROOT_URL,
    PROFILE_VARIABLE,
    ROOT_URL_VARIABLE,
    Auth,
    Kind,
    behind_browser,
    location,
    normalise_root_url,
    same_root,
    split_key,
)
from .profiles import Profile, ProfilesFile
from .secrets import SecretDraft, SecretNotSet

_ARGUMENT = "--api-key argument"


class NoKeyAnywhere(APIKeyNotFound):
    """No key was given anywhere, and nothing that was named is missing."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """A secret and the source it is for.

    - `secret`: The key, however it is sent; None for requests without one.
    - `root_url`: The root URL of an API, normalised; the URL or absolute path of a static catalog, as it is.
    - `profile`: The profile the key came from; None where it came from elsewhere.
    - `key_origin`: Where the key came from, in words for people.
    - `root_origin`: Where the root URL came from, likewise.
    - `kind`: What the source speaks; None where only its landing document can tell.
    - `auth`: How the secret is sent.
    - `missing`: Why there is no key although one was looked for; None where there is one, or none is wanted.
    """

    secret: str | None = field(repr=False)
    root_url: str
    profile: str | None
    key_origin: str
    root_origin: str = "default"
    kind: Kind | None = Kind.MLHUB
    auth: Auth = field(default_factory=Auth)
    missing: APIKeyNotFound | None = field(default=None, repr=False, compare=False)


def resolve(
    *,
    api_key: str | None = None,
    profile: str | None = None,
    root_url: str | None = None,
    environ: Mapping[str, str] | None = None,
    anonymous: bool = False,
) -> Credentials:
    """Return the key and root URL that apply.

    The key is the first of these (radiant_mlhub's documentation, "Authentication"): the `api_key`
    argument; MLHUB_API_KEY; the `profile` argument; MLHUB_PROFILE; the profile `default`. The profile
    `__anonymous__` means no key. The root URL is the first of: the argument; MLHUB_ROOT_URL; `root_url`
    of the profile that is named, or else of `default`; the hosted service. Empty strings count as not given.

    A profile of another kind than `mlhub` says all by itself: MLHUB_API_KEY and MLHUB_ROOT_URL are of an
    MLHub API and do not count for it, only the `api_key` argument does. It needs no key.

    - `environ`: The environment; default `os.environ`.
    - `anonymous`: Whether to return no key where there is none: listings work without one.

    Raises APIKeyNotFound if none of the five gives a key. Raises ProfileNotFound if the key is to come from a
    named profile that is not there: a typing error must not pass for "no key". Raises ProfilesFileError if
    the profiles file is needed and cannot be read or understood. With a key from elsewhere it is still needed
    for the root URL: a key must not go to a host that the user did not mean. Raises InvalidRootURL if the
    root URL cannot be one, or one is given for a profile of another kind than `mlhub`. Raises SecretNotSet if
    the profile takes its secret from a variable that is not set; a kind of APIKeyNotFound.
    """
    environ = os.environ if environ is None else environ
    variable = "" if profile else environ.get(PROFILE_VARIABLE, "")
    name, is_named = profile or variable or DEFAULT_PROFILE, bool(profile or variable)
    whose = f" ({PROFILE_VARIABLE})" if variable else ""
    other_root = environ.get(ROOT_URL_VARIABLE)
    # A root URL without a profile's name needs no file.
    needs_file = name != ANONYMOUS and (is_named or not (root_url or other_root))
    file = ProfilesFile.load() if needs_file else None
    seen = file.get(name) if file is not None and name in file.names() else None
    if seen is not None and seen.kind is not Kind.MLHUB:
        return _of_other_kind(seen, api_key, environ, whose, root_url)
    root, root_origin = _first_root(
        (root_url, "--root-url argument"),
        (other_root, ROOT_URL_VARIABLE),
        (seen.root_url if seen is not None else None, f"profile {name}{whose}"),
    )
    given = (api_key or "").strip()
    if key := given or environ.get(API_KEY_VARIABLE, "").strip():
        auth = SecretDraft.of(seen).auth() if seen is not None else Auth()
        return Credentials(key, root, None, _ARGUMENT if given else API_KEY_VARIABLE, root_origin, auth=auth)
    if name == ANONYMOUS:
        return Credentials(None, root, ANONYMOUS, f"no key ({ANONYMOUS}{whose})", root_origin)
    file = file or ProfilesFile.load()
    missing = _no_key(file)
    chosen = file.get(name) if is_named or name in file.names() else None
    if chosen is not None and chosen.kind is Kind.MLHUB:  # another kind's key is for its own root URL
        secret, origin, auth = _secret_of(chosen, None, environ)
        if secret:
            return Credentials(secret, root, name, f"{origin}{whose}", root_origin, auth=auth)
        missing = _no_key(file, of=name)
    if not anonymous:
        raise missing
    return Credentials(None, root, None, "no key", root_origin, missing=missing)


def for_profile(
    name: str,
    *,
    root_url: str | None = None,
    api_key: str | None = None,
    environ: Mapping[str, str] | None = None,
) -> Credentials:
    """Return the key and root URL of a profile that was chosen by hand; MLHUB_API_KEY does not count.

    The root URL is the first of: the argument; the profile's own; MLHUB_ROOT_URL; the hosted service. For a
    profile of another kind than `mlhub` only its own counts. A profile without a key gives none, as
    `__anonymous__` does; an `api_key` that is given overrides it. Raises as `resolve`.
    """
    environ = os.environ if environ is None else environ
    chosen = Profile(ANONYMOUS) if name == ANONYMOUS else ProfilesFile.load().get(name)
    if chosen.kind is not Kind.MLHUB:
        return _of_other_kind(chosen, api_key, environ)
    root, root_origin = _first_root(
        (root_url, "--root-url argument"),
        (chosen.root_url, f"profile {name}"),
        (environ.get(ROOT_URL_VARIABLE), ROOT_URL_VARIABLE),
    )
    secret, origin, auth = _secret_of(chosen, api_key, environ)
    if name == ANONYMOUS and not secret:
        origin = f"no key ({ANONYMOUS})"
    return Credentials(secret, root, name, origin, root_origin, auth=auth)


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

    - `kind`: The kind of source; None to detect it.
    - `api_key`: A secret that was given for this very place.
    - `auth`: How it is sent; default the query parameter `key`.
    - `origin`: Where the location was given, in words.
    - `base`: What a relative path is relative to; default the current folder.

    Raises InvalidRootURL if it is neither a URL nor a path.
    """
    bare, parameter, key = split_key(behind_browser(text.strip()))
    where = location(bare, kind, origin, base=base or Path.cwd())
    if api_key:
        return Credentials(api_key.strip(), where, None, _ARGUMENT, origin, kind, auth or Auth())
    if key:
        return Credentials(key, where, None, f"the {origin}", origin, kind, Auth(name=parameter))
    return Credentials(None, where, None, "no key", origin, kind, auth or Auth())


def _of_other_kind(
    profile: Profile,
    api_key: str | None,
    environ: Mapping[str, str],
    whose: str = "",
    root_url: str | None = None,
) -> Credentials:
    """Return what a profile of another kind than `mlhub` says, which nothing but `api_key` may change."""
    if root_url:
        raise InvalidRootURL(
            f"--root-url is for MLHub APIs, and the profile {profile.name!r} is a source of another kind",
            hint="leave it out, or name the source itself: --source URL",
        )
    if profile.kind is None:
        word = one_line(profile.kind_word, 40)
        raise ProfilesFileError(
            f"the profile {profile.name!r} is of a kind that is not known: {word!r}",
            hint=f"kinds are: {', '.join(Kind)}",
        )
    if not profile.root_url:
        raise ProfilesFileError(
            f"the profile {profile.name!r} of kind {profile.kind} has no root_url",
            hint=f"run `mlhub-tui sources add {profile.name} URL`, or write it into the profiles file",
        )
    root_origin = f"profile {profile.name}{whose}"
    root = location(profile.root_url, profile.kind, root_origin)
    secret, origin, auth = _secret_of(profile, api_key, environ)
    return Credentials(secret, root, profile.name, origin, root_origin, profile.kind, auth)


def _secret_of(
    profile: Profile, api_key: str | None, environ: Mapping[str, str]
) -> tuple[str | None, str, Auth]:
    """Return the secret that was given, else that of a profile; where it came from, and how it is sent."""
    draft = SecretDraft.of(profile)
    if api_key:
        return api_key.strip(), _ARGUMENT, draft.auth()
    return draft.secret(environ), draft.origin(profile.name, environ), draft.auth()


def _first_root(*given: tuple[str | None, str]) -> tuple[str, str]:
    """Return the first root URL that is given, normalised, and its origin."""
    for url, origin in given:
        if url:
            return normalise_root_url(url, origin), origin
    return DEFAULT_ROOT_URL, "default"


def _no_key(file: ProfilesFile, of: str = "") -> NoKeyAnywhere:
    """Return the error for a key that is nowhere, or not in the profile where it should be."""
    if of:
        words = f"the profile {of!r} in {file.path} has no api_key"
        return NoKeyAnywhere(
            words, hint=f"run `mlhub-tui configure --profile {of}`, or set {API_KEY_VARIABLE}"
        )
    if names := file.names():
        where = f"{file.path} has no profile {DEFAULT_PROFILE!r}, only: {', '.join(names)}"
        hint = f"name one: `--profile {names[0]}`, or run `mlhub-tui configure`"
    else:
        where = f"{file.path} {'holds no profiles' if file.exists else 'does not exist'}"
        hint = None
    return NoKeyAnywhere(f"no API key: none given, {API_KEY_VARIABLE} is not set and {where}", hint=hint)


def unsaved_key(credentials: Credentials) -> str:
    """Return why a program that runs the queue later would not find this key, in one line; empty if it would.

    The queue saves the name of a profile, never a key.
    """
    if not credentials.secret:
        return ""
    not_saved = f"the key ({credentials.key_origin}) is not saved with the queue:"
    if credentials.profile is None:
        if credentials.kind is Kind.MLHUB:
            return f"{not_saved} what runs the queue needs it in MLHUB_API_KEY"
        return f"{not_saved} save the source under a name, `mlhub-tui sources add`"
    try:
        # Without this program's environment, which another one may not have.
        later = for_profile(credentials.profile, environ={})
    except SecretNotSet:
        return f"{not_saved} what runs the queue needs that variable too"
    except MLHubException as error:
        return error.message
    if later.secret != credentials.secret:
        return f"{not_saved} the profile has another one"
    if not same_root(later.root_url, credentials.root_url):
        origin = f"the root URL ({credentials.root_origin}) is not that of profile {credentials.profile}:"
        return f"{origin} what runs the queue needs it in MLHUB_ROOT_URL"
    return ""
