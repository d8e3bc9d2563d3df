"""Form for a source: takes a URL or path, detects its kind, and opens it or saves it as a profile."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Static
from textual.worker import Worker

from ...auth import Credentials, Kind, ProfilesFile, Scheme, SecretDraft, is_url
from ...errors import AccessDenied, AuthenticationError, MLHubException
from ...text import mask, one_line
from ..actions.source_entry import SourceEntry, Start, bare, found_words, look, name_for
from ..source_connection import KIND_NAMES, check_credentials, place
from ..terminal.characters import content
from ..widgets.form import ChoiceField, FormRow, PathField, RowChoiceField, TextField
from ..widgets.form_rows import NAMES, SecretRows
from .base import FormDialog

if TYPE_CHECKING:
    from ...sources.probe import ProbeResult


DETECT = "detect"
_KINDS: dict[str, Kind | None] = {DETECT: None, **{KIND_NAMES[kind.value]: kind for kind in Kind}}
SAVE_AND_USE, SAVE, USE_ONCE = "save and use", "save", "use once"
_OFFERED = 42
"""Characters that fit on one line of a narrow form."""


@dataclass(frozen=True, slots=True)
class SourceAnswer:
    """What came of the form: the name it was saved under, and what to browse with; None for neither."""

    saved: str | None
    credentials: Credentials | None


class SourceForm(FormDialog[SourceAnswer | None]):
    """Asks for a source; Enter detects it, goes to the next field and ends on `Then`; Esc stops or leaves."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "leave", show=False),
        Binding("ctrl+t", "test", "test", show=False),
    ]
    AUTO_FOCUS = ""
    CSS = """
    SourceForm > .dialog { overflow-y: auto; scrollbar-size-vertical: 1; }
    SourceForm #found { padding: 0 0 0 12; height: auto; max-height: 6; }
    SourceForm #more { height: auto; }
    SourceForm #said { height: auto; }
    SourceForm.-tall #said { margin-top: 1; }
    SourceForm.-wide > .dialog { width: 100; }
    SourceForm.-short > .dialog { padding: 0 2; }
    SourceForm.-short #found { max-height: 3; }
    """

    def __init__(self, start: Start) -> None:
        super().__init__()
        self._start = start
        self._settled_at = start.location if start.kind is not None else None
        self._found: ProbeResult | None = None
        self._wants_key = isinstance(start.error, AuthenticationError)
        self._may_force = start.profile is not None
        self._taken: frozenset[str] = frozenset()
        self._look: Worker[None] | None = None
        self._seconds = 0
        self._agreed_to = ""
        self._location_field = PathField(
            start.location, placeholder="https://…, a folder, a .tar.gz", id="location"
        )
        self._found_words, self._said = Static(id="found"), Static(id="said")
        self._kinds = RowChoiceField(list(_KINDS), id="kind")
        self._kinds_row = FormRow("Kind", self._kinds, width=NAMES, id="kinds")
        self._secret = SecretRows(start.secret, id="secret")
        self._thens = RowChoiceField([SAVE_AND_USE, SAVE, USE_ONCE], id="then")
        self._then_row = FormRow("Then", self._thens, width=NAMES, id="thens")
        self._name_field = TextField(one_line(start.name), placeholder="a name for it", id="name")
        self._name_row = FormRow("Profile", self._name_field, width=NAMES, id="names")
        self._more = Vertical(self._secret, self._name_row, self._then_row, id="more")
        self.heading = f"Edit {start.name}" if start.profile else "Open or add a source"
        located = FormRow("URL or path", self._location_field, width=NAMES)
        self.rows = (located, self._found_words, self._kinds_row, self._more, self._said)

    def on_mount(self) -> None:
        """Show what is known already, and begin where something is to be typed."""
        start = self._start
        if start.kind is not None:
            self._kinds.choose(KIND_NAMES[start.kind.value])
        self._name_field.disabled = start.profile is not None
        self._show_found(start.words)
        if start.error is not None:
            self._show_error(start.error)
        self._lay_out()
        self._read_names()
        self._go_to_first()

    def _go_to_first(self) -> None:
        """Put the cursor where something is to be typed."""
        start = self._start
        if self._wants_key:
            self._secret.ask(Scheme.QUERY if start.kind is Kind.MLHUB else None)
        elif start.profile is not None and start.secret.scheme is not None:
            self._secret.ask()
        else:
            known = start.kind is not None and start.profile is None
            self.set_focus(self._thens if known else self._location_field)

    @work(group="names")
    async def _read_names(self) -> None:
        """Read which names are taken."""
        try:
            self._taken = frozenset((await asyncio.to_thread(ProfilesFile.load)).names())
        except MLHubException as error:
            self._show_error(error)
        name = self._name_field
        if self._start.profile is None and name.value in self._taken:
            name.value = name_for("", name.value, None, self._taken)

    @property
    def _location(self) -> str:
        return self._location_field.value.strip()

    @property
    def _kind(self) -> Kind | None:
        """The kind: forced, or found."""
        return _KINDS[self._kinds.value] or (self._found.kind if self._found is not None else None)

    @property
    def _looking(self) -> bool:
        return self._look is not None and not self._look.is_finished

    @property
    def _has_secret(self) -> bool:
        """Whether there is anybody to whom a secret could be sent."""
        return is_url(self._location) or not self._location

    @on(ChoiceField.Changed)
    def _lay_out(self) -> None:
        """Show the rows for which it is time, and the keys that do something."""
        known = self._kind is not None
        self._kinds_row.display = self._may_force
        self._secret.display = self._has_secret
        self._more.display = known or self._wants_key
        self._then_row.display = known
        self._name_row.display = known and self._thens.value != USE_ONCE
        rest = "enter next, ctrl+s finishes, ctrl+t tests" if known else "enter detects"
        self.show_keys("esc stops" if self._looking else f"{rest}, esc cancels")

    def _say(self, words: Content) -> None:
        self._said.update(words)
        self._said.scroll_visible(animate=False)

    def _show_error(self, error: MLHubException) -> None:
        hint = content(f"\n  {error.hint}") if error.hint else Content()
        self._say(content(f"! {error.message}", "bold $error") + hint)

    def _show_found(self, words: str, style: str = "$success") -> None:
        first, _, rest = words.partition("\n")
        found = self._found_words
        found.update(content(first, style) + content(f"\n{rest}" if rest else "", "$muted"))
        found.display = bool(words)

    # What changes

    @on(PathField.Offered)
    def _offered(self, event: PathField.Offered) -> None:
        """Say what the text may become."""
        typed = self._location_field.value
        if event.text != typed or self._looking or self._settled_at == self._location:
            return
        names = [text.rstrip("/").rpartition("/")[2] + "/" * text.endswith("/") for text in event.found]
        self._show_found(one_line("  ".join(names), _OFFERED), "$muted")

    @on(Input.Changed, "#location")
    def _location_changed(self) -> None:
        """Forget what was found elsewhere."""
        if self._location == self._settled_at:
            return
        self._stop_looking()
        self._found, self._settled_at = None, None
        if self._start.profile is None:
            self._kinds.choose(DETECT)
        self._show_found("")
        self._lay_out()

    # Keys

    @property
    def _settled(self) -> bool:
        """Whether it is known, or forced, what is at the location."""
        forced = _KINDS[self._kinds.value] is not None
        return forced or (self._kind is not None and self._location == self._settled_at)

    def action_submit(self) -> None:
        """Detect the source, or finish."""
        if self._looking:
            return
        if self._settled:
            self._finish()
        elif self._location:
            self._look = self._look_there()
            self._lay_out()
        else:
            self._say(content("! type a URL or a path first", "bold $error"))

    def commit_field(self) -> None:
        """Go to the next field; detect the source from its location, and from the last one while unknown."""
        chain, focused = self.focus_chain, self.focused
        if focused is self._location_field and self._settled:
            self._go_to_rest()
        elif focused in (self._location_field, self._thens) or focused is chain[-1]:
            self.action_submit()
        else:
            self.focus_next()

    def action_enter(self) -> None:
        """Do as in a field of text: a choice is a field as well."""
        self.commit_field()
        self.committed()

    def action_leave(self) -> None:
        """Stop the look, or leave without a source."""
        if self._looking:
            self._stop_looking()
            self._say(content("Stopped.", "$muted"))
        else:
            self.dismiss(None)

    def _go_to_rest(self) -> None:
        """Go where something is missing: the key, else what to do with the source."""
        if self._wants_key and self._secret.scheme is None:
            self._secret.ask(Scheme.QUERY if self._kind is Kind.MLHUB else None)
        else:
            self.set_focus(self._thens)

    # Looking

    def _stop_looking(self) -> None:
        if self._look is not None:
            self._look.cancel()
            self._look = None
            self._say(Content())
            self._lay_out()

    @work(exclusive=True, group="look")
    async def _look_there(self) -> None:
        """Find out what is at the place, and say so; a second at a time, so that one sees it is at work."""
        ticking = self.set_interval(1.0, self._tick)
        self._seconds = 0
        self._tick()
        try:
            text, key = bare(self._location)
            if key is not None:
                self._secret.take(key)
            self._settled_at = self._location_field.value = text
            found = await look(text, self._draft())
        except MLHubException as error:
            self._show_error(error)
            self._may_force = True
            self._wants_key |= isinstance(error, AuthenticationError | AccessDenied)
        else:
            self._take(found)
        finally:
            ticking.stop()
        self._look = None
        if self.is_attached and self.is_running:
            self._lay_out()
            if self._found is not None:
                self._go_to_rest()

    def _tick(self) -> None:
        passed = f" {self._seconds} s" if self._seconds else ""
        self._seconds += 1
        self._say(content(f"Looking at {place(self._location)}…{passed}", "$muted"))

    def _take(self, found: ProbeResult) -> None:
        """Take up what was found."""
        self._found, self._settled_at = found, found.location
        self._wants_key |= found.needs_key
        self._may_force |= found.kind is None
        self._location_field.value = found.location
        if self._start.profile is None:
            self._name_field.value = name_for(found.location, found.title, found.kind, self._taken)
        else:
            self._kinds.choose(DETECT if found.kind is None else KIND_NAMES[found.kind.value])
        self._show_found(found_words(found))
        wanting = "It shows nothing without a key: choose how to send it; Enter detects again."
        self._say(content(wanting if found.kind is None else "", "$warning"))

    # Finishing

    def _draft(self) -> SecretDraft:
        """Return the secret; one that is stored is for the host that it was stored for."""
        if not self._has_secret:
            return SecretDraft()
        return self._secret.draft(stored=place(self._location) == place(self._start.location))

    @work(exclusive=True, group="form")
    async def action_test(self) -> None:
        """Test whether the source answers and accepts the key."""
        if self._kind is None:
            return
        self._say(content("Checking…", "$muted"))
        try:
            credentials = SourceEntry(self._location, self._kind, self._draft()).credentials()
            await check_credentials(credentials)
        except MLHubException as error:
            self._show_error(error)
            return
        result = f"accepts the key {mask(credentials.secret)}" if credentials.secret else "answers"
        self._say(content(f"{place(credentials.root_url)} {result}.", "$success"))

    @work(exclusive=True, group="form")
    async def _finish(self) -> None:
        """Save, or use, what was entered."""
        if self._secret.uses_stored and not self._agrees():
            return
        secret = self._secret.draft() if self._has_secret else SecretDraft()
        entry, then = SourceEntry(self._location, self._kind, secret), self._thens.value
        name = self._name_field.value
        try:
            if then == USE_ONCE:
                self.dismiss(SourceAnswer(None, entry.credentials()))
                return
            use = then == SAVE_AND_USE
            credentials = await asyncio.to_thread(entry.save, name, self._start.profile, use=use)
        except MLHubException as error:
            self._show_error(error)
            return
        saved = self._start.profile.name if self._start.profile else name.strip()
        self.dismiss(SourceAnswer(saved, credentials))

    def _agrees(self) -> bool:
        """Tell whether a stored key may go to the host it will go to; another one is asked about once."""
        where, before = place(self._location), place(self._start.location)
        if where == before or self._agreed_to == where or not self._start.location:
            return True
        self._agreed_to = where
        self._say(
            content(f"! the stored key was for {before}, and would go to {where}", "bold $warning")
            + content("\n  do it again to agree, or type another key")
        )
        return False
