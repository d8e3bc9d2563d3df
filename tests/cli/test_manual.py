"""The manual: topics that are read, searched and written as man pages; what it shows is true."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from mlhub_tui import manual
from mlhub_tui.cli import root
from mlhub_tui.cli.manual import commands_of, text_of
from mlhub_tui.config.config import table
from mlhub_tui.ui.key_bindings import key_table

from .conftest import Run

README = Path(__file__).parents[2] / "README.md"


def texts() -> list[tuple[str, str]]:
    """Return all topics as they are printed, and the README."""
    assert isinstance(root, click.Group)
    return [("README", README.read_text()), *((topic, text_of(topic, root)) for topic in manual.TOPICS)]


def test_every_topic_is_printed_as_markdown_in_a_pipe(run: Run) -> None:
    for topic in manual.TOPICS:
        text = run("help", topic).stdout
        assert text.startswith("# ")
        assert "{{" not in text
    assert [line.split()[0] for line in run("help").stdout.splitlines()] == [*manual.TOPICS]


def test_the_tables_are_those_of_the_program(run: Run) -> None:
    assert key_table() in run("help", "keyboard").stdout
    assert table() in run("help", "configuration").stdout
    reference = run("help", "commands").stdout
    for path in ("mlhub-tui download dataset", "mlhub-tui queue pause", "mlhub-tui help"):
        assert f"\n## {path}\n" in reference


def test_a_command_is_explained_and_a_mistyped_topic_gets_a_guess(run: Run) -> None:
    assert "Usage: mlhub-tui search" in run("help", "search").stdout
    wrong = run("help", "dwnloads")
    assert wrong.exit_code == 2
    assert "Did you mean 'downloads'?" in wrong.stderr


def test_a_search_names_topic_heading_and_line(run: Run) -> None:
    lines = run("help", "--search", "no_proxy").stdout.splitlines()
    assert any(line.startswith("configuration: Environment variables: ") for line in lines)
    assert run("help", "downloads", "--search", "NO_PROXY").exit_code == 1
    assert run("help", "--search", "no such words anywhere").exit_code == 1


def lines_of_shell(text: str) -> list[str]:
    """Return the commands of this program in the shell examples of a text."""
    blocks = re.findall(r"```sh\n(.*?)```", text, re.S)
    return [
        line for block in blocks for line in block.splitlines() if re.match(r"(\w+=\S+ )?mlhub-tui", line)
    ]


@pytest.mark.parametrize(("topic", "text"), [pytest.param(*each, id=each[0]) for each in texts()])
def test_every_command_of_the_manual_is_one_with_these_options(topic: str, text: str) -> None:
    for line in lines_of_shell(text):
        words = shlex.split(line.partition("|")[0].partition(">")[0], comments=True)
        arguments = words[words.index("mlhub-tui") + 1 :]
        result = CliRunner().invoke(root, [*arguments, "--help"], prog_name="mlhub-tui")
        assert result.exit_code == 0, f"{topic}: {line}: {result.stderr}"


@pytest.mark.parametrize(("topic", "text"), [pytest.param(*each, id=each[0]) for each in texts()])
def test_every_piece_of_python_compiles(topic: str, text: str) -> None:
    for block in re.findall(r"```python\n(.*?)```", text, re.S):
        compile(block, topic, "exec")


def test_every_topic_that_is_named_exists() -> None:
    for topic, text in texts():
        for name in re.findall(r"`mlhub-tui help ([a-z-]+)`", text):
            assert name in manual.TOPICS, f"{topic}: {name}"


def test_there_is_a_man_page_for_each_command_without_warnings_of_roff(run: Run, tmp_path: Path) -> None:
    pages = [Path(line) for line in run("help", "--man", str(tmp_path / "man1")).stdout.splitlines()]
    assert isinstance(root, click.Group)
    context = click.Context(root, info_name="mlhub-tui", **root.context_settings)
    names = {"mlhub-tui", *(own.command_path.replace(" ", "-") for _, own in commands_of(root, context))}
    assert {page.name for page in pages} == {f"{name}.1" for name in names}
    if shutil.which("groff"):
        for page in pages:
            command = ["groff", "-ww", "-man", "-Tutf8", str(page)]
            done = subprocess.run(command, capture_output=True, text=True, timeout=60)
            assert (done.returncode, done.stderr) == (0, ""), page.name
            assert "S\x08SY\x08YN\x08N" in done.stdout  # SYNOPSIS, in bold


def test_the_readme_is_short() -> None:
    assert len(README.read_text().splitlines()) <= 150
