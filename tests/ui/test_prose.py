"""Markdown on the screen: read as CommonMark, set for any width, and never more than text."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlhub_tui.metadata.blocks import Block, GridBlock, Heading, Paragraph, Prose
from mlhub_tui.ui.widgets.detail_view import MAX_CACHED, QUICK, MarkdownCache, typeset
from mlhub_tui.ui.widgets.detail_view import lines as set_lines
from mlhub_tui.ui.widgets.markdown import LONGEST

from .hostile import LINK_BOMB, MARKUP, nasty
from .safety import unsafe


def lines(text: str, width: int = 60) -> list[str]:
    """Return Markdown as it stands on the screen."""
    return [line.plain for line in set_lines(text, width)]


def looks(text: str) -> dict[str, str]:
    """Return the look of each stretch of Markdown that has one."""
    found: dict[str, str] = {}
    for line in set_lines(text, 200):
        for span in line.spans:
            found[line.plain[span.start : span.end]] = str(span.style)
    return found


def test_paragraphs_run_on_and_stand_apart() -> None:
    assert lines("one\ntwo\n\nthree  \nfour") == ["one two", "", "three", "four"]
    assert lines("one<br>two<br/><br>three") == ["one", "two", "", "three"]


def test_line_breaks_that_were_escaped_twice_are_line_breaks() -> None:
    assert lines("one\\n\\n- two\\n- three") == ["one", "", " • two", " • three"]


def test_emphasis_headings_and_code_have_their_looks() -> None:
    found = looks("# Head *of* it\n\n**strong** and *weak* ~~gone~~ and `code`")
    assert found["Head "] == "bold"
    assert found["of"] == "bold italic"
    assert (found["strong"], found["weak"], found["gone"]) == ("bold", "italic", "strike")
    assert lines("`code` is told without colours") == ["`code` is told without colours"]


def test_lists_and_quotations_keep_their_marks_and_indent() -> None:
    text = "- one\n- two\n  - inner text that goes on\n\n3. three\n4. four\n\n> said\n>\n> again"
    assert lines(text, 20) == [
        " • one",
        " • two",
        "    • inner text",
        "      that goes on",
        "",
        " 3 three",
        " 4 four",
        "",
        "▌ said",
        "▌ again",
    ]


def test_links_are_text_with_their_address() -> None:
    written = "[site](https://x.example/a_b) <https://y.example>"
    assert lines(written) == ["site (https://x.example/a_b) https://y.example"]
    assert lines('<a href="https://z.example">Z</a>') == ["Z (https://z.example)"]
    assert lines("![a picture](https://x.example/p.png)") == ["[a picture] (https://x.example/p.png)"]


@pytest.mark.parametrize("scheme", ["javascript:alert(1)", "vbscript:x", "data:text/html,x", "JaVaScript:x"])
def test_links_that_do_something_are_shown_as_they_were_written(scheme: str) -> None:
    assert lines(f"[x]({scheme})") == [f"[x]({scheme})"]


def test_no_line_links_or_acts() -> None:
    for line in set_lines(f"[x](https://x.example) {MARKUP} @click [@click=app.quit]y[/]", 60):
        for span in line.spans:
            assert "link" not in str(span.style)
            assert not getattr(span.style, "meta", None)


def test_html_that_dresses_text_is_left_out_and_other_html_is_shown() -> None:
    assert lines("H<sub>2</sub>O <b>is</b> <script>wet</script>") == ["H2O is <script>wet</script>"]
    assert lines("<div>\n<p>one</p>\n<p>two</p>\n</div>") == ["one", "", "two"]
    assert lines("a <!-- nothing --> b") == ["a  b"]


def test_tables_stand_in_columns_that_give_way() -> None:
    text = "| Band | What |\n| --- | --- |\n| B02 | blue light of the sun |\n| B03 | green |\n"
    wide, narrow = (line.split() for line in (lines(text)[-2], lines(text, 20)[-1]))
    assert wide == ["B02", "blue", "light", "of", "the", "sun"]
    assert narrow == ["B03", "green"]


def test_code_keeps_its_spaces_and_loses_nothing() -> None:
    shown = lines("```\n  if x:\n      return 1\n" + "y" * 100 + "\n```", 40)
    assert shown[:2] == ["    if x:", "        return 1"]
    assert "".join(line.strip() for line in shown[2:]) == "y" * 100


def test_code_that_is_too_long_is_broken_at_spaces_and_continues_further_in() -> None:
    shown = lines("```\nmlhub-tui list items a_long_collection --limit 9\n  --json   # all\n```", 30)
    assert shown == ["  mlhub-tui list items", "    a_long_collection --limit", "    9", "    --json   # all"]


def test_keys_in_addresses_are_left_out() -> None:
    for text in (
        "[x](https://x.example/?key=stolen-key-123)",
        "https://x.example/?key=stolen-key-123",
        "<https://user:stolen-word@x.example>",
        "`https://x.example/?key=stolen-key-123`",
        '<a href="https://x.example/?key=stolen-key-123">x</a>',
        "```\nhttps://x.example/?sig=stolen\n```",
    ):
        assert "stolen" not in "\n".join(lines(text)), text


@given(st.text(max_size=300), st.integers(1, 100))
def test_any_text_fits_any_width_and_is_safe(text: str, width: int) -> None:
    for line in set_lines(text, width):
        assert line.cell_length <= max(width, 4)
        assert not unsafe(line.plain)


@pytest.mark.slow
@given(st.text(alphabet="#>-*_`[]()<>|!&;~1. \n\\ab", max_size=400))
def test_any_markdown_is_set(text: str) -> None:
    for width in (1, 20, 80):
        set_lines(text, width)


def test_entities_are_no_way_around_what_is_cleaned() -> None:
    text = "&#x202e;a&#27;[31m&#155;b&#x200b;&amp;&lt;b&gt;&#xe0041;"
    (line,) = lines(text)
    assert not unsafe(line)
    assert line.endswith("b&<b>")


def test_hostile_text_is_drawn_as_text() -> None:
    shown = "\n".join(lines(f"# {nasty('head')}\n\n- {nasty('item')}\n\n> {nasty('said')}", 200))
    assert not [c for c in unsafe(shown) if c != "U+000A"]
    assert "b[/bold]" in shown


BOMBS = {
    "links": LINK_BOMB,
    "brackets": "[" * 100_000,
    "quotes": "> " * 50_000,
    "lists": "".join("  " * n + "- a\n" for n in range(300)),
    "stars": "**a *b" * 20_000,
    "rows": "|a|b|\n|-|-|\n" + "|x|y|\n" * 20_000,
    "columns": ("|a" * 5_000 + "|\n") + ("|-" * 5_000 + "|\n"),
    "heads": "# a\n" * 30_000,
    "lines": "a\n" * 50_000,
    "title": "# " + "y" * 10_000,
    "definitions": "".join(f"[{n}]: /u\n" for n in range(5_000)),
    "html": "<a " * 30_000,
}


@pytest.mark.slow
@pytest.mark.parametrize("name", BOMBS)
def test_no_text_takes_long_and_none_is_without_end(name: str) -> None:
    began = time.thread_time()
    shown = lines(BOMBS[name], 40)
    assert time.thread_time() - began < 8, "some tenths of a second of CPU"
    assert 1 <= len(shown) <= 2 * LONGEST / 10
    assert sum(map(len, shown)) <= 3 * LONGEST


async def test_what_was_read_is_kept_and_long_texts_are_read_elsewhere() -> None:
    read = MarkdownCache()
    long = "word " * QUICK
    assert read.get(long, 40) is None
    await read.load([long, "short"], 40)
    assert read.get(long, 40) is not None
    assert read.get("another short one", 40) is not None, "at once, now that the reader is there"
    await read.load([f"text {n}" for n in range(MAX_CACHED)], 40)
    assert read.get(long, 40) is None, "what was not asked for in a while is forgotten"


def test_a_sheet_ends_where_a_text_is_still_to_be_read() -> None:
    long = "word " * QUICK
    blocks: list[Block] = [Heading("One"), Prose(long), Heading("Two")]
    assert typeset(blocks, 40, MarkdownCache()).plain == "One"
    assert typeset(blocks, 40).plain.endswith("Two"), "nobody reads it: it is shown as it was written"


def test_columns_go_by_their_rank_where_there_is_no_room() -> None:
    block = GridBlock(("Band", "Colour", "What it is"), (("B02", "blue", "the light of the sky"),))
    wide, narrow = typeset([block], 60).plain, typeset([block], 14).plain
    assert wide.splitlines() == ["Band  Colour  What it is", "B02   blue    the light of the sky"]
    assert narrow.splitlines() == ["Band  Colour", "B02   blue"]
    assert typeset([block], 3).plain.splitlines()[0] == "Ban"


@given(st.lists(st.tuples(*[st.text(max_size=30)] * 3), max_size=5), st.integers(2, 90))
def test_a_table_never_exceeds_its_width(rows: list[tuple[str, ...]], width: int) -> None:
    shown = typeset([GridBlock(("one", "two two", "漢字"), tuple(rows))], width)
    assert all(line.cell_length <= width for line in shown.split("\n"))


def test_no_start_waits_for_the_reader_of_markdown() -> None:
    code = "import sys, mlhub_tui.ui.app, mlhub_tui.ui.screens.browse; print('markdown_it' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_paragraphs_of_other_sheets_are_no_markdown() -> None:
    assert typeset([Paragraph("**as** it is")], 40, MarkdownCache()).plain == "**as** it is"
