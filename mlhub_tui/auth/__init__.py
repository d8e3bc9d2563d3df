"""Which key and root URL apply, and the profiles file they may come from.

The file, the variables and their order are those the seed library documents under Authentication.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import lazy

if TYPE_CHECKING:
    from .credentials import Credentials as Credentials
    from .credentials import for_location as for_location
    from .credentials import for_profile as for_profile
    from .draft import SecretDraft as SecretDraft
    from .file import KEEP as KEEP
    from .file import Keep as Keep
    from .file import Profile as Profile
    from .file import ProfilesFile as ProfilesFile
    from .file import check_name as check_name
    from .kind import Auth as Auth
    from .kind import Kind as Kind
    from .kind import Scheme as Scheme
    from .location import is_url as is_url
    from .resolution import NoKeyAnywhere as NoKeyAnywhere
    from .resolution import resolve as resolve
    from .resolution import resolve_or_anonymous as resolve_or_anonymous
    from .root import DEFAULT_ROOT_URL as DEFAULT_ROOT_URL
    from .root import checked_root_url as checked_root_url
    from .root import normalise_root_url as normalise_root_url
    from .root import other_spelling as other_spelling
    from .root import same_root as same_root
    from .secrets import SecretNotSet as SecretNotSet
    from .secrets import header_name as header_name
    from .secrets import secret_words as secret_words
    from .words import ANONYMOUS as ANONYMOUS
    from .words import DEFAULT_PROFILE as DEFAULT_PROFILE
else:
    __getattr__, __all__ = lazy(
        __name__,
        {
            "credentials": "Credentials for_location for_profile",
            "draft": "SecretDraft",
            "file": "KEEP Keep Profile ProfilesFile check_name",
            "kind": "Auth Kind Scheme",
            "location": "is_url",
            "resolution": "NoKeyAnywhere resolve resolve_or_anonymous",
            "root": "DEFAULT_ROOT_URL checked_root_url normalise_root_url other_spelling same_root",
            "secrets": "SecretNotSet header_name secret_words",
            "words": "ANONYMOUS DEFAULT_PROFILE",
        },
    )
