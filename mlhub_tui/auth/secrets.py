"""The secret of a source: in its section of the profiles file, in a variable that it names, or in a form."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from ..errors import APIKeyNotFound, ProfilesFileError
from ..text import clean, mask, one_line
from .location import Auth, Scheme
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
    {"host", "connection", "te", "trailer", "upgrade", "content-length", "transfer-encoding"}
    | {"range", "if-range", "accept-encoding"}
)


class SecretNotSet(APIKeyNotFound):
    """The environment variable that a profile names for its secret is not set."""


@dataclass(frozen=True, slots=True)
class SecretDraft:
    """A secret as a form or a section of the profiles file has it.

    - `scheme`: How it is sent; None for no secret.
    - `name`: The query parameter or the header; empty for the parameter `key`.
    - `user`: The user of basic authentication.
    - `typed`: The secret itself; empty where it is not typed.
    - `variable`: The environment variable that holds it; empty for none.
    - `owner`: Whose it is, for messages: `the profile 'project1'`; empty for a form.
    """

    scheme: Scheme | None = None
    name: str = ""
    user: str = ""
    typed: str = field(default="", repr=False)
    variable: str = ""
    owner: str = field(default="", compare=False)

    @classmethod
    def of(cls, profile: Profile) -> SecretDraft:
        """Return what a profile has, with its secret.

        Raises ProfilesFileError if its section names more than one way, half of one, or one that cannot be
        sent.
        """
        owner = f"the profile {profile.name!r}"
        given = {**profile.extra, "api_key": profile.api_key or ""}
        options = {name: value for name, value in given.items() if name in CREDENTIALS and value}
        found = {scheme: [name for name in names if name in options] for scheme, names in _OPTIONS.items()}
        schemes = [scheme for scheme in Scheme if found[scheme]]
        for scheme, half in ((Scheme.HEADER, "header"), (Scheme.BASIC, "user")):
            if half in options and scheme not in schemes:
                raise _wrong(f"{owner} has {half}, and neither {' nor '.join(_OPTIONS[scheme])}")
        if len(schemes) > 1:
            names = " and ".join(found[scheme][0] for scheme in schemes)
            raise _wrong(f"{owner} has more than one secret: {names}")
        if not schemes:
            return cls(None, options.get("key_param", ""), owner=owner)
        (scheme,) = schemes
        name = options.get({Scheme.QUERY: "key_param", Scheme.HEADER: "header"}.get(scheme, ""), "")
        typed, variable = (options.get(option, "") for option in _OPTIONS[scheme])
        draft = cls(scheme, name, options.get("user", ""), typed, variable, owner)
        draft.auth()
        return draft

    def auth(self) -> Auth:
        """Return how the secret is sent.

        Raises ProfilesFileError if the header or the user cannot be one.
        """
        match self.scheme:
            case Scheme.HEADER:
                return Auth(Scheme.HEADER, header_name(self.name, self.owner or "the header"))
            case Scheme.BASIC:
                if ":" in self.user or not (self.user or self.owner):  # RFC 7617, section 2
                    words = f"{self._whose}the user name is empty or holds a colon"
                    raise ProfilesFileError(words, hint="basic authentication cannot send that")
                return Auth(Scheme.BASIC, "", self.user)
            case Scheme.BEARER:
                return Auth(Scheme.BEARER, "")
        return Auth(Scheme.QUERY, self.name or "key")

    def variable_name(self) -> str:
        """Return the name of the variable, empty for none.

        Raises ProfilesFileError if it cannot be one; it is not quoted, for it may be a secret in the wrong
        place.
        """
        name = self.variable.strip().removeprefix("$")
        if name and not _VARIABLE.fullmatch(name):
            raise ProfilesFileError(
                "that cannot be the name of a variable", hint="it looks like MY_TOKEN: letters, digits and _"
            )
        return name

    def secret(self, environ: Mapping[str, str]) -> str | None:
        """Return the secret: of the variable where that is set, else as typed; None where there is none.

        Raises SecretNotSet if only a variable is named, and it is not set. Raises APIKeyNotFound if a way is
        chosen and no secret is given. Raises ProfilesFileError if no header can hold it: the error of a lower
        layer would quote it.
        """
        if self.scheme is None:
            return None
        name = self.variable_name()
        value, what = self._set_to(environ), f"the variable {name}"
        if not value:
            value, what = self.typed.strip(), "the secret"
        if "\n" in value or "\t" in value or clean(value) != value:
            raise ProfilesFileError(
                f"{self._whose}{what} holds line breaks or invisible characters",
                hint="copy it again, on one line",
            )
        if value:
            return value
        if name:
            raise SecretNotSet(
                f"{self._whose}the variable {name} is not set here",
                hint=f"set it before the start: export {name}=...",
            )
        raise APIKeyNotFound("the secret is missing", hint="type it, or name the variable that holds it")

    def origin(self, profile: str, environ: Mapping[str, str]) -> str:
        """Return where the secret of a profile comes from, in words."""
        if self.scheme is None:
            return f"no key (profile {profile} has none)"
        return f"profile {profile}" + (f" (variable {self.variable})" if self._set_to(environ) else "")

    def options(self) -> dict[str, str | None]:
        """Return what the section of a profile gets: all options about secrets, None for those that go.

        Raises ProfilesFileError if something of it cannot stand there. Raises APIKeyNotFound if a way is
        chosen and no secret is given.
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

    def shown(self, environ: Mapping[str, str]) -> str:
        """Return the secret as it may be shown in a list: masked, or the variable that holds it.

        Raises APIKeyNotFound as `secret`, but for a variable that is not set.
        """
        try:
            secret = self.secret(environ)
        except SecretNotSet:
            return f"${self.variable_name()} (not set)"
        if self.scheme is None or secret is None:
            return "none"
        words = {Scheme.QUERY: "key", Scheme.BEARER: "token", Scheme.HEADER: self.name, Scheme.BASIC: "basic"}
        user = f" {one_line(self.user, 40)}" if self.user else ""
        hidden = f"${self.variable_name()}" if self._set_to(environ) else mask(secret)
        return f"{words[self.scheme]}{user} {hidden}"

    @property
    def _whose(self) -> str:
        return f"{self.owner}: " if self.owner else ""

    def _set_to(self, environ: Mapping[str, str]) -> str:
        name = self.variable_name()
        return environ.get(name, "").strip() if name else ""


def secret_words(profile: Profile, environ: Mapping[str, str]) -> str:
    """Return a profile's secret as it may be shown in a list; never fails and never tells it."""
    try:
        return SecretDraft.of(profile).shown(environ)
    except APIKeyNotFound as error:
        return f"broken: {error.message}"


def header_name(text: str, whose: str) -> str:
    """Return the name of a header that may hold a secret.

    Raises ProfilesFileError if it is no header name (RFC 9110, section 5.1), or one that the connection
    itself needs.
    """
    name = text.strip()
    if not _TOKEN.fullmatch(name) or name.lower() in _NOT_OURS:
        raise ProfilesFileError(
            f"{whose}: {one_line(name, 60)!r} cannot be the header of a secret",
            hint="a header looks like X-API-Key: letters, digits and dashes",
        )
    return name


def _wrong(words: str) -> ProfilesFileError:
    return ProfilesFileError(words, hint="fix its section in the profiles file")
