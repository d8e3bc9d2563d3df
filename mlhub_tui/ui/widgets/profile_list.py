"""The list of profiles and sources: its rows, columns that fit the width, and sections between them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from rich.segment import Segment
from textual.strip import Strip

from ...auth import (
    ANONYMOUS,
    DEFAULT_ROOT_URL,
    Credentials,
    Kind,
    Profile,
    for_location,
    for_profile,
    normalise_root_url,
    same_root,
    secret_words,
)
from ...auth.location import API_KEY_VARIABLE, ROOT_URL_VARIABLE
from ...errors import InvalidRootURL
from ...options import AppOptions
from ...sample.process import SAMPLE_NAME
from ...sources.open_source import KNOWN, WellKnownSource, choose, is_hosted
from ...text import one_line, redact
from ..source_connection import KIND_NAMES, SAMPLE, Connection, place
from .line_view import Column, TableView

SAMPLE_ROW = "sample"
NO_KEY = "anonymous"
OPEN = "open"
CURRENT = "current"
UNOPENED = "unopened"
PROFILE = "profile:"
KNOWN_ROW = "known:"
RECENT = "recent:"
NOTHING = "none"
_PUBLIC = "Public sources, none contacted before it is chosen"


@dataclass(frozen=True, slots=True)
class ProfileRow:
    """A row of the list.

    - `key`: What it is: `sample`, `profile:NAME`, `known:NAME`, ...; empty for a line above some rows.
    - `name`, `kind`, `secret`, `where`: The columns; nothing of them is a secret.
    - `detail`: The lines that describe it below the list.
    - `profile`, `known`: What the row stands for, where it is one of these.
    - `credentials`: Returns what the source is opened with, reading files for it; None where nothing is
      opened so.
    """

    key: str
    name: str
    kind: str = ""
    secret: str = ""
    where: str = ""
    detail: tuple[str, ...] = ()
    profile: Profile | None = field(default=None, repr=False)
    known: WellKnownSource | None = None
    credentials: Callable[[], Credentials] | None = field(default=None, repr=False)


def profile_lines(
    profiles: Iterable[Profile],
    connection: Connection | None,
    options: AppOptions,
    environ: Mapping[str, str],
    recent: Sequence[str] = (),
    unopened: Credentials | None = None,
) -> list[ProfileRow]:
    """Return all lines: the sources used before the one in use, profiles, what needs none, public sources.

    - `profiles`: What the profiles file has.
    - `connection`: What is in use, if anything.
    - `options`: What was asked for on the command line: an MLHub API may be browsed without a key.
    - `environ`: The environment, for the variables that profiles name.
    - `recent`: What opens the sources that were used last.
    - `unopened`: What could not be opened a moment ago.
    """
    saved = {row.key: row for row in (_profile(profile, environ) for profile in profiles)}
    known = {row.key: row for row in map(_known, KNOWN)}
    root = no_key_root(options.root_url, options.api_key, environ)
    bare = [_sample(), _open(), *([_no_key(root, options.root_url)] if root else [])]
    without = {row.key: row for row in bare}
    if connection is not None and row_in_use(connection) == CURRENT:
        without = {CURRENT: _current(connection), **without}
    in_use = connection.entry if connection is not None else ""
    used = [_recent(entry, {**saved, **known, **without}) for entry in recent if entry != in_use]
    last = {row.key: row for row in used if row is not None}
    if unopened is not None and not unopened.profile and unopened.root_url not in recent:
        without = {UNOPENED: _unopened(unopened), **without}
    sections = (
        ("Recent", last),
        ("Profiles" if last else "", {key: row for key, row in saved.items() if key not in last}),
        ("Without a profile" if saved or last else "", {k: r for k, r in without.items() if k not in last}),
        (_PUBLIC, {key: row for key, row in known.items() if key not in last}),
    )
    lines: list[ProfileRow] = []
    for title, rows in sections:
        lines += [*([ProfileRow("", title)] if title and rows else []), *rows.values()]
    return lines


def _recent(entry: str, rows: Mapping[str, ProfileRow]) -> ProfileRow | None:
    """Return the row of a source that was used; None for a profile that is gone."""
    if entry == SAMPLE or f"{PROFILE}{entry}" in rows:
        return rows.get(SAMPLE if entry == SAMPLE else f"{PROFILE}{entry}")
    for row in rows.values():
        if row.known is not None and same_root(row.known.root_url, entry):
            return row
    if "://" not in entry and "/" not in entry and "\\" not in entry:
        return None
    where = one_line(entry, 400)
    opened = partial(choose, entry)
    return ProfileRow(
        f"{RECENT}{entry}", one_line(place(entry), 60), "", "", where, (where,), credentials=opened
    )


def row_in_use(connection: Connection | None) -> str | None:
    """Return the key of the row that is in use."""
    if connection is None:
        return None
    if connection.is_sample:
        return SAMPLE
    used = connection.credentials
    if used.profile not in (None, ANONYMOUS):
        return f"{PROFILE}{used.profile}"
    known = next((one for one in KNOWN if same_root(one.root_url, used.root_url)), None)
    if used.secret is None and known is not None:
        return f"{KNOWN_ROW}{known.name}"
    if used.profile == ANONYMOUS:
        return NO_KEY
    return CURRENT


def kind_name(kind: Kind | None) -> str:
    """Return what a kind is called."""
    return KIND_NAMES[kind.value] if kind else "not known"


def _profile(profile: Profile, environ: Mapping[str, str]) -> ProfileRow:
    secret = secret_words(profile, environ)
    where = one_line(redact(profile.root_url or ""), 400)
    if not where:
        where = "ended in 2023: the hosted service" if profile.kind is Kind.MLHUB else "no location"
    elif is_hosted(where):
        where = f"{where} (ended in 2023)"
    kind = kind_name(profile.kind) if profile.kind else f"{one_line(profile.kind_word, 20)}?"
    said = secret if secret != NOTHING else "no key"
    summary = f"{kind}, {said}" if profile.kind else f"a kind that is not known: {kind[:-1]}, {said}"
    return ProfileRow(
        f"{PROFILE}{profile.name}",
        one_line(profile.name, 120),
        kind,
        secret,
        where,
        (one_line(profile.name, 120), where, summary),
        profile=profile,
        credentials=partial(for_profile, profile.name),
    )


def _sample() -> ProfileRow:
    detail = (
        "45 datasets to try everything on: browse, filter, download, interrupt, resume",
        "an MLHub API, served on this machine",
        "no key, no network",
    )
    return ProfileRow(SAMPLE, SAMPLE_NAME, "MLHub", "none", "built in: no key, no network", detail)


def _open() -> ProfileRow:
    detail = (
        "The root of a STAC API or MLHub API, a catalog.json, a folder, or a .tar.gz",
        "detected first, then opened or saved as a profile",
    )
    return ProfileRow(OPEN, "open a URL or path…", "any", "", "an API, catalog.json, folder, .tar.gz", detail)


def _no_key(root: str, root_url: str | None) -> ProfileRow:
    ended = is_hosted(root)
    where = "ended in 2023: the hosted service" if ended else one_line(redact(root), 400)
    hint = (
        "MLHUB_ROOT_URL or --root-url names another" if ended else "listings; items and archives want a key"
    )
    detail = (f"An MLHub API: {where}", hint)
    opened = partial(for_profile, ANONYMOUS, root_url=root_url)
    return ProfileRow(NO_KEY, "browse without a key", "MLHub", "none", where, detail, credentials=opened)


def _current(connection: Connection) -> ProfileRow:
    used = connection.credentials
    where = one_line(redact(used.root_url), 400)
    secret = used.key_origin if used.secret else "none"
    detail = (f"In use, and not saved: {where}", "ctrl+s saves it as a profile")
    kind = kind_name(connection.source.kind)
    return ProfileRow(CURRENT, "in use, not saved", kind, one_line(secret, 60), where, detail)


def _unopened(tried: Credentials) -> ProfileRow:
    where = one_line(redact(tried.root_url), 400)
    secret = one_line(tried.key_origin, 60) if tried.secret else "none"
    detail = ("It could not be opened", where, "enter retries")
    kind = kind_name(tried.kind) if tried.kind else "any"
    name = one_line(place(tried.root_url), 60)
    return ProfileRow(UNOPENED, name, kind, secret, where, detail, credentials=lambda: tried)


def _known(known: WellKnownSource) -> ProfileRow:
    secret = f"for {known.key.partition(':')[0]}" if known.key else "none"
    detail = (
        f"{known.title}: {known.about}",
        known.root_url,
        f"{kind_name(known.kind)}; {known.key or 'no key'}",
    )
    return ProfileRow(
        f"{KNOWN_ROW}{known.name}",
        known.name,
        kind_name(known.kind),
        secret,
        known.about,
        detail,
        known=known,
        credentials=partial(
            for_location, known.root_url, kind=known.kind, origin=f"public source {known.name}"
        ),
    )


def no_key_root(root_url: str | None, api_key: str | None, environ: Mapping[str, str]) -> str:
    """Return where browsing MLHub without a key leads to: the argument or MLHUB_ROOT_URL.

    It is the hosted service where only a key was given, and empty where no MLHub API was asked for.
    """
    hosted = DEFAULT_ROOT_URL if api_key or environ.get(API_KEY_VARIABLE) else ""
    try:
        return normalise_root_url(root_url or environ.get(ROOT_URL_VARIABLE, "") or hosted)
    except InvalidRootURL:
        return hosted


_LONGEST = 200


class ProfileList(TableView[ProfileRow]):
    """Shows lines; the cursor is on a place, never on a section."""

    mark_cells = 2
    narrowest = 24
    all_columns = (
        Column("name", "Name", most=60),
        Column("kind", "Kind", least=9),
        Column("secret", "Key", most=26, least=17),
        Column("where", "Where, or what", least=20),
    )

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._in_use: str | None = None

    def show(self, lines: Sequence[ProfileRow], in_use: str | None, wanted: str | None) -> None:
        """Show lines, with the cursor on the place that is wanted, or else the first."""
        self.lines, self._in_use = lines, in_use
        self.forget_widths()
        self.measure([number for number, one in enumerate(lines) if one.key])
        self.count_changed()
        keys = self.keys
        line = self.validate_cursor_line(keys.index(wanted) if wanted and wanted in keys else 0)
        if line != self.cursor_line:
            self.cursor_line = line
        else:
            self.post_message(self.Moved())
        self.refresh()
        self.call_after_refresh(self.keep_in_sight)

    @property
    def keys(self) -> list[str]:
        """The keys of the lines, in their order."""
        return [one.key for one in self.lines]

    def is_heading(self, number: int) -> bool:
        """Tell whether a line is a section."""
        return not self.lines[number].key

    def cells(self, number: int) -> Sequence[str]:
        """Return the texts of a place."""
        one = self.lines[number]
        return [one_line(text, _LONGEST) for text in (one.name, one.kind, one.secret, one.where)]

    def mark(self, number: int) -> str:
        """Mark the source that is in use."""
        return " ●" if self.lines[number].key == self._in_use else ""

    def draw_line(self, number: int, width: int) -> Strip:
        """Draw a place or a section."""
        if not self.is_heading(number):
            return super().draw_line(number, width)
        name, base = one_line(self.lines[number].name), self.line_style(number)
        title = Segment(f"{'':{self.mark_cells}} {name} ", base + self.look("header"))
        return Strip([title, Segment("─" * width, base + self.look("guides"))])
