"""Exit codes: the same in every command, whichever way it ends."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import click
import pytest

from mlhub_tui.cli import root
from mlhub_tui.cli.manual import commands_of
from tests.support.http_server import Answer, LoopbackServer
from tests.support.waiting import until_sync

from .conftest import Run, command_line

ASKING = [
    "list datasets",
    "list collections",
    "list models",
    "list items c",
    "show dataset d",
    "show collection c",
    "show item c i",
    "show model m",
    "search -c c",
    "download c",
    "download item c i",
    "download dataset d",
    "download dataset d --dry-run",
]
"""Commands that request something of a source; for items and archives with a key."""
WITHOUT_KEY = {"list datasets", "list collections", "list models", "show dataset d"} | {
    "show collection c",
    "show model m",
}
REFUSED = {"detail": "no"}


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    monkeypatch.chdir(str(tmp_path))
    monkeypatch.delenv("MLHUB_API_KEY", raising=False)
    monkeypatch.delenv("MLHUB_ROOT_URL", raising=False)


def words(command: str, *options: str) -> list[str]:
    return [*options, *command.split()]


def test_an_option_that_does_not_exist_is_2_in_every_command(run: Run) -> None:
    assert isinstance(root, click.Group)
    context = click.Context(root, info_name="mlhub-tui")
    for _, own in commands_of(root, context):
        result = run(*own.command_path.split()[1:], "--nosuch")
        assert (result.exit_code, result.stdout) == (2, ""), own.command_path
        assert "No such option" in result.stderr, own.command_path


@pytest.mark.parametrize(
    "command", [*ASKING, "queue add c", "queue run --until-empty", "doctor", "doctor --offline", ""]
)
def test_a_source_or_profile_that_does_not_exist_is_2_in_every_command(run: Run, command: str) -> None:
    for option in ("--profile", "--source"):
        result = run(*words(command, option, "nosuch"), code=2)
        assert "'nosuch'" in result.output or not command
        assert "nothing is wrong" not in result.stdout


@pytest.mark.parametrize("command", ["search nosuch -c c", *(f"sources {w} nosuch" for w in ("test", "add"))])
def test_a_source_that_does_not_exist_is_2_as_an_argument(run: Run, command: str) -> None:
    result = run(*words(command))
    assert (result.exit_code, result.stdout) == (2, "")
    assert "'nosuch'" in result.stderr


@pytest.mark.parametrize(
    "command", ["sources remove nosuch", "search --saved nosuch", "search --forget nosuch"]
)
def test_a_profile_or_search_that_was_never_saved_is_2(run: Run, command: str) -> None:
    assert run(*words(command)).exit_code == 2


@pytest.mark.parametrize("command", ASKING)
def test_a_refused_key_is_3_a_server_that_is_not_there_1_and_what_it_has_not_1(
    run: Run, command: str
) -> None:
    answers = {401: 3, 403: 3, 404: 1}
    for status, code in answers.items():
        with LoopbackServer(lambda _, status=status: Answer(status, b"{}")) as server:  # type: ignore[misc]
            result = run(*words(command, "--root-url", server.root, "--api-key", "a-key-of-a-test"))
            assert (result.exit_code, result.stdout.strip()) == (code, ""), (status, result.stderr)
            assert "a-key-of-a-test" not in result.stderr


@pytest.mark.parametrize("command", [each for each in ASKING if each not in WITHOUT_KEY])
def test_without_a_key_it_is_3_before_anything_is_requested(run: Run, command: str) -> None:
    with LoopbackServer(lambda _: Answer(404)) as server:
        result = run(*words(command, "--root-url", server.root))
        assert (result.exit_code, server.requests) == (3, [])


@pytest.mark.slow
@pytest.mark.parametrize("command", [*ASKING, "doctor", "sources test {}", "sources add mine {}"])
def test_ctrl_c_while_a_server_thinks_is_130(command: str) -> None:
    with LoopbackServer(lambda _: Answer(before="stall")) as server:
        named = "{}" in command
        options = [] if named else ["--root-url", server.root, "--api-key", "a-key-of-a-test"]
        arguments = [*command.format(server.root).split(), *options]
        process = subprocess.Popen(
            command_line(*arguments), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        until_sync(lambda: server.requests or process.poll() is not None)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "interrupted" in errors
    assert "Traceback" not in errors


def test_a_home_that_cannot_be_written_is_1_with_what_to_do(run: Run, mlhub_home: Path) -> None:
    for name in ("profiles", "searches.json"):
        (mlhub_home / name).mkdir(parents=True)
    saved = run.folder / "saved.json"
    saved.write_text(
        '{"type": "FeatureCollection", "features": [{"type": "Feature", "id": "a", "assets": {}}]}'
    )
    for command in (("sources", "add", "mine", str(saved)), ("search", str(saved), "--save", "mine")):
        failed = run(*command, code=1)
        assert "MLHUB_HOME" in failed.stderr
