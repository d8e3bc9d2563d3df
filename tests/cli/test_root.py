"""The command itself: version, help, options before and after commands, errors in two lines."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import click
import pytest

from mlhub_tui import __version__
from mlhub_tui.cli import root
from mlhub_tui.cli.command import COMMANDS
from mlhub_tui.cli.manual import commands_of
from mlhub_tui.options import AppOptions
from mlhub_tui.sample.server import SampleServer

from .conftest import Command, Run, command_line


def _commands(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield path
    for name, child in getattr(command, "commands", {}).items():
        yield from _commands(child, (*path, name))


@pytest.mark.parametrize("option", ["--version", "-V"])
def test_the_version_is_one_line(command: Command, run: Run, option: str) -> None:
    assert command(option).stdout == f"mlhub-tui {__version__}\n"
    assert run("--sample", option).stdout == f"mlhub-tui {__version__}\n"


def test_the_version_costs_little_more_than_python_itself() -> None:
    """Counted in modules: their number does not depend on what else the machine does."""

    def modules(*arguments: str) -> int:
        done = subprocess.run(
            [*command_line()[:1], "-X", "importtime", *arguments], check=True, capture_output=True, text=True
        )
        return done.stderr.count("import time:")

    assert modules(*command_line("--version")[1:]) - modules("-c", "pass") < 50


@pytest.mark.parametrize("path", list(_commands(root)), ids=" ".join)
@pytest.mark.parametrize("option", ["--help", "-h"])
def test_each_help_fits_80_columns(run: Run, path: tuple[str, ...], option: str) -> None:
    result = run(*path, option, code=0)
    assert "Usage: mlhub-tui" in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 80
    commands = result.stdout.partition("Commands:\n")[2].partition("\n\n")[0]
    assert "..." not in commands


def test_the_commands_are_described_as_by_themselves() -> None:
    context = click.Context(root, info_name="mlhub-tui")
    assert isinstance(root, click.Group)
    for name, (_, about) in COMMANDS.items():
        command = root.get_command(context, name)
        assert command is not None
        assert command.get_short_help_str(200) == about


def test_what_a_command_does_is_said_in_45_characters() -> None:
    assert isinstance(root, click.Group)
    for command, own in commands_of(root, click.Context(root, info_name="mlhub-tui")):
        about = command.get_short_help_str(200)
        assert 0 < len(about) <= 45 and about.endswith("."), (own.command_path, about)


def test_the_help_has_examples_and_says_that_a_key_argument_can_be_seen(run: Run) -> None:
    text = run("--help").stdout
    assert "Examples:" in text
    assert "`ps`" in text
    assert "MLHUB_API_KEY" in text


@pytest.mark.parametrize(
    "arguments",
    [
        ("--profile", "p", "list", "datasets"),
        ("list", "--profile", "p", "datasets"),
        ("list", "datasets", "--profile", "p"),
        ("--profile", "other", "list", "datasets", "--profile", "p"),
    ],
)
def test_connection_options_work_before_and_after_a_command(run: Run, arguments: tuple[str, ...]) -> None:
    result = run(*arguments, code=2)
    assert "no profile 'p'" in result.stderr


@pytest.mark.parametrize("other", [("--api-key", "k"), ("--root-url", "http://x.org/"), ("--profile", "p")])
def test_the_sample_catalogue_takes_no_other_connection(run: Run, other: tuple[str, str]) -> None:
    result = run("--sample", "list", "datasets", *other, code=2)
    assert other[0] in result.stderr


def test_without_a_terminal_the_app_says_so_and_names_what_works(command: Command) -> None:
    done = command("--sample")
    assert done.returncode == 2
    assert done.stdout == ""
    for word in ("terminal", "list", "show", "download"):
        assert word in done.stderr


def test_the_app_gets_its_options(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    seen: list[AppOptions] = []

    def started(options: AppOptions) -> int:
        seen.append(options)
        return 7

    monkeypatch.setattr("mlhub_tui.cli.command.is_terminal", lambda stream: True)
    monkeypatch.setitem(sys.modules, "mlhub_tui.ui.app", SimpleNamespace(run=started))
    monkeypatch.setenv("HOME", str(tmp_path))
    run(
        "--profile",
        "p",
        "--api-key",
        "k",
        "--root-url",
        "http://x.example/",
        "--output-dir",
        "~/data",
        code=7,
    )
    assert seen == [AppOptions("p", "k", "http://x.example/", False, tmp_path / "data")]
    assert run("--sample").exit_code == 7
    assert seen[1] == AppOptions(sample=True, output_dir=Path.cwd())


def test_an_output_folder_that_is_a_file_is_refused(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    result = run("--output-dir", tmp_path / "file", code=2)
    assert "is a file" in result.stderr


def test_no_key_is_two_lines_and_exit_code_3(command: Command) -> None:
    done = command("list", "items", "anything")
    assert done.returncode == 3
    first, second = done.stderr.splitlines()
    assert first.startswith("mlhub-tui: error: no API key")
    assert "mlhub-tui configure" in second
    assert done.stdout == ""


def test_a_refused_key_is_exit_code_3_and_not_shown(run: Run, sample: SampleServer) -> None:
    result = run("list", "datasets", "--api-key", "WRONG-KEY-123456", "--root-url", sample.root_url, code=3)
    assert "WRONG-KEY" not in result.output
    assert len(result.stderr.splitlines()) == 2


def test_a_server_that_is_not_there_is_exit_code_1_and_named(run: Run) -> None:
    result = run("list", "datasets", "--root-url", "http://127.0.0.1:9/mlhub/", code=1)
    assert "http://127.0.0.1:9/mlhub/" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_fault_of_the_program_is_no_traceback_and_shows_no_key(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("broken at http://x.example/?key=SECRET")

    monkeypatch.setattr("mlhub_tui.cli.listing.run", fail)
    result = run("list", "datasets", code=1)
    assert "unexpected RuntimeError" in result.stderr
    assert "SECRET" not in result.stderr


def test_a_key_from_the_environment_before_a_named_profile_is_said(run: Run, on_sample: SampleServer) -> None:
    result = run("list", "models", "--profile", "p", "--json", code=0)
    assert "MLHUB_API_KEY overrides" in result.stderr


def test_a_reader_that_closes_the_pipe_ends_it_quietly(on_sample: SampleServer) -> None:
    with subprocess.Popen(
        command_line("list", "items", "ref_african_crops_kenya_02_source", "--json"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == ""


def test_text_that_the_encoding_lacks_is_replaced(command: Command, on_sample: SampleServer) -> None:
    done = command("show", "dataset", "ref_african_crops_kenya_02", PYTHONIOENCODING="iso8859-5")
    assert done.returncode == 0
    assert "Extent:       34.02?E" in done.stdout


def test_a_root_url_without_scheme_is_a_usage_error(run: Run) -> None:
    result = run("list", "datasets", "--root-url", "example.org/mlhub/v1")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "did you mean https://example.org/mlhub/v1?" in result.stderr


@pytest.mark.parametrize(
    ("typed", "near"),
    [
        (("dowload", "item"), "download"),
        (("LIST",), "list"),
        (("list", "colections"), "collections"),
        (("queue", "runn"), "run"),
        (("zzz",), ""),
    ],
)
def test_a_mistyped_command_is_answered_with_the_nearest(run: Run, typed: tuple[str, ...], near: str) -> None:
    result = run(*typed)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "No such command" in result.stderr
    assert (f"Did you mean {near!r}?" if near else "No such command 'zzz'.") in result.stderr
    assert ("Did you mean" in result.stderr) == bool(near)


@pytest.mark.parametrize("arguments", [("--version",), ("--help",), ("sources", "list", "--known")])
@pytest.mark.parametrize("stdout", ["full", "closed", "unread"])
def test_no_output_that_cannot_be_written_ends_in_a_traceback(
    arguments: tuple[str, ...], stdout: str
) -> None:
    command = shlex.join(command_line(*arguments))
    shell = {"full": f"{command} > /dev/full", "closed": f"{command} >&-", "unread": f"{command} | true"}[
        stdout
    ]
    done = subprocess.run(["bash", "-c", shell], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == (1 if stdout == "full" else 0)
    if stdout == "full":
        assert "No space left on device" in done.stderr
        assert done.stderr.count("error:") == 1
    else:
        assert done.stderr == ""
    assert "Traceback" not in done.stderr


def test_variables_in_the_home_folder_are_expanded(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_DISK", str(run.folder))
    monkeypatch.setenv("MLHUB_HOME", "$MY_DISK/mlhub")
    assert run("sources", "add", "mine", "https://stac.example/", "--kind", "stac-api").exit_code == 0
    assert (run.folder / "mlhub" / "profiles").is_file()
    monkeypatch.setenv("MLHUB_HOME", "$NO_SUCH_DISK/mlhub")
    refused = run("sources", "list")
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "a variable that is not set: $NO_SUCH_DISK/mlhub" in refused.stderr


def test_a_user_without_a_home_is_told_to_set_one(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLHUB_HOME", "~nobody-of-that-name/mlhub")
    for arguments in (("locate",), ("doctor", "--offline"), ("list", "datasets")):
        result = run(*arguments)
        assert (result.exit_code, result.stdout) == (1, "")
        assert "set HOME, or MLHUB_HOME" in result.stderr
        assert "unexpected" not in result.stderr
