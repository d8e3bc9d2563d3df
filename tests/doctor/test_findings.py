"""What the doctor finds: every fault by itself, with a way to mend it, and never a secret."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Iterable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mlhub_tui import doctor
from mlhub_tui.cli import root
from mlhub_tui.config import DEFAULTS, Loaded, load
from mlhub_tui.doctor import Finding, Severity
from mlhub_tui.planning.requests import ArchiveRequest
from mlhub_tui.queue.client import QueueClient
from mlhub_tui.sample.server import SampleServer


def bad(findings: Iterable[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.state is not Severity.OK]


def only(findings: Iterable[Finding]) -> Finding:
    found = bad(findings)
    assert len(found) == 1, found
    assert found[0].hint
    return found[0]


def test_a_good_place_has_nothing_wrong(mlhub_home: Path) -> None:
    assert not bad(doctor.look_at_program())
    assert not bad(doctor.look_at_files(Loaded()))
    assert not bad(doctor.look_at_queue())
    assert not mlhub_home.exists(), "looking makes nothing"


def test_a_profiles_file_that_others_can_read_is_wrong(mlhub_home: Path) -> None:
    mlhub_home.mkdir(mode=0o700)
    (mlhub_home / "profiles").write_text("[default]\napi_key = a-key-of-24-characters..\n")
    (mlhub_home / "profiles").chmod(0o644)
    found = only(doctor.look_at_files(Loaded()))
    assert found.state is Severity.WRONG
    assert found.hint == f"chmod 600 {mlhub_home}/profiles"


def test_a_mistake_in_the_settings_is_found(mlhub_home: Path) -> None:
    mlhub_home.mkdir()
    (mlhub_home / "config.toml").write_text('colors = "16"\n')
    assert "did you mean colours?" in only(doctor.look_at_files(load())).value


def test_a_broken_profiles_file_and_a_variable_that_is_not_set_are_found(mlhub_home: Path) -> None:
    mlhub_home.mkdir(mode=0o700)
    profiles = mlhub_home / "profiles"
    profiles.touch(mode=0o600)
    profiles.write_text("[a]\nkind = stac-api\nroot_url = https://a.example/\ntoken_env = NOWHERE\n")
    assert "not set" in bad(doctor.look_at_files(Loaded()))[0].value
    profiles.write_text("api_key = 123456789\n")
    found = bad(doctor.look_at_files(Loaded()))[0]
    assert found.state is Severity.WRONG
    assert "123456789" not in found.value


def test_a_home_that_is_a_file_is_found(mlhub_home: Path) -> None:
    mlhub_home.write_text("")
    assert "is a file, not a folder" in bad(doctor.look_at_files(Loaded()))[0].value


def test_a_damaged_queue_is_found_and_left_alone(mlhub_home: Path) -> None:
    mlhub_home.mkdir()
    (mlhub_home / "queue.db").write_bytes(b"no database" * 100)
    found = only(doctor.look_at_queue())
    assert found.state is Severity.WRONG
    assert (mlhub_home / "queue.db").read_bytes().startswith(b"no database")


def test_a_disk_without_room_for_a_queue_is_found(monkeypatch: pytest.MonkeyPatch, mlhub_home: Path) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: (10, 10, 0))
    assert "its disk has only 0 B left" in only(doctor.look_at_queue()).value


def test_a_queue_that_nobody_runs_is_said(mlhub_home: Path, tmp_path: Path) -> None:
    mlhub_home.mkdir()
    with QueueClient(mlhub_home / "queue.db") as desk:
        desk.add([ArchiveRequest("https://a.example/", None, "c", tmp_path)])
    assert "1, and nothing runs the queue" in only(doctor.look_at_queue()).value


def test_a_locked_queue_is_said_not_waited_for(mlhub_home: Path) -> None:
    mlhub_home.mkdir()
    with QueueClient(mlhub_home / "queue.db"):
        pass
    holder = sqlite3.connect(mlhub_home / "queue.db", isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    try:
        findings = list(doctor.look_at_queue())
    finally:
        holder.close()
    assert findings


@pytest.mark.parametrize(
    ("environ", "name"),
    [
        ({"TERM": "xterm-256color", "TMUX": "x", "COLORTERM": "truecolor"}, "TERM in tmux"),
        ({"TERM": "tmux-256color", "TMUX": "x"}, "true colour in tmux"),
        ({"TERM": "screen", "STY": "x"}, "screen"),
        ({"TERM": "xterm"}, "colours"),
        ({"TERM": "screen", "TMUX": "x"}, "colours"),
    ],
)
def test_what_dims_a_terminal_is_said(environ: dict[str, str], name: str) -> None:
    assert name in [finding.name for finding in bad(doctor.look_at_terminal(DEFAULTS, environ))]


@pytest.mark.parametrize(
    ("environ", "colours"),
    [
        ({"TERM": "linux"}, "16"),
        ({"TERM": "xterm"}, "16"),
        ({"TERM": "xterm-16color"}, "16"),
        ({"TERM": "tmux-256color"}, "256"),
        ({"TERM": "xterm-kitty"}, "16 million"),
        ({"TERM": "alacritty"}, "16 million"),
        ({"TERM": "tmux-direct"}, "16 million"),
        ({"TERM": "alacritty", "COLORTERM": "truecolor"}, "16 million"),
    ],
)
def test_colours_are_those_that_are_drawn_in(environ: dict[str, str], colours: str) -> None:
    found = {finding.name: finding.value for finding in doctor.look_at_terminal(DEFAULTS, environ)}
    assert found["colours"] == colours


def test_the_terminal_is_told_in_words() -> None:
    environ = {"TERM": "xterm-256color", "COLORTERM": "truecolor", "SSH_TTY": "/dev/pts/0", "NO_COLOR": "1"}
    found = {finding.name: finding.value for finding in doctor.look_at_terminal(DEFAULTS, environ)}
    assert found["colours"] == "none (NO_COLOR)"
    assert found["ssh"].startswith("yes")
    assert "OSC 52" in found["clipboard"]


def test_proxies_and_certificates_are_told_without_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://me:hush@proxy.example:3128")
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/ca.pem")
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)
    findings = list(doctor.look_at_network())
    assert "hush" not in str(findings)
    assert any(f.name == "https proxy" and "proxy.example:3128" in f.value for f in findings)
    assert "/nowhere/ca.pem is not there" in only(findings).value


def diagnose(*arguments: str) -> Result:
    return CliRunner().invoke(root, ["doctor", *arguments], prog_name="mlhub-tui")


def test_the_doctor_asks_the_source_and_prints_no_secret(mlhub_home: Path, sample: SampleServer) -> None:
    options = ["--root-url", sample.root_url, "--api-key", sample.key]
    good = diagnose("--json", *options)
    found = json.loads(good.stdout)
    assert good.exit_code == (1 if [f for f in found if f["state"] == "wrong"] else 0)
    assert next(f for f in found if f["name"] == "answer")["state"] == "ok"
    assert sample.key not in good.output
    refused = diagnose("--root-url", sample.root_url, "--api-key", "wrong-key-wrong-key")
    assert refused.exit_code == 1
    assert "wrong-key-wrong-key" not in refused.output
    assert "x answer" in refused.stdout
    assert "-> " in refused.stdout


def test_a_source_that_is_away_is_wrong_with_a_way_on() -> None:
    result = diagnose("--json", "--root-url", "http://127.0.0.1:9/")
    answer = next(f for f in json.loads(result.stdout) if f["name"] == "answer")
    assert result.exit_code == 1
    assert answer["state"] == "wrong"
    assert answer["hint"]


def test_without_any_source_there_is_a_note_and_nothing_is_asked() -> None:
    found = json.loads(diagnose("--json").stdout)
    assert [f["state"] for f in found if f["part"] == "source"] == ["note"]
    assert not [f for f in json.loads(diagnose("--json", "--offline").stdout) if f["part"] == "source"]
