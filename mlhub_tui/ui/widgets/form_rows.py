"""Rows of forms: engine, folder and existing files of a download, and the secret of a source."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input, Static

from ... import output
from ...auth import Scheme, SecretDraft
from ...errors import MLHubException
from ...fileio import check_writable, expanded, free_space
from ...options import ClusterConfig, IfExists
from ...text import mask, one_line, size
from ..terminal.characters import content
from .form import ChoiceField, FormRow, RowChoiceField, TextField

HERE, CLUSTER = "this machine", "Dask cluster"
_ADDRESS = "DASK_SCHEDULER_ADDRESS"


class EngineRow(FormRow):
    """A choice, and the address of a scheduler where it is asked for."""

    DEFAULT_CSS = """
    EngineRow ChoiceField { width: 31; }
    EngineRow Input { display: none; }
    EngineRow.-cluster Input { display: block; }
    """

    def __init__(self) -> None:
        address = os.environ.get(_ADDRESS, "")
        self._address = TextField(address, placeholder="tcp://host:8786, or empty", id="scheduler")
        super().__init__("Engine", ChoiceField([HERE, CLUSTER], id="engine"), self._address)

    @property
    def cluster(self) -> ClusterConfig | None:
        """The cluster that is chosen; None for this machine alone."""
        if not self.has_class("-cluster"):
            return None
        return ClusterConfig(self._address.value.strip())

    @on(ChoiceField.Changed, "#engine")
    def _changed(self, message: ChoiceField.Changed) -> None:
        self.set_class(message.choice.value == CLUSTER, "-cluster")


class OutputOptions(Vertical):
    """Three rows of a dialog about downloads.

    - `folder`: What stands in the field at first.
    """

    DEFAULT_CSS = "OutputOptions { height: auto; width: 1fr; }"

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._field, self._free = TextField(str(folder), id="folder"), Static(id="free")
        self._choice = ChoiceField([option.value for option in IfExists], id="if-exists")
        self._needed, self._takes_urls = 0, False

    def compose(self) -> ComposeResult:
        """Lay out the rows."""
        yield FormRow("Folder", self._field)
        yield FormRow("Free space", self._free)
        yield FormRow("If it exists", self._choice)

    def on_mount(self) -> None:
        """Look at the disk."""
        self._look_at_disk()

    @property
    def folder(self) -> Path:
        """The folder as it was typed, absolute."""
        return expanded(Path(self._field.value.strip() or ".")).absolute()

    @property
    def url(self) -> str:
        """The URL as it was typed, where it is one; a folder else, and this is empty."""
        typed = self._field.value.strip()
        return typed if output.is_url(typed) else ""

    @property
    def if_exists(self) -> IfExists:
        """What to do about files that are there."""
        return IfExists(self._choice.value)

    def need(self, amount: int, *, takes_urls: bool = False) -> None:
        """Say how many bytes are going to be written, and whether a URL of a store will do as well."""
        self._needed, self._takes_urls = amount, takes_urls
        self._look_at_disk()

    @on(Input.Changed, "#folder")
    def _edited(self, event: Input.Changed) -> None:
        event.stop()
        self._look_at_disk()

    @work(group="disk", exclusive=True)
    async def _look_at_disk(self) -> None:
        url, room, short = self.url, None, False
        words = "as much as the store has" if url else "unknown"
        problem = "URLs are for datasets on a cluster" if url and not self._takes_urls else ""
        try:
            if url:
                output.parse(url)
            else:
                room = await asyncio.to_thread(_space_in, self.folder)
        except MLHubException as error:
            problem = problem or error.message
        if room is not None:
            short = room < self._needed
            words = size(room) + (f", {size(self._needed)} needed: it will not fit" if short else "")
        self._free.update(content(problem or words, "bold $error" if problem or short else ""))


def _space_in(folder: Path) -> int | None:
    """Return the free space of a folder in bytes; raises MLHubException if nothing can be written there."""
    check_writable(folder)
    return free_space(folder)


_WAYS: dict[str, Scheme | None] = {
    "none": None,
    "key": Scheme.QUERY,
    "bearer": Scheme.BEARER,
    "header": Scheme.HEADER,
    "basic": Scheme.BASIC,
}
_NAMES = {
    Scheme.QUERY: ("Parameter", "key"),
    Scheme.HEADER: ("Header", "its name: X-API-Key"),
    Scheme.BASIC: ("User", "the user name"),
}
_SECRETS = {Scheme.QUERY: "Key", Scheme.BEARER: "Token", Scheme.HEADER: "Secret", Scheme.BASIC: "Password"}
NAMES = 12
"""Cells before the fields of the form of a source."""


class SecretRows(Vertical):
    """Asks how a secret is sent, and for it; a stored one is never shown, and stays if left empty."""

    DEFAULT_CSS = "SecretRows { height: auto; width: 1fr; }"

    def __init__(self, stored: SecretDraft, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._stored = stored
        self._way = RowChoiceField(list(_WAYS), id="way")
        self._fields = {
            "named": TextField(one_line(stored.user or stored.name), id="named-field"),
            "typed": TextField(secret=True, id="typed-field"),
            "variable": TextField(
                one_line(stored.variable), placeholder="MY_TOKEN: no secret on disk", id="variable-field"
            ),
        }
        labels = {"named": "", "typed": "", "variable": "or variable"}
        self._rows = {
            name: FormRow(label, self._fields[name], id=name, width=NAMES) for name, label in labels.items()
        }

    def compose(self) -> ComposeResult:
        """Lay out the rows."""
        yield FormRow("Login", self._way, width=NAMES)
        yield from self._rows.values()

    def on_mount(self) -> None:
        """Begin with what is stored."""
        self._choose(self._stored.scheme)
        self._lay_out()

    def _choose(self, scheme: Scheme | None) -> None:
        self._way.choose(next(word for word, way in _WAYS.items() if way is scheme))

    @property
    def scheme(self) -> Scheme | None:
        """How the secret is sent; None for no secret."""
        return _WAYS[self._way.value]

    def draft(self, *, stored: bool = True) -> SecretDraft:
        """Return what was entered; an empty field uses the stored secret, unless `stored` is false."""
        scheme = self.scheme
        name, typed = self._value("named"), self._value("typed")
        if not typed and stored and self._keeps:
            typed = self._stored.typed
        user = name if scheme is Scheme.BASIC else ""
        return SecretDraft(scheme, "" if user else name, user, typed, self._value("variable"))

    @property
    def uses_stored(self) -> bool:
        """Whether what is stored is what will be sent."""
        return not self._value("typed") and self._keeps and bool(self._stored.typed)

    def ask(self, scheme: Scheme | None = None) -> None:
        """Go where a secret is to be entered, which is sent in a way if none is chosen yet."""
        if scheme is not None and self.scheme is None:
            self._choose(scheme)
            self._lay_out()
        # At once: what is typed next is for there.
        self.screen.set_focus(self._way if self.scheme is None else self._fields["typed"])

    def take(self, secret: SecretDraft) -> None:
        """Take a secret that was found in what was typed elsewhere."""
        self._choose(secret.scheme)
        self._lay_out()
        self._fields["named"].value = secret.name
        self._fields["typed"].value = secret.typed

    @property
    def _keeps(self) -> bool:
        """Whether a stored secret stays; a variable that is newly named takes its place."""
        variable = self._value("variable")
        return self.scheme is self._stored.scheme and (not variable or variable == self._stored.variable)

    def _value(self, row: str) -> str:
        return self._fields[row].value.strip()

    @on(ChoiceField.Changed)
    def _way_changed(self, event: ChoiceField.Changed) -> None:
        event.stop()
        self._lay_out()

    @on(Input.Changed, "#variable-field")
    def _variable_changed(self) -> None:
        self._lay_out()

    def _lay_out(self) -> None:
        """Show the rows that belong to the way that is chosen."""
        scheme = self.scheme
        label, placeholder = _NAMES.get(scheme, ("", "")) if scheme else ("", "")
        self._rows["named"].display = bool(label)
        self._rows["typed"].display = self._rows["variable"].display = scheme is not None
        self._rows["named"].say(label)
        self._fields["named"].placeholder = placeholder
        self._rows["typed"].say(_SECRETS[scheme] if scheme else "")
        stored = self._stored.typed if scheme is self._stored.scheme else ""
        words = f"{mask(stored)} stays if left empty" if stored else "typed or pasted, not shown"
        if stored and not self._keeps:
            words = f"{mask(stored)} is removed: the variable takes its place"
        self._fields["typed"].placeholder = words
