"""A hostile deployment against every screen: nothing crashes, nothing of it reaches the terminal but text."""

from __future__ import annotations

import configparser
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from rich.cells import cell_len
from textual.widgets import Static

from mlhub_tui.cli import root
from mlhub_tui.metadata.blocks import Paragraph
from mlhub_tui.models import Entry, EntryKind
from mlhub_tui.options import AppOptions
from mlhub_tui.queue.job import JobState
from mlhub_tui.text import one_line, unlink
from mlhub_tui.ui.dialogs.base import QuestionScreen
from mlhub_tui.ui.dialogs.download_dialog import DownloadScreen
from mlhub_tui.ui.screens import browse as browse_module
from mlhub_tui.ui.screens.browse import BrowseScreen
from mlhub_tui.ui.screens.document_screen import DocumentScreen
from mlhub_tui.ui.screens.downloads import DownloadsScreen
from mlhub_tui.ui.widgets.detail_view import DetailView, typeset
from mlhub_tui.ui.widgets.item_table import ItemTable
from mlhub_tui.ui.widgets.json_lines import JsonLines
from tests.support.http_server import LoopbackServer

from .conftest import Driver, Sizes, driven
from .hostile import ARCHIVE, COLLECTIONS, ESCAPE, ITEM_ID, LINK_BOMB, MARKUP, NASTY_ID, Hostile, nasty
from .safety import drawn, unsafe
from .test_browse import row_of, tree_of

KEY = "a-key-of-twenty-char"


@pytest.fixture
def hostile() -> Iterator[LoopbackServer]:
    """Yield a hostile deployment."""
    answers = Hostile()
    with LoopbackServer(answers) as server:
        answers.root = server.root
        yield server


@pytest.fixture
def harm(hostile: LoopbackServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AppOptions:
    """Return options that lead to the hostile deployment; the detail follows the cursor soon."""
    monkeypatch.setattr(browse_module, "DETAIL_DELAY", 0.05)
    return AppOptions(api_key=KEY, root_url=hostile.root, output_dir=tmp_path / "out")


def look(driver: Driver) -> str:
    """Check all that is on the screen, and return it."""
    return "\n".join(drawn(driver.app))


@asynccontextmanager
async def loaded(options: AppOptions, size: Sizes = (80, 24)) -> AsyncIterator[Driver]:
    """Run the app, and wait for the listings."""
    async with driven(options, size) as driver:
        tree = tree_of(driver)
        await driver.until(lambda: tree.started and tree.tree_model.groups)
        listings = [tree.tree_model.grown[group] for group in tree.tree_model.groups]
        await driver.until(lambda: all(one and (one.complete or one.error) for one in listings))
        await driver.pilot.pause()
        yield driver


async def go_to(driver: Driver, wanted: EntryKind, identity: str) -> None:
    """Put the cursor on a node; its parents are opened."""
    tree = tree_of(driver)
    tree.unfold(tree.tree_model.groups[1])
    tree.unfold(row_of(tree, EntryKind.DATASET, nasty("0 dataset")))
    await driver.pilot.pause()
    assert tree.move_to(row_of(tree, wanted, identity))
    await driver.pilot.pause()


def said_of_size(driver: Driver) -> str:
    """Return what the download dialog says of the size."""
    return str(driver.app.screen.query_one("#size", Static).content)


async def copied(driver: Driver, start: str) -> str:
    """Wait until what was copied starts with a text, and return it."""
    await driver.until(lambda: driver.app.clipboard.startswith(start))
    look(driver)
    return driver.app.clipboard


@pytest.mark.slow
async def test_every_node_of_the_tree_is_drawn_as_text(harm: AppOptions) -> None:
    async with loaded(harm) as driver:
        tree = tree_of(driver)
        kinds: set[EntryKind] = set()
        seen = ""
        for _ in range(120):
            row = tree.current
            assert row is not None
            entry = row.data if isinstance(row.data, Entry) else None
            collection = entry is not None and entry.kind is EntryKind.COLLECTION
            inner = entry is not None and collection and entry.id not in (NASTY_ID, "CON")
            if row.foldable and not row.is_open and not inner:
                tree.expand_current()
            listings = tree.tree_model.grown.values()
            await driver.until(lambda: not any(held and held.loading for held in listings))  # noqa: B023
            kinds |= {entry.kind} if entry is not None else set()
            seen += look(driver)
            line = tree.cursor_line
            tree.action_cursor_down()
            if tree.cursor_line == line:
                break
        assert {EntryKind.DATASET, EntryKind.COLLECTION, EntryKind.ITEM, EntryKind.MODEL} <= kinds
        assert MARKUP[:20] in seen
        assert "(unreadable id)" in seen, "no node without a name"
        assert "stolen-key" not in seen


async def test_the_detail_shows_markup_as_text(harm: AppOptions) -> None:
    async with loaded(harm, (140, 70)) as driver:
        await go_to(driver, EntryKind.DATASET, nasty("0 dataset"))
        await driver.until("Creator")
        assert f"creator{MARKUP[:20]}" in look(driver)
        await go_to(driver, EntryKind.COLLECTION, NASTY_ID)
        await driver.until("keyword")
        assert one_line(NASTY_ID)[:40] in look(driver)


async def test_the_filter_finds_and_marks_hostile_text(harm: AppOptions) -> None:
    async with loaded(harm) as driver:
        await driver.press("slash", "left_square_bracket", "slash", "right_square_bracket")
        await driver.pilot.pause()
        assert "[/]" in look(driver)
        await driver.press("enter", "n", "N", "space")
        look(driver)


async def panes(driver: Driver) -> str:
    """Look at all panes of the document in front, from top to bottom."""
    seen = ""
    screen = driver.app.screen
    assert isinstance(screen, DocumentScreen)
    await driver.until(lambda: screen.document is not None)
    for key in ("O", "i", "m", "a", "J"):
        await driver.press(key)
        if key == "J":
            await driver.until('": ')
        for scroll in ("g", *["ctrl+d"] * 4, "G", "right"):
            await driver.press(scroll)
            if (shown := look(driver)) not in seen:
                seen += shown
    return seen


@pytest.mark.slow
@pytest.mark.parametrize("size", [(80, 24), (140, 40)])
async def test_every_pane_of_a_collection(harm: AppOptions, size: tuple[int, int]) -> None:
    async with loaded(harm, size) as driver:
        await go_to(driver, EntryKind.COLLECTION, NASTY_ID)
        await driver.press("enter", then=(DocumentScreen, "Archive"))
        overview = driver.app.screen.query_one("#overview", DetailView)

        def says_so_at_the_end() -> bool:
            overview.scroll_end(animate=False)  # it comes below what was the end
            return "Not valid STAC" in driver.screen()

        await driver.until(says_so_at_the_end)
        seen = await panes(driver)
        for words in ("citation[/]", "publication[/]", "provider[/]", "Not valid STAC", '"stac_version"'):
            assert words in seen, words
        assert "stolen-key" not in seen
        await driver.press("i")
        table = driver.app.screen.query_one(ItemTable)
        await driver.until(lambda: table.line_count >= 4)
        await driver.press("G", then="items")
        look(driver)


@pytest.mark.slow
async def test_every_pane_of_an_item_and_of_a_model(harm: AppOptions) -> None:
    async with loaded(harm) as driver:
        await go_to(driver, EntryKind.COLLECTION, NASTY_ID)
        await driver.press("i", then=lambda: bool(driver.app.screen.query(ItemTable)))
        table = driver.app.screen.query_one(ItemTable)
        await driver.until(lambda: table.line_count >= 4)
        await driver.press("g", "enter", then="Collection collection[/]")
        seen = await panes(driver)
        assert "two[/]" in seen
        assert '"id": "item' in seen
        await driver.press("r")
        look(driver)
        assert driver.app.is_running
        await driver.press("escape", "escape")
        await go_to(driver, EntryKind.MODEL, nasty("model"))
        await driver.press("enter", then="trained ML model")
        seen = await panes(driver)
        assert "architecture[/]" in seen
        assert "stolen-key" not in seen


@pytest.mark.slow
async def test_what_is_copied_is_clean_and_one_line(harm: AppOptions) -> None:
    """A line break in what is pasted into a shell is a command that runs."""
    async with loaded(harm) as driver:
        await go_to(driver, EntryKind.COLLECTION, NASTY_ID)
        await driver.press("enter", then="Archive")
        for keys, start in (
            (["y"], "collection[/]"),
            (["Y"], "citation[/]"),
            (["a", "g", "enter"], "https://"),
        ):
            await driver.press(*keys)
            text = await copied(driver, start)
            assert not unsafe(text) and "stolen" not in text and "\n" not in text
        await driver.press("W")
        assert not unsafe(await copied(driver, "https://mlhub.earth/10.1/doi"))


@pytest.mark.slow
async def test_the_dialog_the_queue_and_the_toasts_of_hostile_archives(
    harm: AppOptions, tmp_path: Path
) -> None:
    """An id with `../` in it names a file in the folder, whatever the id is."""
    wanted = [NASTY_ID, ESCAPE, "/etc/passwd", "CON", "\u202egpj.exe", ".hidden"]
    async with loaded(harm, (120, 40)) as driver:
        for identity in wanted:
            await go_to(driver, EntryKind.COLLECTION, identity)
            await driver.press("d", then=DownloadScreen)
            await driver.until(lambda: "requesting" not in said_of_size(driver))
            assert f"l{MARKUP[:20]}" in look(driver)
            await driver.until(str(tmp_path)[:20])
            await driver.press("enter", then=BrowseScreen)
        await driver.until(lambda: len(driver.app.jobs) == len(wanted))
        look(driver)
        await driver.until(lambda: all(job.state.finished for job in driver.app.jobs))
        await driver.pilot.pause()
        look(driver)
        await driver.press("2", then=DownloadsScreen)
        for _ in wanted:
            look(driver)
            await driver.press("j")
        states = {job.request.collection_id: job.state for job in driver.app.jobs}
        assert states.pop("CON") is JobState.FAILED
        assert set(states.values()) == {JobState.DONE}, driver.screen()
        failed = next(n for n, job in enumerate(driver.app.jobs) if job.state is JobState.FAILED)
        await driver.press("g", *["j"] * failed, then="refused[/]")
        look(driver)
    files = sorted(path for path in tmp_path.rglob("*.tar.gz"))
    assert {path.parent for path in files} == {tmp_path / "out"}
    assert len(files) == len(wanted) - 1
    assert all(path.read_bytes() == ARCHIVE for path in files)
    assert not any(unsafe(path.name) for path in files)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["mlhub-home", "out"]


@pytest.mark.slow
async def test_a_hostile_refusal_leads_to_a_question_in_plain_text(harm: AppOptions) -> None:
    async with loaded(harm) as driver:
        await go_to(driver, EntryKind.COLLECTION, "-rf")
        await driver.press("l", then=(QuestionScreen, "away[/]"))
        look(driver)
        assert KEY not in driver.screen()
        await driver.press("n")
        await go_to(driver, EntryKind.COLLECTION, "CON")
        await driver.press("l", "l", then="wrong[/]")
        look(driver)


@pytest.mark.slow
async def test_help_and_palette_over_hostile_data(harm: AppOptions) -> None:
    async with loaded(harm) as driver:
        await go_to(driver, EntryKind.COLLECTION, NASTY_ID)
        for key in ("question_mark", "ctrl+p"):
            await driver.press(key, then=lambda: len(driver.app.screen_stack) > 1)
            look(driver)
            await driver.press("escape", then=lambda: len(driver.app.screen_stack) == 1)


@pytest.mark.slow
async def test_profiles_with_hostile_names_and_urls(
    harm: AppOptions, mlhub_home: Path, tmp_path: Path
) -> None:
    mlhub_home.mkdir(parents=True)
    names = ["a[/][@click=app.quit]x", "b\x1b]0;owned\x07\u202e", "c" * 300, "[bold"]
    text = "".join(
        f"[{n}]\napi_key = {KEY}{i}\nroot_url = http://h/\x1b[31m\u202e[/]\n" for i, n in enumerate(names)
    )
    (mlhub_home / "profiles").write_text(text)
    assert len(configparser.ConfigParser(interpolation=None).read(mlhub_home / "profiles")) == 1
    async with driven(AppOptions(output_dir=tmp_path), then="a[/][@click=app.quit]x") as driver:
        for _ in names:
            assert KEY not in look(driver)
            for key in ("E", "x", "v"):
                await driver.press(key)
                assert KEY not in look(driver)
                if len(driver.app.screen_stack) > 1:
                    await driver.press("escape")
                    await driver.pilot.pause()
            await driver.press("j")
        assert text == (mlhub_home / "profiles").read_text(), "nothing was deleted"
    async with driven(replace(harm, api_key=None, profile=names[0], root_url=None), then="! ") as driver:
        look(driver)


def test_the_ids_cover_what_a_path_can_be_abused_with() -> None:
    assert {"..", ".", "/etc/passwd", ESCAPE} <= set(COLLECTIONS)
    assert unsafe(ITEM_ID)


@pytest.mark.parametrize(
    "command",
    [
        ["list", "datasets"],
        ["list", "models"],
        ["list", "collections"],
        ["list", "items", ESCAPE, "--limit", "20"],
        ["show", "collection", NASTY_ID],
        ["show", "item", ESCAPE, "x"],
        ["show", "model", "x"],
    ],
)
def test_the_command_line_prints_text_too(hostile: LoopbackServer, command: list[str]) -> None:
    result = CliRunner().invoke(root, ["--root-url", hostile.root, "--api-key", KEY, *command])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert result.exit_code in (0, 1)
    assert set(unsafe(result.output)) <= {"U+000A"}
    assert "stolen-key" not in result.output
    assert KEY not in result.output


def test_no_text_takes_long_to_be_read() -> None:
    """Patterns that walk a text again for each bracket in it would hold the keyboard for minutes."""
    began = time.thread_time()
    assert unlink(LINK_BOMB) == LINK_BOMB
    assert len(typeset([Paragraph("line\n" * 50_000)], 80).plain) < 40_000
    assert time.thread_time() - began < 10


def test_json_is_wrapped_without_losing_a_letter() -> None:
    text = "".join(chr(97 + n % 26) for n in range(300)) + "漢字"
    lines = JsonLines({"description": text, "last": 1})
    lines.fit(40)
    shown = [lines.line(number) for number in range(len(lines))]
    assert all(line.indent + 2 + cell_len(line.name + line.text) <= 40 for line in shown)
    assert shown[1].name == '"description": '
    assert "".join(line.text for line in shown[1:-2]) == f'"{text}",'
