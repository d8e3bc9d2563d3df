"""The form in which a key is entered, tested and saved under a name."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Label, Static

from ...errors import MLHubException
from ...profiles import (
    DEFAULT_PROFILE,
    DEFAULT_ROOT_URL,
    Credentials,
    Profile,
    ProfilesFile,
    check_name,
    normalise_root_url,
)
from ...text import mask, one_line, redact
from ..draw import content, line
from ..key_test import check_credentials


@dataclass(frozen=True, slots=True)
class SavedProfile:
    """The profile that was saved, and whether to use it now."""

    name: str
    use: bool


class ProfileForm(ModalScreen[SavedProfile | None]):
    """Asks for name, key and root URL; Enter saves, ctrl+t tests, Esc leaves."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "cancel", show=False),
        Binding("ctrl+t", "test", "test", show=False),
        Binding("ctrl+s", "save", "save", show=False),
        Binding("down", "app.focus_next", show=False),
        Binding("up", "app.focus_previous", show=False),
    ]

    def __init__(self, profile: Profile | None, *, taken: frozenset[str]) -> None:
        super().__init__()
        self._profile = profile
        self._taken = taken

    def compose(self) -> ComposeResult:
        """Lay out the fields."""
        profile = self._profile
        suggested = "" if DEFAULT_PROFILE in self._taken else DEFAULT_PROFILE
        kept = (
            f"{mask(profile.api_key)} is kept if left empty" if profile and profile.api_key else "the API key"
        )
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = line(f"Edit {profile.name}" if profile else "New profile")
            dialog.border_subtitle = line("enter saves, tab moves, ctrl+t tests, esc cancels")
            with Horizontal(classes="row"):
                yield Label(Content("Name"), classes="name")
                yield _field(
                    "name",
                    one_line(profile.name) if profile else suggested,
                    "a name for it",
                    locked=bool(profile),
                )
            with Horizontal(classes="row"):
                yield Label(Content("API key"), classes="name")
                yield _field("key", "", kept, secret=True)
            with Horizontal(classes="row"):
                yield Label(Content("Root URL"), classes="name")
                yield _field(
                    "root", one_line(profile.root_url) if profile else "", f"default: {DEFAULT_ROOT_URL}"
                )
            yield Static(id="said")

    def on_mount(self) -> None:
        """Begin where something is to be typed."""
        wanted = "#key" if self._profile or self.query_one("#name", Input).value else "#name"
        self.query_one(wanted, Input).focus()

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        """Enter goes on to what is still empty, then saves."""
        event.stop()
        for wanted in ("name", "key"):
            field = self.query_one(f"#{wanted}", Input)
            kept = wanted == "key" and self._profile is not None
            if not field.value.strip() and not kept and field is not event.input:
                field.focus()
                return
        self.action_save()

    def _say(self, words: str, *, bad: bool = False) -> None:
        self.query_one("#said", Static).update(content(words, "bold $error" if bad else "$muted"))

    def _typed(self) -> tuple[str, str | None, str | None]:
        """Return name, key and root URL as typed; an empty key is the one that is stored.

        Raises
        ------
        MLHubException
            If the name or the root URL cannot be one.
        """
        name = self._profile.name if self._profile else self.query_one("#name", Input).value.strip()
        key = self.query_one("#key", Input).value.strip() or (
            self._profile.api_key if self._profile else None
        )
        root = self.query_one("#root", Input).value.strip()
        check_name(name)
        return name, key, normalise_root_url(root) if root else None

    @work(exclusive=True, group="form")
    async def action_test(self) -> None:
        """Ask the API whether it takes the key."""
        self._say("Asking the API…")
        try:
            name, key, root = self._typed()
            url = root or DEFAULT_ROOT_URL
            await check_credentials(Credentials(key, url, name, "typed", "typed"))
        except MLHubException as error:
            self._say(f"! {error.message}\n  {error.hint}", bad=True)
        else:
            self._say(f"{redact(url)} accepts the key {mask(key)}.")

    @work(exclusive=True, group="form")
    async def action_save(self) -> None:
        """Save, and use the profile."""
        try:
            name, key, root = self._typed()
            if not key and not root:
                self._say("! type a key, or a root URL that needs none", bad=True)
                return
            if self._profile is None and name in self._taken:
                self._say(f"! there is a profile {name} already: choose another name, or edit it", bad=True)
                return
            await asyncio.to_thread(_save, name, key, root)
        except MLHubException as error:
            self._say(f"! {error.message}\n  {error.hint}", bad=True)
            return
        self.dismiss(SavedProfile(name, use=True))


def _field(
    identity: str, value: str, placeholder: str, *, secret: bool = False, locked: bool = False
) -> Input:
    field = Input(value, placeholder=placeholder, password=secret, id=identity, select_on_focus=False)
    field.cursor_blink = False
    field.disabled = locked
    return field


def _save(name: str, key: str | None, root: str | None) -> None:
    ProfilesFile.load().save(name, api_key=key, root_url=root)
