"""Profiles: choose whose key and which API; the first screen of who has none yet."""

from __future__ import annotations

import asyncio
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import DataTable, Static

from ... import paths
from ...errors import MLHubException
from ...profiles import ANONYMOUS, DEFAULT_ROOT_URL, NoKeyAnywhere, Profile, ProfilesFile, for_profile
from ...text import mask, redact
from ..commands import PROFILES, Command, bindings, hints
from ..connection import SAMPLE_NAME
from ..draw import content
from ..messages import ConnectionChanged
from ..widgets.table import RowTable, cell
from .base import PlaceScreen

SAMPLE_ROW = "sample"
ANONYMOUS_ROW = "anonymous"
PROFILE_ROW = "profile:"

WELCOME = """Welcome. mlhub-tui browses datasets of satellite imagery and labels, and downloads them.
Enter tries the sample catalogue: no key, no network. With the key of a deployment: n."""


class ProfilesScreen(PlaceScreen):
    """Profiles, the sample catalogue, and browsing without a key."""

    place = PROFILES
    mode = "profiles"
    parts = ("#in-use", "#profiles", "#file")
    CSS_PATH = "profiles.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        b for b in bindings(PROFILES) if getattr(b, "id", "") != "profiles.use"
    ]

    def __init__(self) -> None:
        super().__init__()
        self._profiles: dict[str, Profile] = {}
        self._file_error: MLHubException | None = None

    def compose_body(self) -> ComposeResult:
        """Lay out what is in use, the choices and the file."""
        yield Static(id="in-use")
        yield RowTable(id="profiles")
        yield Static(id="file")

    def on_mount(self) -> None:
        """Show the profiles."""
        super().on_mount()
        table = self._table
        for name in ("", "Profile", "Key", "Root URL"):
            table.add_column(cell(name), key=name or "mark")
        table.focus()
        self.load()

    def on_screen_resume(self) -> None:
        """Read the file again: it may have changed meanwhile."""
        super().on_screen_resume()
        self.load()

    def on_connection_changed(self, message: ConnectionChanged) -> None:
        """Mark what is in use."""
        super().on_connection_changed(message)
        self._show()

    @property
    def _table(self) -> RowTable:
        return self.query_one(RowTable)

    # Showing

    @work(exclusive=True, group="profiles")
    async def load(self) -> None:
        """Read the profiles file and show it."""
        self._file_error = None
        try:
            file = await asyncio.to_thread(ProfilesFile.load)
            self._profiles = {name: file.get(name) for name in file.names()}
        except MLHubException as error:
            self._profiles, self._file_error = {}, error
        self._show()

    def _show(self) -> None:
        if self.closing:
            return
        table, row = self._table, self._row
        table.clear()
        for name, profile in self._profiles.items():
            root = redact(profile.root_url or f"{DEFAULT_ROOT_URL} (default)")
            self._add(f"{PROFILE_ROW}{name}", name, mask(profile.api_key), root)
        self._add(SAMPLE_ROW, SAMPLE_NAME, "built in", "no key, no network")
        self._add(ANONYMOUS_ROW, "browse without a key", "none", "listings only")
        keys = [key.value for key in table.rows]
        wanted = row if row in keys else self._row_in_use() if self._row_in_use() in keys else keys[0]
        table.move_cursor(row=keys.index(wanted), animate=False)
        self._show_words()

    def _add(self, key: str, name: str, masked: str, root: str) -> None:
        mark = "●" if key == self._row_in_use() else " "
        self._table.add_row(cell(mark), cell(name), cell(masked), cell(root), key=key)

    def _row_in_use(self) -> str | None:
        connection = self.hub.connection
        if connection is None:
            return None
        if connection.is_sample:
            return SAMPLE_ROW
        profile = connection.credentials.profile
        return (
            ANONYMOUS_ROW
            if profile in (None, ANONYMOUS) and not connection.credentials.api_key
            else (f"{PROFILE_ROW}{profile}" if profile else None)
        )

    def _show_words(self) -> None:
        hub = self.hub
        error = (
            self._file_error or hub.connection_error or (hub.start_error if hub.connection is None else None)
        )
        # That there is no key yet is no error of who starts for the first time.
        first_run = not self._profiles and (error is None or isinstance(error, NoKeyAnywhere))
        if hub.connection is not None:
            words = content(hub.connection.words)
        elif first_run:
            words = content(WELCOME)
        else:
            words = content("Nothing is in use yet: choose a profile.")
        if error is not None and not first_run:
            words = words + content(f"\n! {error.message}", "bold $error") + content(f"\n  {error.hint}")
        self.query_one("#in-use", Static).update(words)
        self.query_one("#file", Static).update(content(f"Profiles are kept in {paths.profiles()}", "$muted"))

    # The row under the cursor

    @property
    def _row(self) -> str | None:
        table = self._table
        if not table.row_count or not table.is_valid_row_index(table.cursor_row):
            return None
        return table.coordinate_to_cell_key(table.cursor_coordinate).row_key.value

    @property
    def _chosen(self) -> str | None:
        row = self._row
        return row.removeprefix(PROFILE_ROW) if row is not None and row.startswith(PROFILE_ROW) else None

    def hint_commands(self) -> list[Command]:
        """Leave out what the row cannot do."""
        if self.is_mounted and self._chosen is None:
            return hints(PROFILES, ["profiles.edit", "profiles.delete", "profiles.test"])
        return hints(PROFILES)

    @on(DataTable.RowHighlighted)
    def _highlighted(self, event: DataTable.RowHighlighted) -> None:
        event.stop()
        self.refresh_hints()

    @on(DataTable.RowSelected)
    def _selected(self, event: DataTable.RowSelected) -> None:
        event.stop()
        self.action_use()

    # Keys

    def action_use(self) -> None:
        """Use what the cursor is on, and browse."""
        match self._row:
            case None:
                return
            case str(row) if row == SAMPLE_ROW:
                self.action_sample()
            case str(row) if row == ANONYMOUS_ROW:
                self.action_anonymous()
            case _ if self._chosen is not None:
                self._use(self._chosen)

    def _use(self, name: str) -> None:
        try:
            credentials = for_profile(name, root_url=self.hub.options.root_url if name == ANONYMOUS else None)
        except MLHubException as error:
            self.hub.report(error)
            return
        self.hub.use(credentials)
        self.hub.action_go("browse")

    def action_sample(self) -> None:
        """Browse the sample catalogue."""
        self.hub.use_sample()
        self.hub.action_go("browse")

    def action_anonymous(self) -> None:
        """Browse without a key."""
        self._use(ANONYMOUS)

    @work(group="form", exclusive=True)
    async def action_new(self) -> None:
        """Enter a new profile."""
        await self._edit(None)

    @work(group="form", exclusive=True)
    async def action_edit(self) -> None:
        """Edit the profile under the cursor."""
        if self._chosen is not None:
            await self._edit(self._profiles[self._chosen])

    async def _edit(self, profile: Profile | None) -> None:
        from .profile_form import ProfileForm

        saved = await self.app.push_screen_wait(ProfileForm(profile, taken=frozenset(self._profiles)))
        if saved is None:
            return
        self.load()
        if saved.use:
            self._use(saved.name)

    @work(group="form", exclusive=True)
    async def action_delete(self) -> None:
        """Delete the profile under the cursor, after a question."""
        from .confirm import ConfirmScreen

        name = self._chosen
        if name is None:
            return
        question = ConfirmScreen(
            f"Delete the profile {name}?", "Its key is removed from the file.", yes="Delete"
        )
        if not await self.app.push_screen_wait(question):
            return
        try:
            await asyncio.to_thread(_delete, name)
        except MLHubException as error:
            self.hub.report(error)
        self.load()

    @work(group="test", exclusive=True)
    async def action_test(self) -> None:
        """Ask the API whether it takes the key."""
        from ..key_test import check_credentials

        name = self._chosen
        if name is None:
            return
        self.notify("Asking the API…", markup=False, timeout=2)
        try:
            credentials = await asyncio.to_thread(for_profile, name)
            await check_credentials(credentials)
        except MLHubException as error:
            self.hub.report(error)
        else:
            where = redact(credentials.root_url)
            self.notify(f"{where} accepts the key {mask(credentials.api_key)}.", markup=False)


def _delete(name: str) -> None:
    ProfilesFile.load().delete(name)
