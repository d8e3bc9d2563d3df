"""The log of --debug: it says what happens, and never a key."""

from __future__ import annotations

import base64
import logging
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from mlhub_tui import debug
from mlhub_tui.auth import ProfilesFile
from mlhub_tui.sample.server import SampleServer

SECRET = "s3cr3t-k3y/with+odd=signs"


def written(formatter: debug.Clean, message: str, *args: object) -> str:
    return formatter.format(logging.LogRecord("name", logging.INFO, "", 0, message, args, None))


@pytest.mark.parametrize(
    "message",
    [
        f"sends {SECRET} there",
        "GET https://example.org/?key=s3cr3t-k3y%2Fwith%2Bodd%3Dsigns&x=1",
        f"Authorization: Bearer {SECRET}",
        f"Authorization: Basic {base64.b64encode(b'me:hush-hush').decode()}",
        f"(b'Set-Cookie', b'session={SECRET}; Path=/')",
        f"{{'X-Api-Key': '{SECRET}'}}",
        f"Location: https://blob.example.org/a?sig={SECRET}&se=2024",
        f"https://me:{SECRET}@example.org/",
    ],
)
def test_no_message_shows_a_secret(message: str) -> None:
    line = written(debug.Clean([SECRET, "me:hush-hush"]), message)
    for form in (SECRET, "s3cr3t", base64.b64encode(b"me:hush-hush").decode(), "hush"):
        assert form not in line


def test_headers_are_cut_out_even_where_nobody_knows_the_secret() -> None:
    clean = debug.Clean()
    assert "abc123" not in written(clean, "Authorization: Bearer abc123")
    assert "abc123" not in written(clean, "[(b'Set-Cookie', b'a=abc123'), (b'Server', b'nginx')]")
    assert "nginx" in written(clean, "[(b'Set-Cookie', b'a=abc123'), (b'Server', b'nginx')]")


def test_what_the_profiles_hold_is_cut_out_also_after_they_changed(
    mlhub_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clean = debug.Clean()
    assert "a-token-from-a-file" in written(clean, "a-token-from-a-file")
    mlhub_home.mkdir()
    monkeypatch.setenv("MINE_TOKEN", "a-token-from-a-variable")
    (mlhub_home / "profiles").write_text(
        "[default]\napi_key = a-key-from-a-file\n[a]\nkind = stac-api\nroot_url = https://a.example/\n"
        "token = a-token-from-a-file\n[b]\nkind = stac-api\nroot_url = https://b.example/\n"
        "token_env = MINE_TOKEN\n[c]\nkind = stac-api\nroot_url = https://c.example/\n"
        "user = me\npassword = a-password\n"
    )
    assert set(ProfilesFile.load().names()) == {"default", "a", "b", "c"}
    packed = base64.b64encode(b"me:a-password").decode()
    line = written(
        clean,
        f"a-key-from-a-file a-token-from-a-file a-token-from-a-variable a-password {packed} MINE_TOKEN",
    )
    assert line.endswith("**** **** **** **** **** MINE_TOKEN")


def test_tracebacks_are_clean_and_indented() -> None:
    clean = debug.Clean([SECRET])
    try:
        raise ValueError(f"refused {SECRET}\x1b[2J")
    except ValueError as error:
        record = logging.LogRecord("n", logging.ERROR, "", 0, "failed", (), (type(error), error, None))
    lines = clean.format(record).splitlines()
    assert len(lines) > 1
    assert all(line.startswith("    ") for line in lines[1:])
    assert SECRET not in "".join(lines)
    assert "\x1b" not in "".join(lines)


def run(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mlhub_tui", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, **environ},
        check=False,
    )


def test_a_command_logs_its_requests_for_its_owner_alone_and_without_the_key(
    mlhub_home: Path, sample: SampleServer
) -> None:
    connection = ["--api-key", sample.key, "--root-url", sample.root_url]
    done = run("--debug", *connection, "list", "items", "ref_african_crops_kenya_02_labels", "--limit", "1")
    assert done.returncode == 0, done.stderr
    log = mlhub_home / "log" / "debug.log"
    text = log.read_text()
    assert f"GET {sample.root_url}" in text
    assert "headers: {'" in text
    assert sample.key not in text
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    done = run(*connection, "show", "collection", "nowhere", MLHUB_DEBUG="1")
    assert done.returncode == 1
    assert "Traceback" in log.read_text()
    assert "EntityDoesNotExist" in log.read_text()
    assert sample.key not in log.read_text()


def test_without_debug_there_is_no_log(mlhub_home: Path) -> None:
    assert run("locate").returncode == 0
    assert not mlhub_home.exists()


def test_the_log_rotates(mlhub_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(debug, "BYTES", 2000)
    root, level = logging.getLogger(), logging.getLogger().level
    before = [*root.handlers]
    try:
        assert debug.start(["x"]) == mlhub_home / "log" / "debug.log"
        for number in range(100):
            logging.getLogger("test").info("line %s of many that fill a file", number)
        debug.hide("typed-just-now")
        logging.getLogger("test").info("typed-just-now")
    finally:
        for handler in [h for h in root.handlers if h not in before]:
            root.removeHandler(handler)
            handler.close()
        root.setLevel(level)
    files = sorted(path.name for path in (mlhub_home / "log").iterdir())
    assert files == ["debug.log", *(f"debug.log.{n}" for n in range(1, debug.FILES + 1))]
    assert "typed-just-now" not in (mlhub_home / "log" / "debug.log").read_text()
