"""The secret of a profile: written in its section, or in an environment variable that the section names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from ..errors import APIKeyNotFound, ProfilesFileError
from ..text import clean, mask, one_line
from .kind import Auth, Scheme
from .profiles import CREDENTIALS, Profile

# For each way of sending a secret, the option that holds it, and the one that names its variable.
_OPTIONS = {
    Scheme.QUERY: ("api_key", "key_env"),
    Scheme.BEARER: ("token", "token_env"),
    Scheme.HEADER: ("header_value", "header_env"),
    Scheme.BASIC: ("password", "password_env"),
}
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
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


@dataclass(frozen=True, slots=True)
class SecretDraft:
    """A secret as a form or a section of the profiles file has it.

    Parameters
    ----------
    scheme
        How it is sent; None for no secret.
    name
        The query parameter or the header; empty for the parameter `key`.
    user
        The user of basic authentication.
    typed
        The secret itself; empty where it is not typed.
    variable
        The environment variable that holds it; empty for none.
    """

    scheme: Scheme | None = None
    name: str = ""
    user: str = ""
    typed: str = field(default="", repr=False)
    variable: str = ""

    @classmethod
    def of(cls, profile: Profile) -> SecretDraft:
        """Return what a profile has, with its secret.

        Raises
        ------
        ProfilesFileError
            If its section names more than one way, or half of one.
        """
        auth, options = auth_of(profile), _options(profile)
        typed, variable = (options.get(option, "") for option in _OPTIONS[auth.scheme])
        if not typed and not variable:
            return cls()
        name = options.get("key_param", "") if auth.scheme is Scheme.QUERY else auth.name
        return cls(auth.scheme, name, auth.user, typed, variable)

    def auth(self) -> Auth:
        """Return how the secret is sent.

        Raises
        ------
        ProfilesFileError
            If the header or the user cannot be one.
        """
        match self.scheme:
            case Scheme.HEADER:
                return Auth(Scheme.HEADER, header_name(self.name, "the header"))
            case Scheme.BASIC:
                if not self.user or ":" in self.user:  # RFC 7617, section 2
                    raise ProfilesFileError(
                        "the user name is empty or holds a colon",
                        hint="basic authentication cannot send that",
                    )
                return Auth(Scheme.BASIC, "", self.user)
            case Scheme.BEARER:
                return Auth(Scheme.BEARER, "")
        return Auth(Scheme.QUERY, self.name or "key")

    def variable_name(self) -> str:
        """Return the name of the variable, empty for none.

        Raises
        ------
        ProfilesFileError
            If it cannot be one; it is not quoted, for it may be a secret in the wrong place.
        """
        name = self.variable.strip().removeprefix("$")
        if name and not _VARIABLE.fullmatch(name):
            raise ProfilesFileError(
                "that cannot be the name of a variable", hint="it looks like MY_TOKEN: letters, digits and _"
            )
        return name

    def secret(self, environ: Mapping[str, str]) -> str | None:
        """Return the secret: of the variable where that is set, else as typed; None where there is none.

        Raises
        ------
        SecretNotSet
            If only a variable is named, and it is not set.
        APIKeyNotFound
            If a way is chosen and no secret is given.
        """
        if self.scheme is None:
            return None
        name = self.variable_name()
        if value := environ.get(name, "").strip() if name else "":
            return value
        if self.typed.strip():
            return self.typed.strip()
        if name:
            raise SecretNotSet(
                f"the variable {name} is not set here", hint=f"set it before the start: export {name}=..."
            )
        raise APIKeyNotFound("the secret is missing", hint="type it, or name the variable that holds it")

    def options(self) -> dict[str, str | None]:
        """Return what the section of a profile gets: all options about secrets, None for those that go.

        Raises
        ------
        ProfilesFileError
            If something of it cannot stand there.
        APIKeyNotFound
            If a way is chosen and no secret is given.
        """
        options: dict[str, str | None] = dict.fromkeys(sorted(CREDENTIALS))
        if self.scheme is None:
            return options
        auth, variable = self.auth(), self.variable_name()
        if not variable:
            self.secret({})
        written, named = _OPTIONS[self.scheme]
        options |= {written: self.typed.strip() or None, named: variable or None}
        if self.scheme is Scheme.QUERY and auth.name != "key":
            options["key_param"] = auth.name
        if self.scheme is Scheme.HEADER:
            options["header"] = auth.name
        options["user"] = auth.user or None
        return options


def auth_of(profile: Profile) -> Auth:
    """Return how a profile's secret is sent.

    Raises
    ------
    ProfilesFileError
        If the section names more than one way, or half of one.
    """
    options = _options(profile)
    found = {scheme: [name for name in names if name in options] for scheme, names in _OPTIONS.items()}
    schemes = [scheme for scheme in Scheme if found[scheme]]
    for scheme, half in ((Scheme.HEADER, "header"), (Scheme.BASIC, "user")):
        if half in options and scheme not in schemes:
            raise _wrong(profile, f"has {half}, and neither {' nor '.join(_OPTIONS[scheme])}")
    if len(schemes) > 1:
        raise _wrong(profile, f"has more than one secret: {' and '.join(found[s][0] for s in schemes)}")
    match schemes[0] if schemes else Scheme.QUERY:
        case Scheme.HEADER:
            name = header_name(options.get("header", ""), f"the profile {profile.name!r}")
            return Auth(Scheme.HEADER, name)
        case Scheme.BASIC:
            if ":" in options.get("user", ""):  # RFC 7617, section 2
                raise _wrong(profile, "has a colon in its user name, which basic authentication cannot send")
            return Auth(Scheme.BASIC, "", options.get("user", ""))
        case Scheme.BEARER:
            return Auth(Scheme.BEARER, "")
    return Auth(Scheme.QUERY, options.get("key_param") or "key")


def secret_of(profile: Profile, environ: Mapping[str, str]) -> Secret:
    """Return a profile's secret; a variable that is set overrides what the file says.

    Raises
    ------
    SecretNotSet
        If the variable that is named is not set, and the section has no secret besides.
    ProfilesFileError
        As `auth_of`.
    """
    auth, options = auth_of(profile), _options(profile)
    written, named = _OPTIONS[auth.scheme]
    variable, name = options.get(named, ""), f"profile {profile.name}"
    shown = one_line(variable, 60)
    if variable and (value := environ.get(variable, "").strip()):
        _check(value, f"the variable {shown} of the profile {profile.name!r}")
        return Secret(value, auth, f"{name} (variable {variable})")
    if value := options.get(written, ""):
        _check(value, f"the {written} of the profile {profile.name!r}")
        return Secret(value, auth, name)
    if variable:
        raise SecretNotSet(
            f"the profile {profile.name!r} takes its secret from the environment variable {shown},"
            " which is not set",
            hint=f"set it: export {shown}=...",
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
    options = {**profile.extra, "api_key": profile.api_key or ""}
    return {name: value for name, value in options.items() if name in CREDENTIALS and value}


def _variable(profile: Profile) -> str:
    names = (profile.extra.get(named) for _, named in _OPTIONS.values())
    return f"${one_line(next(filter(None, names)), 60)}"


def _check(value: str, what: str) -> None:
    """Refuse a secret that no header can hold: the error of a lower layer would quote it."""
    if "\n" in value or "\t" in value or clean(value) != value:
        raise ProfilesFileError(
            f"{what} holds line breaks or invisible characters", hint="copy it again, on one line"
        )


def _wrong(profile: Profile, what: str) -> ProfilesFileError:
    return ProfilesFileError(
        f"the profile {profile.name!r} {what}", hint="fix its section in the profiles file"
    )
