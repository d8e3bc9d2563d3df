"""Request headers: who we are, how a secret is sent, and the forms in which a secret may come back."""

from __future__ import annotations

import base64
import platform
from collections.abc import Iterable

from ..auth.kind import Auth, Scheme
from ..text import mask
from ..version import __version__

_TELLING = 4  # a shorter form may stand in a sentence by chance


def user_agent() -> str:
    """Return name, version and system as the `User-Agent` header (RFC 9110, section 10.1.5)."""
    system = f"{platform.system()} {platform.release()}; Python {platform.python_version()}"
    return f"mlhub-tui/{__version__} ({''.join(c for c in system if c.isascii() and c.isprintable())})"


def header(secret: str, auth: Auth) -> tuple[str, str] | None:
    """Return the name and value of the header that carries a secret; None where none does.

    A bearer token is RFC 6750, section 2.1; basic authentication RFC 7617, with UTF-8 (section 2.1).
    """
    match auth.scheme:
        case Scheme.BEARER:
            return "Authorization", f"Bearer {secret}"
        case Scheme.BASIC:
            return "Authorization", f"Basic {_basic(secret, auth)}"
        case Scheme.HEADER:
            return auth.name, secret
    return None


def forms(secret: str | None, auth: Auth) -> tuple[str, ...]:
    """Return what must not be shown: the secret, and what it is written as."""
    if not secret:
        return ()
    return (secret, _basic(secret, auth)) if auth.scheme is Scheme.BASIC else (secret,)


def masked(text: str, secrets: Iterable[str]) -> str:
    """Return a text in which secrets are masked."""
    for secret in secrets:
        if len(secret) >= _TELLING:
            text = text.replace(secret, mask(secret))
    return text


def _basic(secret: str, auth: Auth) -> str:
    return base64.b64encode(f"{auth.user}:{secret}".encode()).decode("ascii")
