"""Which key and root URL apply, and the profiles file they may come from.

The file, the variables and their order are those the seed library documents under Authentication.
"""

from .credentials import Credentials, for_location, for_profile
from .draft import SecretDraft
from .file import KEEP, Keep, Profile, ProfilesFile, check_name
from .kind import Auth, Kind, Scheme
from .location import is_url, location
from .resolution import NoKeyAnywhere, resolve, resolve_or_anonymous
from .root import DEFAULT_ROOT_URL, normalise_root_url
from .secrets import SecretNotSet, header_name, secret_words
from .words import ANONYMOUS, DEFAULT_PROFILE

__all__ = [
    "ANONYMOUS",
    "DEFAULT_PROFILE",
    "DEFAULT_ROOT_URL",
    "KEEP",
    "Auth",
    "Credentials",
    "Keep",
    "Kind",
    "NoKeyAnywhere",
    "Profile",
    "ProfilesFile",
    "Scheme",
    "SecretDraft",
    "SecretNotSet",
    "check_name",
    "for_location",
    "for_profile",
    "header_name",
    "is_url",
    "location",
    "normalise_root_url",
    "resolve",
    "resolve_or_anonymous",
    "secret_words",
]
