"""Options that say how a source's secret is sent and where it is; the secret itself is typed or piped in."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import click

from ..auth import Auth, Scheme, header_name
from .options import is_terminal

_F = TypeVar("_F", bound=Callable[..., Any])


@dataclass
class Given:
    """What the command line says of a secret, and what is made of it.

    Parameters
    ----------
    key, token
        Whether a query parameter or a bearer token is asked for.
    key_env, token_env, header_env, password_env
        The variable that holds the secret.
    key_param, header, user
        The name of the parameter, of the header, of the user.
    """

    key: bool = False
    key_env: str | None = None
    key_param: str | None = None
    token: bool = False
    token_env: str | None = None
    header: str | None = None
    header_env: str | None = None
    user: str | None = None
    password_env: str | None = None
    secret: str | None = field(default=None, repr=False)
    """The secret, where it is known here."""
    auth: Auth = field(default_factory=Auth)
    """How it is sent."""
    missing: str = ""
    """The variable that is named and not set."""
    options: dict[str, str | None] = field(default_factory=dict, repr=False)
    """What the profile's section gets; None removes what was there."""


def secret_options(command: _F) -> _F:
    """Add the options that say how a secret is sent and where it is."""
    for option in reversed(
        (
            click.option("--key", is_flag=True, help="Ask for a key, sent as a query parameter."),
            click.option("--key-param", metavar="PARAM", help="Its parameter.  [default: key]"),
            click.option("--key-env", metavar="VAR", help="The key is in this environment variable."),
            click.option("--token", is_flag=True, help="Ask for a bearer token."),
            click.option("--token-env", metavar="VAR", help="The token is in this environment variable."),
            click.option("--header", metavar="HEADER", help="Ask for a secret, sent in this header."),
            click.option("--header-env", metavar="VAR", help="The header's secret is in this variable."),
            click.option("--user", metavar="USER", help="Ask for a password, for basic authentication."),
            click.option("--password-env", metavar="VAR", help="The password is in this variable."),
        )
    ):
        command = option(command)
    return command


def asked(given: Given, api_key: str | None) -> Given:
    """Return what was given with its secret: from `--api-key`, its variable, a prompt or a pipe.

    Raises
    ------
    click.UsageError
        If it is more than one secret, or half of one.
    """
    scheme = _scheme(given, api_key)
    if scheme is None:
        given.options = dict.fromkeys(_OPTIONS)
        return given
    variable, written = _PLACES[scheme]
    name = getattr(given, variable)
    given.auth = _auth(given, scheme)
    given.options = dict.fromkeys(_OPTIONS) | _named(given, scheme)
    if api_key:
        given.secret = api_key.strip()
    elif name:
        given.secret = os.environ.get(name, "").strip() or None
        given.missing = "" if given.secret else name
    else:
        given.secret = _typed(_WORDS[scheme])
    given.options[written] = None if name and not api_key else given.secret
    given.options[variable] = name
    return given


_PLACES = {
    Scheme.QUERY: ("key_env", "api_key"),
    Scheme.BEARER: ("token_env", "token"),
    Scheme.HEADER: ("header_env", "header_value"),
    Scheme.BASIC: ("password_env", "password"),
}
_WORDS = {
    Scheme.QUERY: "API Key",
    Scheme.BEARER: "Token",
    Scheme.HEADER: "Secret",
    Scheme.BASIC: "Password",
}
_OPTIONS = ("key_param", "header", "user", *(name for names in _PLACES.values() for name in names))


def _scheme(given: Given, api_key: str | None) -> Scheme | None:
    """Return the one way that is meant; None where there is no secret."""
    named = {
        Scheme.QUERY: given.key or given.key_env or given.key_param,
        Scheme.BEARER: given.token or given.token_env,
        Scheme.HEADER: given.header or given.header_env,
        Scheme.BASIC: given.user or given.password_env,
    }
    schemes = [scheme for scheme, meant in named.items() if meant]
    if len(schemes) > 1:
        raise click.UsageError(f"one secret only: {' or '.join(schemes)}")
    if given.header_env and not given.header:
        raise click.UsageError("--header-env needs --header: the name of the header")
    if given.password_env and not given.user:
        raise click.UsageError("--password-env needs --user: the name of the user")
    if schemes:
        return schemes[0]
    return Scheme.QUERY if api_key else None


def _auth(given: Given, scheme: Scheme) -> Auth:
    match scheme:
        case Scheme.QUERY:
            return Auth(scheme, given.key_param or "key")
        case Scheme.HEADER:
            return Auth(scheme, header_name(given.header or "", "--header"))
        case Scheme.BASIC:
            if ":" in (given.user or ""):
                raise click.UsageError("--user holds a colon, which basic authentication cannot send")
            return Auth(scheme, "", given.user or "")
    return Auth(scheme, "")


def _named(given: Given, scheme: Scheme) -> dict[str, str | None]:
    match scheme:
        case Scheme.QUERY:
            return {"key_param": given.key_param}
        case Scheme.HEADER:
            return {"header": given.header}
        case Scheme.BASIC:
            return {"user": given.user}
    return {}


def _typed(what: str) -> str:
    """Return the secret that is typed, unseen, or piped in."""
    if is_terminal(sys.stdin):
        value = str(click.prompt(what, hide_input=True))
    else:
        # A hidden prompt would ask the terminal behind the pipe instead.
        value = sys.stdin.readline() if sys.stdin else ""
    if not value.strip():
        raise click.UsageError(f"the {what.lower()} is empty; nothing was written")
    return value.strip()
