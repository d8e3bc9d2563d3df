"""Profiles: choose what to browse and with whose key; the first screen of who has no profile yet."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.widgets import Static

from ... import paths
from ...auth import Credentials, NoKeyAnywhere, Profile, ProfilesFile
from ...errors import MLHubException
from ...sources.open_source import ServiceEnded
from ...text import mask, redact
from .. import actions, dialogs
from ..commands import PROFILES, bindings
from ..context import ConnectionChanged
from ..source_connection import SAMPLE, check_credentials
from ..terminal.characters import content, line
from ..widgets import profile_list
from ..widgets.profile_list import ProfileList
from .place_screen import PlaceScreen

if TYPE_CHECKING:
    from textual.widget import Widget

    from ..actions.source_entry import Start

WELCOME = """Welcome. Enter tries the sample catalog: no key needed.
o opens a URL or path. Public sources follow below."""


class ProfilesScreen(PlaceScreen):
    """Profiles, the sample catalog, well-known public sources, and the way to any other."""

    place = PROFILES
    mode = "profiles"
    CSS = """
    ProfilesScreen #in-use { height: auto; padding: 1 1; }
    ProfilesScreen #places {
        height: 1fr; scrollbar-color: $primary-muted; scrollbar-background: $background;
    }
    ProfilesScreen #detail { height: 4; padding: 0 1; border-top: solid $line; }
    ProfilesScreen #file { height: auto; max-height: 3; padding: 0 1; }
    ProfilesScreen.-short #in-use { padding: 0 1; max-height: 3; }
    ProfilesScreen.-short #detail { height: 3; }
    ProfilesScreen.-short #file { display: none; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        b for b in bindings(PROFILES) if getattr(b, "id", "") != "profiles.use"
    ]

    def __init__(self) -> None:
        super().__init__()
        self._profiles: dict[str, Profile] = {}
        self._file_error: MLHubException | None = None
        self._read = self._settled = False
        self._wanted: str | None = None
        self._said: dict[str, Content] = {}
        self._list, self._detail = ProfileList(id="places"), Static(id="detail")
        self._in_use, self._file = Static(id="in-use"), Static(id="file")

    def compose_body(self) -> ComposeResult:
        """Lay out what is in use, the choices, and what is known of the one under the cursor."""
        yield from (self._in_use, self._list, self._detail, self._file)

    def begin(self) -> None:
        """Show what needs no file at once, the profiles as soon as they are read."""
        self._list.focus()
        self._show()

    def on_screen_resume(self) -> None:
        """Read the file again: it may have changed meanwhile."""
        super().on_screen_resume()
        self.load()

    def on_connection_changed(self, message: ConnectionChanged) -> None:
        """Mark what is in use."""
        super().on_connection_changed(message)
        self._show()

    # Showing

    @work(exclusive=True, group="profiles")
    async def load(self) -> None:
        """Read the profiles file and show it."""
        try:
            self._profiles, self._file_error = await asyncio.to_thread(_read), None
        except MLHubException as error:
            self._profiles, self._file_error = {}, error
        self._read = True
        self._show()

    def _show(self) -> None:
        if self.closing:
            return
        connection, here = self.context.connection, self._list.current
        in_use = profile_list.row_in_use(connection)
        shown = profile_list.profile_lines(
            self._profiles.values(),
            connection,
            self.context.options,
            os.environ,
            self.context.memory.recent,
            self.context.unopened,
        )
        keys = [row.key for row in shown if row.key]
        first = SAMPLE if isinstance(self.context.start_error, ServiceEnded) else None
        stays = here.key if here is not None and self._settled else None
        candidates = (self._wanted, stays, in_use, first, profile_list.UNOPENED)
        wanted = next((key for key in candidates if key in keys), None)
        self._settled = self._read
        if self._wanted == wanted:
            self._wanted = None
        self._list.show(shown, in_use, wanted)
        self._show_words()

    def _show_words(self) -> None:
        context, connection = self.context, self.context.connection
        start_error = context.start_error if connection is None else None
        error = self._file_error or context.connection_error or start_error
        # That there is no key yet is no error of who starts for the first time.
        first_run = not self._profiles and (error is None or isinstance(error, NoKeyAnywhere))
        said = [content(connection.words)] if connection is not None else []
        if connection is None and first_run:
            said = [content(WELCOME)]
        elif connection is None and error is None:
            said = [content("Nothing is in use yet: choose a profile or a source.")]
        if error is not None and not first_run:
            said += [content(f"! {error.message}", "bold $error"), content(f"  {error.hint}")]
        self._in_use.update(Content("\n").join(said))
        self._file.update(content(f"Profiles are saved in {paths.profiles()}", "$muted"))

    @on(ProfileList.Moved)
    def _show_detail(self) -> None:
        self.refresh_hints()
        if (chosen := self._list.current) is not None:
            first, *rest = chosen.detail or ("",)
            said = [self._said[chosen.key]] if chosen.key in self._said else []
            lines = [line(first, "bold"), *said, *(line(words, "$muted") for words in rest)]
            self._detail.update(Content("\n").join(lines))

    # The place under the cursor

    def unavailable(self) -> list[str]:
        """Return what the source under the cursor cannot do."""
        chosen = self._list.current
        if chosen is None or chosen.profile is not None:
            return []
        without = ["profiles.edit", "profiles.delete"]
        return without if chosen.known is not None else [*without, "profiles.test"]

    # Keys

    def commits(self, widget: Widget | None) -> bool:
        """Tell whether Enter on a widget opens a form, for which the keys behind it are."""
        current = self._list.current
        return widget is self._list and current is not None and current.key == profile_list.OPEN

    @on(ProfileList.Chosen)
    async def action_use(self) -> None:
        """Use what the cursor is on, and browse."""
        chosen = self._list.current
        if chosen is None:
            return
        if chosen.credentials is not None:
            self._use(chosen.credentials)
        elif chosen.key == profile_list.OPEN:
            await self._ask()
            self.committed()
        else:
            if chosen.key == profile_list.SAMPLE_ROW:
                self.context.use_sample()
            self.context.action_go("browse")

    @work(group="use", exclusive=True)
    async def _use(self, find: Callable[[], Credentials]) -> None:
        """Browse with credentials; finding them may read files."""
        try:
            credentials = await asyncio.to_thread(find)
        except MLHubException as error:
            self.context.report(error)
            return
        self.context.use(credentials)
        self.context.action_go("browse")

    async def _ask(self, start: Start | None = None) -> None:
        """Ask for a source, and return once the form is open."""
        await self.context.opening(self.context.show_source_form(start))

    async def action_new(self) -> None:
        """Save the source under the cursor as a profile, or any other."""
        chosen, connection = self._list.current, self.context.connection
        if chosen is not None and chosen.known is not None:
            await self._ask(actions.source_entry.of_known(chosen.known))
        elif chosen is not None and chosen.key == profile_list.CURRENT and connection is not None:
            await self._ask(actions.source_entry.of_use(connection))
        else:
            await self._ask()

    async def action_edit(self) -> None:
        """Edit the profile under the cursor."""
        if self._list.current is not None and self._list.current.profile is not None:
            await self._ask(actions.source_entry.of_profile(self._list.current.profile))
        else:
            self.refuse("Only profiles can be edited: ctrl+s saves a source as one.")

    def settle_on(self, name: str) -> None:
        """Put the cursor on a profile that was just saved."""
        self._wanted = f"{profile_list.PROFILE}{name}"
        self.load()

    @work(group="form", exclusive=True)
    async def action_delete(self) -> None:
        """Delete the profile under the cursor, after a question."""
        chosen = self._list.current
        if chosen is None or chosen.profile is None:
            self.refuse("Only profiles can be deleted.")
            return
        name, detail = chosen.profile.name, "Its key is removed from the file."
        question = f"Delete the profile {chosen.name}?"
        if not await dialogs.base.confirm(self.app, question, detail, yes="Delete"):
            return
        try:
            await asyncio.to_thread(lambda: ProfilesFile.load().delete(name))
        except MLHubException as error:
            self.context.report(error)
        self.load()

    @work(group="test", exclusive=True)
    async def action_test(self) -> None:
        """Test whether the source under the cursor answers and accepts the key."""
        chosen = self._list.current
        if chosen is None or chosen.credentials is None or not (chosen.profile or chosen.known):
            self.refuse("Only profiles and public sources can be verified.")
            return
        self._tell(chosen.key, line("checking…", "$muted"))
        try:
            credentials = await asyncio.to_thread(chosen.credentials)
            await check_credentials(credentials)
        except MLHubException as error:
            self._tell(chosen.key, line(f"! {error.full_message}", "bold $error"))
            self.context.report(error)
            return
        accepts = f"accepts the key {mask(credentials.secret)}" if credentials.secret else ""
        result = accepts or "answers; no key was sent"
        self._tell(chosen.key, line(f"✓ it {result}", "$success"))
        self.notify(content(f"{redact(credentials.root_url)} {result}.").plain)

    def _tell(self, key: str, words: Content) -> None:
        """Say something of a place below the list, as long as the screen is there."""
        self._said[key] = words
        if not self.closing:
            self._show_detail()


def _read() -> dict[str, Profile]:
    file = ProfilesFile.load()
    return {name: file.get(name) for name in file.names()}
