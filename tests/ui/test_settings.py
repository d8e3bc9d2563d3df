"""The app as it is set: looks, keys, mouse, motion; settings changed in it; what was said stays readable."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from textual import events
from textual.widget import Widget

from mlhub_tui import manual
from mlhub_tui.config import load, settings
from mlhub_tui.options import AppOptions
from mlhub_tui.text import size, use_units
from mlhub_tui.ui.commands import COMMANDS
from mlhub_tui.ui.dialogs.settings_dialog import GROUPS
from mlhub_tui.ui.own_keys import checked, is_key
from mlhub_tui.ui.state import AppState
from mlhub_tui.ui.terminal.characters import ascii_only, to_ascii
from mlhub_tui.ui.theme import theme_names

from .conftest import Driver, driven
from .drawing import strips
from .test_browse import finding


@pytest.fixture(autouse=True)
def si() -> Iterator[None]:
    yield
    use_units("SI")


def write(home: Path, text: str) -> Path:
    home.mkdir(exist_ok=True)
    path = home / "config.toml"
    path.write_text(text)
    return path


# Keys


def test_every_command_can_have_another_key() -> None:
    wanted = {command.id: f"alt+f{number % 20 + 1}" for number, command in enumerate(COMMANDS)}
    for identity, key in wanted.items():
        assert checked({identity: key}) == ({identity: key}, [])


@pytest.mark.parametrize(
    "key", ["D", "?", "slash", "f5", "ctrl+n", "shift+f1", "é", ",", "+", "alt+x", "pageup"]
)
def test_keys_by_name_or_as_they_are_written(key: str) -> None:
    assert is_key(key)


@pytest.mark.parametrize("key", ["", "ctrl+", "Enter key", "contrl+x", "pagup", " ", "ctrl"])
def test_what_no_terminal_sends_is_no_key(key: str) -> None:
    assert not is_key(key)


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({"browse.donwload": "X"}, "did you mean browse.download?"),
        ({"browse.items": "pagup"}, "'pagup' is no key; did you mean pageup?"),
        ({"browse.items": "q"}, "q is the key of app.quit there"),
        ({"browse.items": "j"}, "j is the key of list.down there"),
        ({"app.open": "d"}, "d is the key of "),
    ],
)
def test_keys_that_will_not_do_are_said_and_left_out(wanted: dict[str, str], said: str) -> None:
    good, problems = checked(wanted)
    assert good == {}
    assert len(problems) == 1
    assert said in problems[0]


def test_two_commands_may_change_keys_with_each_other() -> None:
    wanted = {"browse.items": "d", "browse.download": "i"}
    assert checked(wanted) == (wanted, [])


async def test_a_key_of_ones_own_works_and_is_shown(options: AppOptions, mlhub_home: Path) -> None:
    write(mlhub_home, '[keys]\n"app.downloads" = "f2,9"\n"browse.filter" = "x"\nlist.down = "f9"\n')
    async with driven(options, (100, 80), then=("BigEarthNet", "x filter")) as driver:
        await driver.press("2")
        assert driver.app.current_mode == "browse"
        await driver.press("9", then=lambda: driver.app.current_mode == "downloads")
        await driver.press("1", "f9", then=lambda: driver.app.current_mode == "browse")
        await driver.press("question_mark", then="f2 9")


async def test_mistakes_are_said_in_a_line_and_listed(options: AppOptions, mlhub_home: Path) -> None:
    write(mlhub_home, 'theme = "nrd"\nunit = "IEC"\n[keys]\n"browse.items" = "q"\n')
    async with driven(options, (120, 40), then="BigEarthNet") as driver:
        await driver.until(lambda: "and 2 more" in driver.said())
        said = driver.said()
        for words in ("did you mean nord?", "did you mean units?", "q is the key of app.quit", "config.toml"):
            assert words in said
        await driver.press("exclamation_mark", then=lambda: driver.screen().count("warning: ") >= 3)
        await driver.press("escape", then=lambda: not driver.app.screen.is_modal)


def test_the_example_of_the_manual_is_right(tmp_path: Path) -> None:
    text = manual.source("configuration")
    example = tmp_path / "config.toml"
    example.write_text(text.partition("```toml\n")[2].partition("```")[0])
    loaded = load(example)
    assert loaded.problems == ()
    assert checked(loaded.config.keys)[1] == []
    assert len(loaded.config.keys) == 2


# Looks


async def test_ascii_alone_is_drawn_where_it_is_wanted(options: AppOptions, mlhub_home: Path) -> None:
    write(mlhub_home, 'characters = "ascii"\n')
    async with driven(options, (120, 40), then="BigEarthNet") as driver:
        await driver.until(lambda: driver.screen().isascii())
        assert ascii_only(driver.app)
        before = driver.screen().splitlines()
        await driver.press("j", "l", "j", "enter", "question_mark", then="Keys")
        await driver.until(lambda: driver.screen().isascii())
        assert len(before) == 40


@pytest.mark.parametrize("text", ["┌─┐", "日本", "é", "⣿⡇", "█▌▏", "👍", "a\u0301", "‑", "\u200b"])
def test_ascii_is_as_wide_as_what_it_stands_for(text: str) -> None:
    from rich.cells import cell_len

    drawn = "".join(map(to_ascii, text))
    assert drawn.isascii()
    assert len(drawn) == cell_len(text)


@pytest.mark.parametrize(
    ("text", "theme", "plain"),
    [
        ("", "mlhub-dark", False),
        ('theme = "nord"', "nord", False),
        ('colours = "16"', "mlhub-plain", True),
        ('colours = "mono"', "mlhub-plain", True),
    ],
)
async def test_colours_as_they_are_set(
    options: AppOptions, mlhub_home: Path, text: str, theme: str, plain: bool
) -> None:
    write(mlhub_home, text)
    async with driven(options, then="BigEarthNet") as driver:
        assert driver.app.theme == theme
        assert bool(driver.app.ansi_color) is plain
        styles = {str(s.style.color) for strip in strips(driver.app) for s in strip if s.style}
        if "mono" in text:
            assert all("default" in style for style in styles)


def marks(driver: Driver) -> str:
    """Return what is reversed, underlined, or has another ground than most of the screen."""
    cells = [(s.text, s.style) for strip in strips(driver.app) for s in strip if s.style is not None]
    grounds = Counter(str(style.bgcolor) for text, style in cells for _ in text)
    common = {ground for ground, _ in grounds.most_common(1)}
    marked = (style.reverse or style.underline or str(style.bgcolor) not in common for _, style in cells)
    return " ".join(text for (text, _), one in zip(cells, marked, strict=True) if one)


@pytest.mark.parametrize("colours", ["16", "mono"])
async def test_tab_pane_cursor_and_choice_stand_out_with_few_colours_and_with_none(
    options: AppOptions, mlhub_home: Path, colours: str
) -> None:
    write(mlhub_home, f'colours = "{colours}"')
    async with finding(options, "kenya_02_labels") as driver:
        await driver.until(lambda: "ref_african_cr" in marks(driver), lambda: " 1 Browse " in marks(driver))
        assert "2 Downloads" not in marks(driver)
        await driver.press("i", then=lambda: " Items " in marks(driver))
        await driver.until("4 items of 4", lambda: "tile_00" in marks(driver))
        assert " Map " not in marks(driver)
        await driver.press("J", then=(lambda: " JSON " in marks(driver), lambda: "{" in marks(driver)))
        await driver.press("f1", then=("Getting started", lambda: "Getting started" in marks(driver)))
        await driver.press("escape", "2", then=lambda: " 2 Downloads " in marks(driver))


async def test_no_color_counts_unless_the_settings_want_colours(
    options: AppOptions, mlhub_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with driven(options) as driver:
        assert driver.app.theme == "mlhub-plain"
        assert driver.app.no_color
    write(mlhub_home, 'colours = "full"\n')
    async with driven(options) as driver:
        assert driver.app.theme == "mlhub-dark"
        assert not driver.app.no_color


async def test_a_terminal_that_promises_few_colours_has_its_own_on_a_ground_they_stand_out_from(
    options: AppOptions, mlhub_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "screen")
    async with driven(options) as driver:
        assert driver.app.theme == "mlhub-16"
        await driver.until("BigEarthNet")
        await driver.press("s", then=("Search", "Words"))
        field = driver.app.focused
        assert field is not None and field.styles.color != field.styles.background
        await driver.type("rice", then="rice")
        typed, empty = (
            next(segment.style for segment in widget.render_line(0) if words in segment.text)
            for widget, words in ((field, "rice"), (driver.app.screen.query_one("#datetime"), "2018"))
        )
        assert typed is not None and empty is not None and empty.dim and not typed.dim
        assert not _on_no_ground(driver)
        await driver.press("escape", "colon", then=("Search for commands", "Facets"))
        assert not _on_no_ground(driver), "the terminal's own ground may be white as the letters are"
    write(mlhub_home, 'colours = "full"\n')
    async with driven(options) as driver:
        assert driver.app.theme == "mlhub-dark"
    write(mlhub_home, 'colours = "16"\n')
    async with driven(options) as driver:
        assert driver.app.theme == "mlhub-plain"


def _on_no_ground(driver: Driver) -> set[str]:
    """Return the texts that stand on the terminal's own ground."""
    drawn = (segment for strip in strips(driver.app) for segment in strip if segment.text.strip())
    return {s.text for s in drawn if s.style is None or s.style.bgcolor is None or s.style.bgcolor.is_default}


async def test_the_cursor_of_a_field_is_seen_without_colours(options: AppOptions, mlhub_home: Path) -> None:
    write(mlhub_home, 'colours = "mono"\n')
    async with driven(options, then="BigEarthNet") as driver:
        await driver.press("s", then="all of them in id")
        field = driver.app.focused
        assert field is not None and _reversed(field) == "a"
        await driver.type("rice", then="rice")
        assert _reversed(field) == " "


def _reversed(widget: Widget) -> str:
    """Return what is drawn reversed on the first line of a widget."""
    return "".join(s.text for s in widget.render_line(0) if s.style is not None and s.style.reverse)


async def test_motion_and_mouse_as_they_are_set(
    options: AppOptions, mlhub_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlhub_tui.ui.app import MLHubApp

    monkeypatch.delenv("TEXTUAL_ANIMATIONS", raising=False)
    monkeypatch.setenv("SSH_TTY", "/dev/pts/1")
    assert MLHubApp(options).animation_level == "none"
    write(mlhub_home, 'motion = "full"\nmouse = false\n')
    assert MLHubApp(options).animation_level == "full"
    assert not MLHubApp(options).uses_mouse
    write(mlhub_home, 'motion = "none"\n')
    monkeypatch.delenv("SSH_TTY")
    assert MLHubApp(options).animation_level == "none"
    assert MLHubApp(options).uses_mouse
    assert not MLHubApp(replace(options, mouse=False)).uses_mouse


# The screen


@asynccontextmanager
async def on_settings(options: AppOptions) -> AsyncIterator[Driver]:
    """Run the app with its settings in front."""
    async with driven(options, then="BigEarthNet") as driver:
        await driver.press("comma", then=("Looks", "[auto]"))
        yield driver


@pytest.mark.parametrize("window", [(60, 15), (120, 40)])
async def test_settings_change_at_once_and_keep_the_file_s_comments(
    options: AppOptions, mlhub_home: Path, window: tuple[int, int]
) -> None:
    path = write(mlhub_home, "# mine\ntransfers = 3 # enough\n")
    async with driven(options, window, then="BigEarthNet") as driver:
        await driver.press("comma", then="Settings")
        for name, times in (("characters", 2), ("units", 1), ("mouse", 1)):
            while f"▸ {name}" not in driver.screen():
                await driver.press("down")
            await driver.press(*["right"] * times)
        await driver.press("ctrl+s", then=lambda: not driver.app.screen.is_modal)
        await driver.until(lambda: driver.screen().isascii())
        assert size(1024) == "1.0 KiB"
        assert not driver.app.uses_mouse
    config = load().config
    assert (config.characters, config.mouse, config.units, config.transfers) == ("ascii", False, "IEC", 3)
    assert path.read_text().startswith("# mine\ntransfers = 3 # enough\n")


async def test_a_value_that_will_not_do_is_said_and_esc_writes_nothing(
    options: AppOptions, mlhub_home: Path
) -> None:
    async with driven(options, (80, 24), then="BigEarthNet") as driver:
        await driver.press("comma", then="Settings")
        while "transfers at a time" not in driver.screen():
            await driver.press("down")
        await driver.press("backspace", "9", "9", "tab", "ctrl+s")
        await driver.until("no whole number from 1 to 64", "99")
        await driver.press("escape", then=lambda: not driver.app.screen.is_modal)
        assert not (mlhub_home / "config.toml").exists()
        await driver.press("comma", "ctrl+s", then=lambda: not driver.app.screen.is_modal)
        assert not (mlhub_home / "config.toml").exists()


async def test_what_was_said_stays_readable(options: AppOptions) -> None:
    async with driven(options, (80, 24), then="BigEarthNet") as driver:
        driver.app.notify("[b]it\x1b[2J failed[/]", severity="error", markup=False)
        await driver.press("exclamation_mark", then="error: [b]it[2J failed[/]")
        await driver.press("exclamation_mark", then=lambda: not driver.app.screen.is_modal)


async def test_downloads_go_and_queue_up_as_the_settings_say_from_then_on(
    options: AppOptions, mlhub_home: Path, tmp_path: Path
) -> None:
    path = write(mlhub_home, "transfers = 3\n")
    async with driven(options) as driver:
        await driver.until(lambda: driver.app.queue is not None and driver.app.queue.loaded)
        queue = driver.app.queue
        assert queue is not None
        assert queue.settings is not None
        assert queue.settings.transfers == 3
        path.write_text(f'transfers = 5\ndownload_folder = "{tmp_path}/there"\n')
        driver.app.apply_settings()
        assert driver.app.output_dir == tmp_path / "there"
        await driver.until(lambda: queue.settings is not None and queue.settings.transfers == 5)
        await queue.change(transfers=4)
        driver.app.apply_settings()
        await driver.until(lambda: queue.settings is not None and queue.settings.transfers == 4)


def test_every_setting_but_the_keys_has_its_line_in_a_group() -> None:
    assert sorted(" ".join(GROUPS.values()).split()) == sorted(set(settings()) - {"keys"})


async def test_a_theme_is_chosen_from_those_that_exist(options: AppOptions, mlhub_home: Path) -> None:
    async with on_settings(options) as driver:
        await driver.press("left", then=f"[{theme_names()[-1]}]")
        await driver.press("right", "right", "right", then="[mlhub-light]")
        await driver.press("ctrl+s")
        await driver.until(lambda: driver.app.theme == "mlhub-light", lambda: not driver.app.screen.is_modal)
    assert load().config.theme == "mlhub-light"


async def test_a_small_terminal_says_where_choices_are_cut_and_explains_the_setting_whole(
    options: AppOptions,
) -> None:
    async with driven(options, (60, 15), then="BigEarthNet") as driver:
        await driver.press("comma", then=("mlhub-li…", "else light or dark as the terminal is"))


async def test_the_list_of_themes_shows_each_at_once_and_esc_takes_it_back(
    options: AppOptions, mlhub_home: Path
) -> None:
    async with driven(options, then="BigEarthNet") as driver:
        for key in ("escape", "enter"):
            driver.app.search_themes()
            await driver.until("type to narrow", "light or dark, as the terminal is")
            frame = driver.screen().partition("─ Theme ─")[2].splitlines()
            assert "part of a name" in frame[1], "no line of the frame is empty"
            await driver.press("down", "down", then=lambda: driver.app.theme == "mlhub-light")
            await driver.type("nord", then=lambda: driver.app.theme == "nord")
            await driver.press(key, then=lambda: not driver.app.screen.is_modal)
            assert driver.app.theme == ("mlhub-dark" if key == "escape" else "nord")
        await driver.press("q")
    assert AppState.load().theme == "nord"
    async with driven(options, then="BigEarthNet") as driver:
        assert driver.app.theme == "nord"
        driver.app.search_themes()
        await driver.until("type to narrow")
        await driver.type("auto", then=lambda: "nord" not in driver.screen())
        await driver.press("enter", then=lambda: driver.app.theme == "mlhub-dark")
        await driver.press("q")
    assert AppState.load().theme == ""


async def test_enter_in_a_setting_goes_to_the_next_and_the_button_saves(
    options: AppOptions, mlhub_home: Path
) -> None:
    async with on_settings(options) as driver:
        await driver.press("right", "enter", then="▸ colours")
        await driver.press("G", then=lambda: "▸ first byte timeout" in driver.screen())
        await driver.press("enter", then=lambda: getattr(driver.app.screen.focused, "id", "") == "submit")
        assert not (mlhub_home / "config.toml").exists()
        await driver.press("enter", then=lambda: (mlhub_home / "config.toml").exists())


async def test_down_in_one_packet_goes_through_all_settings_to_the_button(options: AppOptions) -> None:
    async with on_settings(options) as driver:
        for _ in range(17):
            driver.app.post_message(events.Key("down", None))
        await driver.until(lambda: getattr(driver.app.screen.focused, "id", "") == "submit")
        await driver.press("up", then="▸ first byte timeout")


async def test_what_is_typed_in_one_packet_is_for_one_setting_after_the_other(
    options: AppOptions, mlhub_home: Path
) -> None:
    async with on_settings(options) as driver:
        await driver.press("G", then="▸ first byte timeout")
        await driver.press("up", "up", "up", "up", "ctrl+u")
        typed = ["3", "enter", "ctrl+u", "7", "enter", "ctrl+u", "9", "down", "ctrl+u", *"off", "ctrl+s"]
        for key in typed:
            driver.app.post_message(events.Key(key, key if len(key) == 1 else None))
        await driver.until(lambda: (mlhub_home / "config.toml").exists())
        written = (mlhub_home / "config.toml").read_text()
        assert "transfers = 3" in written and "per_host = 7" in written and "connections = 9" in written
