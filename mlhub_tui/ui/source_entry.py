"""A source as the form has it, turned into credentials or into a section of the profiles file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..auth import (
    DEFAULT_ROOT_URL,
    KEEP,
    Auth,
    Credentials,
    Keep,
    Kind,
    Profile,
    ProfilesFile,
    SecretDraft,
    check_name,
    for_location,
    for_profile,
)
from ..errors import ProfilesFileError


@dataclass(frozen=True, slots=True)
class SourceEntry:
    """What was entered.

    Parameters
    ----------
    location
        The URL or path; empty only for an MLHub API: then it is the hosted service.
    kind
        What is there; None where only a look can tell.
    secret
        Its secret and how that is sent.
    """

    location: str
    kind: Kind | None
    secret: SecretDraft = field(default_factory=SecretDraft)

    def credentials(self, environ: Mapping[str, str] | None = None) -> Credentials:
        """Return what the source is opened with.

        Raises
        ------
        InvalidRootURL
            If the location cannot be one.
        APIKeyNotFound
            If the secret is not given, or cannot be sent.
        """
        value = self.secret.secret(os.environ if environ is None else environ)
        auth = self.secret.auth() if self.secret.scheme else Auth()
        location = self.location or (DEFAULT_ROOT_URL if self.kind is Kind.MLHUB else "")
        made = for_location(
            location, kind=self.kind, api_key=value, auth=auth, origin="form", base=Path.cwd()
        )
        if value is None:
            return made
        variable = self.secret.variable_name()
        return replace(made, key_origin=f"variable {variable}" if variable else "the form")

    def save(self, name: str, profile: Profile | None, *, use: bool) -> Credentials | None:
        """Write it under a name, and return what the saved profile is used with; blocks.

        Parameters
        ----------
        name
            The profile's name.
        profile
            The profile that is edited, whose other options stay; None for a new one.
        use
            Whether it is to be used: else its variable need not be set, and None is returned.

        Raises
        ------
        ProfilesFileError
            If there is such a profile already, or the file cannot take it.
        InvalidRootURL, APIKeyNotFound
            As `credentials`; then nothing was written.
        """
        if use:
            self.credentials()
        name = check_name(name) if profile is None else profile.name
        file = ProfilesFile.load()
        if profile is None and name in file.names():
            raise ProfilesFileError(
                f"there is a profile {name} already", hint="choose another name, or leave this and edit it"
            )
        options = self._options(profile)
        key: str | Keep | None = options.pop("api_key") if "api_key" in options else KEEP
        root = for_location(self.location, kind=self.kind).root_url if self.location else None
        same = profile is not None and root == profile.root_url
        file.save(name, api_key=key, root_url=KEEP if same else root, options=options)
        return for_profile(name) if use else None

    def _options(self, profile: Profile | None) -> dict[str, str | None]:
        """Return the options that differ from those of the profile."""
        options = self.secret.options() | {"kind": str(self.kind)}
        if profile is None:
            return {name: value for name, value in options.items() if value}
        if self.kind is Kind.MLHUB and "kind" not in profile.extra:
            options.pop("kind")
        known = {**profile.extra, "api_key": profile.api_key}
        return {name: value for name, value in options.items() if value != known.get(name)}
