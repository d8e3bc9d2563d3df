"""What people expect of any command line: JSON, --quiet and --verbose, guesses, exit codes, Ctrl+C."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click
import pytest

from mlhub_tui.cli import root
from mlhub_tui.cli.manual import commands_of
from mlhub_tui.options import AppOptions
from mlhub_tui.sample.server import SampleServer

from .conftest import Run

KENYA = "ref_african_crops_kenya_02"
LABELS = f"{KENYA}_labels"
ITEM = f"{KENYA}_tile_00_label"


def documented(run: Run, topic: str) -> set[str]:
    """Return the words in code type in the first columns of the tables of a topic."""
    rows = [line.split(" | ")[0] for line in run("help", topic).stdout.splitlines() if line.startswith("| `")]
    return {word for row in rows for word in row.strip("| ").replace("`", "").split(", ")}


def test_every_command_for_transfers_prints_them_as_json_with_documented_fields(
    run: Run, on_sample: SampleServer, tmp_path: Path
) -> None:
    def transfers(*arguments: str) -> Any:
        result = run("queue", *arguments, "--json")
        found = json.loads(result.stdout)
        assert all(job.keys() <= documented(run, "downloads") for job in found)
        return [job["state"] for job in found]

    assert transfers("add", LABELS, f"{KENYA}_source", "--output-dir", str(tmp_path)) == ["queued", "queued"]
    assert transfers("pause", "1", "99") == ["paused"]
    assert transfers("resume") == ["queued"]
    assert transfers("cancel", "2", "--yes") == ["cancelled"]
    assert transfers("retry") == ["queued"]
    assert transfers("retry") == []
    assert transfers("list") == ["queued", "queued"]
    assert transfers("cancel", "--yes") == ["cancelled", "cancelled"]
    assert transfers("clear", "2") == ["cancelled"]
    assert transfers("list") == ["cancelled"]


@pytest.mark.parametrize(
    "options",
    [("--bbox", "30,-5,40,5"), ("--archives",), ("--catalog-only",)],
    ids=lambda options: options[0],
)
def test_a_dry_run_is_json_with_documented_fields(
    run: Run, on_sample: SampleServer, options: tuple[str, ...]
) -> None:
    document = json.loads(run("download", "dataset", KENYA, "--dry-run", "--json", *options).stdout)
    assert {*document} <= documented(run, "datasets")
    assert {"files", "bytes", "collections", "asset_keys"} <= document.keys()


@pytest.mark.parametrize("command", ["doctor --offline", "cache size", "cache clear", "locate"])
def test_what_is_said_of_the_program_is_json_with_documented_fields(run: Run, command: str) -> None:
    document = run.json(*command.split())
    (row,) = [
        line
        for line in run("help", "troubleshooting").stdout.splitlines()
        if line.startswith("| `") and f"`{command.removesuffix(' --offline')}`" in line.split(" | ")[0]
    ]
    fields = document[0] if isinstance(document, list) else document
    assert all(f"`{name}`" in row for name in fields)


def test_sources_are_printed_as_json_without_their_secrets(run: Run, sample: SampleServer) -> None:
    url = sample.root_url
    added = run("sources", "add", "mine", url, "--kind", "mlhub", "--api-key", "SECRET-KEY-9876", "--json")
    record = json.loads(added.stdout)
    assert (record["name"], record["kind"], record["root_url"]) == ("mine", "mlhub", url)
    assert record["secret"].endswith("****9876")
    (listed,) = run.json("sources", "list")
    assert listed.items() <= record.items()
    tested = run.json("sources", "test", url)
    assert (tested["ok"], tested["kind"], tested["error"]) == (True, "mlhub", None)
    refused = run("sources", "test", "mine", "--json")
    document = json.loads(refused.stdout)
    assert (refused.exit_code, document["ok"], "SECRET" in refused.output) == (3, False, False)
    assert document.keys() == tested.keys()
    assert document["error"]


def test_progress_is_left_out_without_a_terminal_and_the_lines_are_chosen(
    run: Run, on_sample: SampleServer, tmp_path: Path
) -> None:
    fetch = ("download", LABELS, "--output-dir", str(tmp_path), "--if-exists", "overwrite")
    assert run(*fetch).stderr == ""
    assert f"done {LABELS}.tar.gz" in run(*fetch, "--verbose").stderr
    assert run("queue", "verify").stderr == ""
    missing = ("download", "nowhere", "--output-dir", str(tmp_path))
    assert run(*missing, "-q").stderr.splitlines()[0].startswith("failed nowhere.tar.gz: ")


def test_quiet_hides_progress_and_no_error_or_warning(run: Run, on_sample: SampleServer) -> None:
    out = ("--output-dir", str(run.folder), "--quiet")
    assert run("download", LABELS, *out).stderr == ""
    assert run("download", "dataset", KENYA, "--collection", f"{KENYA}_labels=labels", *out).stderr == ""
    dry = run("download", "dataset", KENYA, "--dry-run", "--bbox", "0,0,1,1", "--quiet")
    assert "note: no item matches" in dry.stderr
    item = run("download", "item", LABELS, ITEM, "--asset", "labels", "--asset", "lables", *out, code=1)
    assert "there is no asset 'lables'; did you mean 'labels'?" in item.stderr
    (run.folder / f"{LABELS}.tar.gz").write_bytes(b"damaged")
    assert run("queue", "verify", "--quiet").exit_code == 1


def test_every_command_that_transfers_or_reads_files_is_quiet_or_verbose_on_demand() -> None:
    assert isinstance(root, click.Group)
    context = click.Context(root, info_name="mlhub-tui")
    talking = {
        own.command_path.removeprefix("mlhub-tui ")
        for command, own in commands_of(root, context)
        if {"--quiet", "--verbose"} <= {name for each in command.params for name in each.opts}
    }
    wanted = {f"download {name}" for name in ("archives", "item", "dataset")}
    assert talking == wanted | {"queue run", "queue verify"}


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        (("list", "items", "--limt", "3"), "--limit"),
        (("--sample", "show", "dataset", "ref_african_crops_kenya_2"), KENYA),
        (("--sample", "list", "items", "ref_african_crops_kenya_02_label"), LABELS),
        (("show", "collection", "ref_african_crops_kenya_02_label"), LABELS),
        (("show", "item", LABELS, f"{KENYA}_tile_01_lable"), f"{KENYA}_tile_01_label"),
        (("download", "item", LABELS, f"{KENYA}_tile_01_lable"), f"{KENYA}_tile_01_label"),
        (("--sample", "show", "item", LABELS, f"{KENYA}_tile_01_lable"), f"{KENYA}_tile_01_label"),
        (("search", "--saved", "kenia"), "kenya"),
        (("download", "item", LABELS, ITEM, "--asset", "label"), "labels"),
        (("--theme", "mlhub-drak"), "mlhub-dark"),
        (("help", "serching"), "searching"),
        (("sources", "test", "earth-serch"), "earth-search"),
        (("sources", "remove", "tem"), "team"),
        (("sources", "add", "earth-serch"), "earth-search"),
    ],
)
def test_what_was_mistyped_is_answered_with_what_was_meant(
    run: Run, on_sample: SampleServer, typed: tuple[str, ...], meant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("configure", "--profile", "team", "--api-key", on_sample.key)
    run("list", "datasets")
    run("list", "items", LABELS, "--limit", "5")
    run("search", "sample", "-c", LABELS, "--limit", "1", "--save", "kenya")
    monkeypatch.setattr("mlhub_tui.cli.command.is_terminal", lambda stream: True)
    result = run(*typed)
    assert result.exit_code == (1 if meant.startswith(KENYA) else 2)
    assert "id you mean" in result.stderr
    assert meant in result.stderr


def test_the_theme_of_the_command_line_is_the_app_s(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[AppOptions] = []
    monkeypatch.setattr("mlhub_tui.cli.command.is_terminal", lambda stream: True)
    monkeypatch.setitem(sys.modules, "mlhub_tui.ui.app", SimpleNamespace(run=seen.append))
    assert run("--theme", "mlhub-light").exit_code == 0
    assert seen[0].theme == "mlhub-light"


INTERRUPTED = """
import _thread, sys

class Interrupt:
    def find_spec(self, name, path=None, target=None):
        if name == module:
            _thread.interrupt_main()

module = sys.argv.pop(1)
sys.meta_path.insert(0, Interrupt())
from mlhub_tui.__main__ import main
main()
"""


@pytest.mark.parametrize(
    "module",
    [
        "click",
        "mlhub_tui.cli.listing",
        "asyncio",
        "mlhub_tui.http.client",
        "mlhub_tui.sources.mlhub",
        "mlhub_tui.models.document",
    ],
)
def test_ctrl_c_at_any_moment_is_a_word_and_130(module: str, on_sample: SampleServer) -> None:
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, module, "list", "items", LABELS],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (130, "interrupted\n")


LAST_WORDS = """
import atexit, sys, threading

def last():
    threading.main_thread().join()
    print("thread")

atexit.register(print, "handler")
if sys.argv.pop(1) == "with a thread":
    threading.Thread(target=last).start()
from mlhub_tui.__main__ import main
main()
"""


@pytest.mark.parametrize(
    ("how", "words"),
    [("alone", ["handler"]), ("with a thread", ["thread", "handler"])],
    ids=["alone", "thread"],
)
def test_a_command_ends_after_the_handlers_of_its_end_and_after_its_threads(
    how: str, words: list[str], on_sample: SampleServer
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LAST_WORDS, how, "list", "items", LABELS],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.splitlines()[-len(words) :] == words
    assert len(done.stdout.splitlines()) > len(words)
