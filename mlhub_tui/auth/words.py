"""The names that profiles and their environment variables have in the seed library."""

from __future__ import annotations

ANONYMOUS = "__anonymous__"
"""The profile that sends no key."""

DEFAULT_PROFILE = "default"
"""The profile that is used when none is named."""

API_KEY_VARIABLE = "MLHUB_API_KEY"
PROFILE_VARIABLE = "MLHUB_PROFILE"
ROOT_URL_VARIABLE = "MLHUB_ROOT_URL"
