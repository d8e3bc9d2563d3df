"""`mlhub-tui configure`: as the seed library's command, and careful with what is there."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest

from mlhub_tui.auth import ProfilesFile

from .conftest import Command, Run, command_line

KEY = "0123456789abcdef"


def test_a_key_is_stored_and_the_path_printed(run: Run, mlhub_home: Path) -> None:
    result = run("configure", "--api-key", KEY)
    path = mlhub_home / "profiles"
    assert (result.exit_code, result.stdout) == (0, f"Wrote profile to {path}\n")
    assert path.read_text() == f"[default]\napi_key = {KEY}\n"
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("before", [True, False])
def test_the_profile_and_root_url_may_be_given_before_or_after(run: Run, before: bool) -> None:
    options = ("--profile", "project1", "--root-url", "https://x.example/v1")
    arguments = (*options, "configure") if before else ("configure", *options)
    assert run(*arguments, "--api-key", KEY).exit_code == 0
    profile = ProfilesFile.load().get("project1")
    assert (profile.api_key, profile.root_url) == (KEY, "https://x.example/v1/")


def test_a_stored_key_is_overwritten_only_after_a_yes(run: Run, mlhub_home: Path) -> None:
    run("configure", "--api-key", KEY)
    before = (mlhub_home / "profiles").read_bytes()
    refused = run("configure", "--api-key", "another", input="n\n", code=1)
    assert "Overwrite existing API Key (****cdef)" in refused.output
    assert KEY not in refused.output
    assert (mlhub_home / "profiles").read_bytes() == before
    assert run("configure", "--api-key", "another", input="y\n").exit_code == 0
    assert ProfilesFile.load().get("default").api_key == "another"


def test_a_key_can_be_piped_in(command: Command, mlhub_home: Path) -> None:
    done = command("configure", stdin=f"{KEY}\n")
    assert (done.returncode, done.stdout) == (0, f"Wrote profile to {mlhub_home / 'profiles'}\n")
    assert ProfilesFile.load().get("default").api_key == KEY
    assert command("configure", stdin="second-key\n").returncode == 1
    assert command("configure", stdin="second-key\ny\n").returncode == 0
    assert ProfilesFile.load().get("default").api_key == "second-key"


@pytest.mark.parametrize("stdin", ["", "\n", "  \n"])
def test_no_key_writes_nothing(command: Command, mlhub_home: Path, stdin: str) -> None:
    assert command("configure", stdin=stdin).returncode in (1, 2)
    assert not mlhub_home.exists()


@pytest.mark.parametrize(
    "arguments",
    [("--profile", "a]b"), ("--profile", ""), ("--root-url", "x.example"), ("--profile", "__anonymous__")],
)
def test_what_cannot_be_stored_is_refused_before_the_question(
    run: Run, mlhub_home: Path, arguments: tuple[str, ...]
) -> None:
    run("configure", *arguments, input=f"{KEY}\n", code=2)
    assert not mlhub_home.exists()


def test_a_broken_file_is_left_alone(run: Run, mlhub_home: Path) -> None:
    mlhub_home.mkdir()
    (mlhub_home / "profiles").write_text("[a]\n[a]\n")
    result = run("configure", "--api-key", KEY, code=3)
    assert "line 2" in result.stderr
    assert (mlhub_home / "profiles").read_text() == "[a]\n[a]\n"


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_a_typed_key_is_not_echoed() -> None:
    import pexpect

    name, *arguments = command_line("configure")
    child = pexpect.spawn(name, arguments, encoding="utf-8", timeout=60)
    child.expect("API Key: ")
    child.sendline(KEY)
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0
    assert KEY not in child.before
    assert ProfilesFile.load().get("default").api_key == KEY


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_ctrl_c_at_the_question_writes_nothing(mlhub_home: Path) -> None:
    import pexpect

    name, *arguments = command_line("configure")
    child = pexpect.spawn(name, arguments, encoding="utf-8", timeout=60)
    child.expect("API Key: ")
    child.sendintr()
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 130
    assert not mlhub_home.exists()
