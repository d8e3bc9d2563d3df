"""Which key and root URL apply, and the profiles file they may come from.

The file, the variables and their order are those radiant_mlhub documents under Authentication.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import lazy

if TYPE_CHECKING:
    from .credentials import Credentials as Credentials
    from .credentials import NoKeyAnywhere as NoKeyAnywhere
    from .credentials import for_location as for_location
    from .credentials import for_profile as for_profile
    from .credentials import resolve as resolve
    from .credentials import unsaved_key as unsaved_key
    from .location import ANONYMOUS as ANONYMOUS
    from .location import DEFAULT_PROFILE as DEFAULT_PROFILE
    from .location import DEFAULT_ROOT_URL as DEFAULT_ROOT_URL
    from .location import Auth as Auth
    from .location import Kind as Kind
    from .location import Scheme as Scheme
    from .location import checked_root_url as checked_root_url
    from .location import is_url as is_url
    from .location import normalise_root_url as normalise_root_url
    from .location import other_spelling as other_spelling
    from .location import same_root as same_root
    from .profiles import Profile as Profile
    from .profiles import ProfilesFile as ProfilesFile
    from .profiles import check_name as check_name
    from .secrets import SecretDraft as SecretDraft
    from .secrets import SecretNotSet as SecretNotSet
    from .secrets import header_name as header_name
    from .secrets import secret_words as secret_words
else:
    __getattr__, __all__ = lazy(
        __name__,
        {
            "credentials": "Credentials NoKeyAnywhere for_location for_profile resolve unsaved_key",
            "location": "ANONYMOUS DEFAULT_PROFILE DEFAULT_ROOT_URL Auth Kind Scheme checked_root_url"
            " is_url normalise_root_url other_spelling same_root",
            "profiles": "Profile ProfilesFile check_name",
            "secrets": "SecretDraft SecretNotSet header_name secret_words",
        },
    )
