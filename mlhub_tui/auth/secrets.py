"""The secret of a profile: written in its section, or in an environment variable that the section names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..errors import APIKeyNotFound, ProfilesFileError
from ..text import clean, mask, one_line
from .kind import Auth, Scheme

if TYPE_CHECKING:
    from .file import Profile

# What a section may say for each way, and where the secret is: written, or in a variable by name.
_WRITTEN = {
    Scheme.QUERY: "api_key",
    Scheme.BEARER: "token",
    Scheme.HEADER: "header_value",
    Scheme.BASIC: "password",
}
_NAMED = {
    Scheme.QUERY: "key_env",
    Scheme.BEARER: "token_env",
    Scheme.HEADER: "header_env",
    Scheme.BASIC: "password_env",
}
SECRETS = frozenset({*_WRITTEN.values(), *_NAMED.values()})
"""The options that hold a secret, or name the variable that does."""
CREDENTIALS = SECRETS | {"key_param", "header", "user"}
"""All options about a secret."""

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, section 5.6.2
_NOT_OURS = frozenset(
    (
        *("host", "connection", "te", "trailer", "upgrade", "content-length", "transfer-encoding"),
        *("range", "if-range", "accept-encoding"),
    )
)


class SecretNotSet(APIKeyNotFound):
    """The environment variable that a profile names for its secret is not set."""


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret, how it is sent, and where it came from in words; `value` is None where there is none."""

    value: str | None = field(repr=False)
    auth: Auth
    origin: str


def places(scheme: Scheme) -> tuple[str, str]:
    """Return the options of a section that hold a secret, or name its variable, for a way of sending it."""
    return _WRITTEN[scheme], _NAMED[scheme]


def auth_of(profile: Profile) -> Auth:
    """Return how a profile's secret is sent.

    Raises
    ------
    ProfilesFileError
        If the section names more than one way, or half of one.
    """
    options = _options(profile)
    schemes = [scheme for scheme in Scheme if options.keys() & {_WRITTEN[scheme], _NAMED[scheme]}]
    for scheme, half in ((Scheme.HEADER, "header"), (Scheme.BASIC, "user")):
        if half in options and scheme not in schemes:
            raise _wrong(profile, f"has {half}, and neither {_WRITTEN[scheme]} nor {_NAMED[scheme]}")
    if len(schemes) > 1:
        names = " and ".join(_option_of(options, scheme) for scheme in schemes)
        raise _wrong(profile, f"has more than one secret: {names}")
    match schemes[0] if schemes else Scheme.QUERY:
        case Scheme.HEADER:
            return Auth(
                Scheme.HEADER, header_name(options.get("header", ""), f"the profile {profile.name!r}")
            )
        case Scheme.BASIC:
            if ":" in options.get("user", ""):  # RFC 7617, section 2
                raise _wrong(profile, "has a colon in its user name, which basic authentication cannot send")
            return Auth(Scheme.BASIC, "", options.get("user", ""))
        case Scheme.BEARER:
            return Auth(Scheme.BEARER, "")
    return Auth(Scheme.QUERY, options.get("key_param") or "key")


def secret_of(profile: Profile, environ: Mapping[str, str]) -> Secret:
    """Return a profile's secret; a variable that is set goes before what the file says.

    Raises
    ------
    SecretNotSet
        If the variable that is named is not set, and the section has no secret besides.
    ProfilesFileError
        As `auth_of`.
    """
    auth, options = auth_of(profile), _options(profile)
    name = f"profile {profile.name}"
    variable = options.get(_NAMED[auth.scheme], "")
    if variable and (value := environ.get(variable, "").strip()):
        _check(value, f"the variable {one_line(variable, 60)} of the profile {profile.name!r}")
        return Secret(value, auth, f"{name} (variable {variable})")
    if value := options.get(_WRITTEN[auth.scheme], ""):
        _check(value, f"the {_WRITTEN[auth.scheme]} of the profile {profile.name!r}")
        return Secret(value, auth, name)
    if variable:
        raise SecretNotSet(
            f"the profile {profile.name!r} takes its secret from the environment variable"
            f" {one_line(variable, 60)}, which is not set",
            hint=f"set it: export {one_line(variable, 60)}=...",
        )
    return Secret(None, auth, f"no key ({name} has none)")


def secret_words(profile: Profile, environ: Mapping[str, str]) -> str:
    """Return a profile's secret as it may be shown in a list; never fails and never tells it."""
    try:
        found = secret_of(profile, environ)
    except SecretNotSet:
        return f"{_variable(profile)} (not set)"
    except APIKeyNotFound as error:
        return f"broken: {error.message}"
    if found.value is None:
        return "none"
    way = {Scheme.QUERY: "key", Scheme.BEARER: "token", Scheme.HEADER: found.auth.name, Scheme.BASIC: "basic"}
    shown = mask(found.value) if "(variable" not in found.origin else _variable(profile)
    user = f" {one_line(found.auth.user, 40)}" if found.auth.user else ""
    return f"{way[found.auth.scheme]}{user} {shown}"


def header_name(text: str, whose: str) -> str:
    """Return the name of a header that may hold a secret.

    Raises
    ------
    ProfilesFileError
        If it is no header name (RFC 9110, section 5.1), or one that the connection itself needs.
    """
    name = text.strip()
    if not _TOKEN.fullmatch(name) or name.lower() in _NOT_OURS:
        raise ProfilesFileError(
            f"{whose}: {one_line(name, 60)!r} cannot be the header of a secret",
            hint="a header looks like X-API-Key: letters, digits and dashes",
        )
    return name


def _options(profile: Profile) -> dict[str, str]:
    """Return the options about the secret that are not empty."""
    written = {name: value for name, value in profile.extra.items() if name in CREDENTIALS and value}
    return written | ({"api_key": profile.api_key} if profile.api_key else {})


def _option_of(options: Mapping[str, str], scheme: Scheme) -> str:
    return next(name for name in (_WRITTEN[scheme], _NAMED[scheme]) if name in options)


def _variable(profile: Profile) -> str:
    return "$" + next(
        one_line(profile.extra[name], 60) for name in _NAMED.values() if profile.extra.get(name)
    )


def _check(value: str, what: str) -> None:
    """Refuse a secret that no header can hold: the error of a lower layer would quote it."""
    if "\n" in value or "\t" in value or clean(value) != value:
        raise ProfilesFileError(
            f"{what} holds line breaks or invisible characters", hint="copy it again, on one line"
        )


def _wrong(profile: Profile, what: str) -> ProfilesFileError:
    return ProfilesFileError(
        f"the profile {profile.name!r} {what}", hint="mend its section in the profiles file"
    )
