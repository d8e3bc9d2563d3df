"""Commands about the program itself: `cache`, `locate`, `doctor`, `sample` and `completion`."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import get_completion_class

from .. import http, paths, planning, sample, sources
from ..errors import APIKeyNotFound, MLHubException, ProfileNotFound
from ..fileio import bytes_of, shrink_folder
from ..text import one_line, redact, size
from .connection import Choice, credentials, run_async, settings
from .failures import FAILED, USAGE, end
from .options import Command, Group, connection_options, json_option, option, speed
from .printing import print_json

if TYPE_CHECKING:
    from ..doctor import Finding
    from ..sample.server import SampleServer

PLACES: dict[str, tuple[Callable[[], Path], str]] = {
    "config": (paths.config, "settings"),
    "profiles": (paths.profiles, "keys and sources"),
    "queue": (paths.queue, "download queue"),
    "log": (paths.log_dir, "logs of --debug, of the queue, of faults"),
    "cache": (paths.cache, "what can be fetched again"),
    "state": (paths.state, "what is remembered between starts"),
    "searches": (paths.searches, "saved searches"),
    "home": (paths.home, "the folder of all these (MLHUB_HOME)"),
}
_UNKNOWN = "name"
"""The finding about a source or profile that does not exist."""
_MARKS = {"ok": " ", "note": "!", "wrong": "x"}
SAMPLE_EPILOG = """\b
Examples:
  mlhub-tui sample serve
  mlhub-tui sample serve --port 8000 --rate 500k
"""
COMPLETION_EPILOG = """\b
Examples:
  eval "$(mlhub-tui completion bash)"                   for this shell
  mlhub-tui completion bash >> ~/.bashrc                for each new one
  mlhub-tui completion zsh >> ~/.zshrc                  after compinit
  mlhub-tui completion fish > ~/.config/fish/completions/mlhub-tui.fish
"""


@click.group("cache", cls=Group, short_help="Show the size of the cache, or clear it.")
def cache_command() -> None:
    """Show the size of the cache, or clear it: documents, indexes of archives, plans, images of previews.

    All of it can be fetched or made again. Downloads, the queue, profiles and settings are elsewhere.
    """


@cache_command.command("size", short_help="Show how much room the cache takes.")
@json_option
def cache_size(as_json: bool) -> None:
    """Show how much room each part of the cache takes."""
    _print_sizes({name: _taken(folder) for name, (folder, _) in _parts().items()}, as_json)


@cache_command.command("clear", short_help="Remove all that can be fetched again.")
@json_option
def cache_clear(as_json: bool) -> None:
    """Remove all that can be fetched again, and show how much that was.

    Programs that run may do so meanwhile: they fetch again what they need.
    """
    gone = {}
    for name, (folder, clear) in _parts().items():
        before = _taken(folder)
        clear()
        gone[name] = max(before - _taken(folder), 0)
    _print_sizes(gone, as_json, " removed")


def _parts() -> dict[str, tuple[Path, Callable[[], object]]]:
    """Return the parts of the cache: what each takes room with, and how it is cleared."""
    from .. import preview_cache  # reads documents, which no help page needs

    def of(folder: Path) -> tuple[Path, Callable[[], object]]:
        return folder, lambda: shrink_folder(folder, -1)

    def clear_documents() -> None:
        with closing(http.cache.DocumentCache()) as cache:
            cache.clear()

    return {
        "documents": (http.cache.DocumentCache().path, clear_documents),
        "archives": of(sources.static.archive.folder()),
        "plans": of(planning.index_cache.folder()),
        "previews": (preview_cache.folder(), preview_cache.clear),
        "catalogs": of(planning.dataset_plan.catalog_cache()),
    }


def _taken(path: Path) -> int:
    """Return the bytes of a folder's files, or of a database with the files beside it."""
    beside = path.parent.glob(f"{path.name}-*") if path.suffix else ()
    return bytes_of(path) + sum(bytes_of(one) for one in beside)


def _print_sizes(parts: dict[str, int], as_json: bool, verb: str = "") -> None:
    parts = {**parts, "total": sum(parts.values())}
    if as_json:
        print_json(parts)
        return
    for name, taken in parts.items():
        click.echo(f"{name:9}  {size(taken)}{verb}")


@click.command("locate", cls=Command, short_help="Print the paths of settings and data.")
@click.argument("what", required=False, type=click.Choice(list(PLACES)))
@json_option
def locate_command(what: str | None, as_json: bool) -> None:
    """Print where settings, profiles, queue, logs and cache are; nothing of it need exist yet.

    With a name the path alone: `$EDITOR "$(mlhub-tui locate config)"`.
    """
    found = {name: str(path().absolute()) for name, (path, _) in PLACES.items() if what in (None, name)}
    if as_json:
        print_json(found)
        return
    for name, path in found.items():
        click.echo(path if what else f"{name:9} {path}  ({PLACES[name][1]})")


@click.command("doctor", cls=Command, short_help="Check program, files, network and source.")
@option("--offline", "Ask no source.")
@json_option
@connection_options
def doctor_command(offline: bool, as_json: bool) -> None:
    """Show what is wrong here, and how to fix it: program, terminal, files, queue, network, source.

    The source is the one that the app would open (--source, --profile, --root-url, --sample, or the profile
    `default`); it is asked once. Secrets are not printed: at most the last 4 characters of a key. Ends
    with 1 if something is wrong, with 2 if the source or profile does not exist.
    """
    found = _findings(offline)
    all_of_them = [(part, each) for part, findings in found.items() for each in findings]
    wrong = [(part, each.name) for part, each in all_of_them if each.state == "wrong"]
    if as_json:
        print_json([{"part": part, **asdict(each)} for part, each in all_of_them])
    else:
        for part, findings in found.items():
            click.echo(part)
            for each in findings:
                click.echo(f"{_MARKS[each.state]} {each.name:18} {each.value}".rstrip())
                if each.hint:
                    click.echo(f"{'':20} -> {each.hint}")
        names = ", ".join(f"{part} {name}" for part, name in wrong)
        click.echo(f"\nwrong: {names}" if wrong else "\nnothing is wrong")
    unknown = ("source", _UNKNOWN) in wrong
    end(USAGE if unknown else FAILED if wrong else 0)


def _findings(offline: bool) -> dict[str, list[Finding]]:
    """Return what was found of each part; of the source nothing where there is none to look at."""
    from .. import doctor  # loads SQLite and more, for this command alone

    loaded = settings()
    found = {
        "program": [*doctor.look_at_program()],
        "terminal": [*doctor.look_at_terminal(loaded.config)],
        "files": [*doctor.look_at_files(loaded)],
        "queue": [*doctor.look_at_queue()],
        "network": [*doctor.look_at_network()],
        "source": _of_source(Choice.made(), offline),
    }
    return {part: findings for part, findings in found.items() if findings}


def _of_source(choice: Choice, offline: bool) -> list[Finding]:
    """Return how the source is; offline, what a name stands for. The hosted service is not asked."""
    from .. import doctor  # as above

    named = choice.source or choice.profile or choice.root_url or choice.sample
    if offline and (choice.sample or not (named or os.environ.get("MLHUB_PROFILE"))):
        return []
    try:
        if offline:
            used = choice.credentials()
            where = one_line(redact(used.root_url), 300)
            return [doctor.Finding("location", where), doctor.Finding("key", used.key_origin)]
        with credentials(choice, key_needed=not named) as used:
            if sources.open_source.is_hosted(used.root_url):
                gone = sources.open_source.ServiceEnded()
                return [doctor.note("location", gone.message, gone.hint)]

            async def ask() -> list[Finding]:
                return [one async for one in doctor.ask_source(used)]

            return run_async(ask)
    except MLHubException as error:
        no_key = isinstance(error, APIKeyNotFound)
        level = doctor.note if no_key and not named else doctor.wrong
        what = _UNKNOWN if isinstance(error, ProfileNotFound) else "key" if no_key else "location"
        return [level(what, error.message, error.hint)]


@click.group("sample", cls=Group)
def sample_command() -> None:
    """Serve the built-in sample catalog."""


@sample_command.command("serve", epilog=SAMPLE_EPILOG, short_help="Serve the sample catalog until Ctrl+C.")
@option("--port N", "The port.  [default: a free one]", type=click.IntRange(0, 65535), default=0)
@option("--rate BYTES/s", "Speed limit of a download; 0 is none.  [default: 8388608]", callback=speed)
def serve(port: int, rate: int | None) -> None:
    """Serve the sample catalog on this machine until Ctrl+C.

    It speaks the MLHub API, so that other clients can be tried against it.
    """
    limit = sample.server.DEFAULT_RATE if rate is None else rate or None

    def ready(server: SampleServer) -> None:
        speed = f"{size(limit)}/s a download" if limit else "as fast as possible"
        click.echo(
            f"Serving the sample catalog, {speed}\n"
            f"  root URL  {server.root_url}\n"
            f"  API key   {server.key}\n"
            f"For other clients:\n"
            f"  export MLHUB_ROOT_URL={server.root_url} MLHUB_API_KEY={server.key}\n"
            f"Ctrl+C stops it."
        )

    end(128 + sample.server.serve_forever(port, rate=limit, on_ready=ready))


@click.command(
    "completion", cls=Command, epilog=COMPLETION_EPILOG, short_help="Print the completion script of a shell."
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion_command(context: click.Context, shell: str) -> None:
    """Print the completion script of a shell.

    It completes commands and options, the names of profiles, sources and saved searches, the IDs of the
    datasets and collections that were listed last, and those of the transfers in the queue.
    """
    made: Any = get_completion_class(shell)
    script = made(context.find_root().command, {}, "mlhub-tui", "_MLHUB_TUI_COMPLETE")
    # Not `script.source()`, which asks bash for its version first. Words and their descriptions have commas.
    text = script.source_template % script.source_vars()
    click.echo(text.replace('string split ","', 'string split --max 1 ","'))
