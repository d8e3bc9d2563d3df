"""A secret as a form has it: how it is sent, and whether it is typed or in a variable."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from ..errors import APIKeyNotFound, ProfilesFileError
from .file import Profile
from .kind import Auth, Scheme
from .secrets import CREDENTIALS, SecretNotSet, auth_of, header_name, places

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class SecretDraft:
    """A secret that is being entered or edited.

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
        auth = auth_of(profile)
        options = {**profile.extra, "api_key": profile.api_key or ""}
        written, named = places(auth.scheme)
        typed, variable = options.get(written, ""), options.get(named, "")
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
        if name and (value := environ.get(name, "").strip()):
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
        if not variable and not self.typed.strip():
            self.secret({})
        written, named = places(self.scheme)
        options[written], options[named] = self.typed.strip() or None, variable or None
        match self.scheme:
            case Scheme.QUERY:
                options["key_param"] = auth.name if auth.name != "key" else None
            case Scheme.HEADER:
                options["header"] = auth.name
            case Scheme.BASIC:
                options["user"] = auth.user
        return options
