"""Kinds of sources, the ways a secret is sent, and the names that radiant_mlhub gives profiles."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

ANONYMOUS = "__anonymous__"
"""The profile that sends no key."""

DEFAULT_PROFILE = "default"
"""The profile that is used when none is named."""

API_KEY_VARIABLE = "MLHUB_API_KEY"
PROFILE_VARIABLE = "MLHUB_PROFILE"
ROOT_URL_VARIABLE = "MLHUB_ROOT_URL"


class Kind(StrEnum):
    """What a source speaks."""

    MLHUB = "mlhub"
    STAC_API = "stac-api"
    STATIC = "static"


class Scheme(StrEnum):
    """How a secret goes with a request."""

    QUERY = "query"
    BEARER = "bearer"
    HEADER = "header"
    BASIC = "basic"


@dataclass(frozen=True, slots=True)
class Auth:
    """How the secret of a source is sent; the secret itself is not in here.

    - `scheme`: A query parameter, a bearer token (RFC 6750), a header of its own, or basic (RFC 7617).
    - `name`: The name of the query parameter or of the header.
    - `user`: The user name of basic authentication.
    """

    scheme: Scheme = Scheme.QUERY
    name: str = "key"
    user: str = ""
