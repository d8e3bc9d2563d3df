"""A secret as a form has it: what is sent, what a section gets, and what is refused without being quoted."""

from __future__ import annotations

import pytest

from mlhub_tui.auth import Profile, ProfilesFile, Scheme, SecretDraft, SecretNotSet, for_profile
from mlhub_tui.errors import APIKeyNotFound, ProfilesFileError

SECRET = "0123456789-secret-abcd"


@pytest.mark.parametrize(
    "draft",
    [
        SecretDraft(),
        SecretDraft(Scheme.QUERY, typed=SECRET),
        SecretDraft(Scheme.QUERY, "token", typed=SECRET, variable="V"),
        SecretDraft(Scheme.BEARER, typed=SECRET),
        SecretDraft(Scheme.HEADER, "X-Key", variable="V"),
        SecretDraft(Scheme.BASIC, user="me", typed=SECRET),
    ],
)
def test_what_is_saved_is_read_back_and_sent_the_same_way(draft: SecretDraft) -> None:
    file = ProfilesFile.load()
    options = draft.options()
    file.save("p", root_url="https://h/", kind="stac-api", **options)
    assert SecretDraft.of(file.get("p")) == draft
    used = for_profile("p", environ={"V": "of-the-variable"})
    assert used.secret == draft.secret({"V": "of-the-variable"})
    assert used.auth == draft.auth()


@pytest.mark.parametrize(
    ("draft", "error"),
    [
        (SecretDraft(Scheme.BEARER), APIKeyNotFound),
        (SecretDraft(Scheme.HEADER, "Host", typed=SECRET), ProfilesFileError),
        (SecretDraft(Scheme.BASIC, user="a:b", typed=SECRET), ProfilesFileError),
        (SecretDraft(Scheme.BEARER, variable=SECRET), ProfilesFileError),
    ],
)
def test_what_cannot_be_sent_is_refused_and_not_quoted(draft: SecretDraft, error: type[Exception]) -> None:
    with pytest.raises(error) as caught:
        draft.options()
    assert SECRET not in f"{caught.value} {draft!r}".replace(f"variable='{SECRET}'", "")


def test_a_variable_goes_before_what_is_typed_and_must_be_set_alone() -> None:
    both = SecretDraft(Scheme.BEARER, typed=SECRET, variable="$V")
    assert (both.secret({"V": "x"}), both.secret({})) == ("x", SECRET)
    with pytest.raises(SecretNotSet, match="V is not set"):
        SecretDraft(Scheme.BEARER, variable="V").secret({})


def test_a_section_with_two_secrets_is_no_draft() -> None:
    with pytest.raises(ProfilesFileError, match="more than one secret"):
        SecretDraft.of(Profile("p", SECRET, "https://h/", {"token": SECRET}))
