"""Change one operator, constant or condition at a time, and see whether the tests that run the line notice.

`python -m tests.mutations [downloads http auth text mlhub_tui/transfer ...] --sample 200 --seed 1`

The quick tests are mapped once: which lines each runs, also in the processes that it starts. The map is kept,
and moved along with the lines of a module that changes; modules of tests that have new ones are mapped again,
tests that are no more are left out, and `--again tests/x` maps a part of the tests again in any case. A
mutant is tried with the tests that run its line, until one fails: first those of its own package, and among
these the ones that run little besides its module. Where all pass, and the module has tests that need
processes of their own (`MORE`), those follow. `--left-out` lists what is not tried, with the reasons.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from difflib import SequenceMatcher
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from .covering import Lines, lines_of_processes
from .mutants import Mutant, mutants_of

ROOT = Path(__file__).parents[2]

PACKAGES = {
    "downloads": ["transfer", "queue", "planning", "unpack", "cluster"],
    "http": ["http"],
    "auth": ["auth"],
    "text": ["text.py"],
}
_APART = ("benchmarks", "contracts", "mutations", "support", "ssh", "servers", "terminal", "ui")
TESTS = [
    path.relative_to(ROOT).as_posix()
    for path in sorted((ROOT / "tests").iterdir())
    if (path.is_dir() and path.name not in (*_APART, "__pycache__")) or path.match("test_*.py")
]
MARKED = "not (slow or cluster or servers or ssh or terminal)"
"""Tests that are not mapped: they take long, or need what a machine may not have."""
NEAR = {"transfer": ("tests/transfer/", "tests/queue/"), "text.py": ("tests/test_text.py",)}
"""The tests of a package where they are not, or not all, in the folder of its name."""
_CLUSTER = ["-m", "cluster", "tests/cluster/test_upload.py", "tests/cluster"]
MORE = {"mlhub_tui/cluster/": _CLUSTER, "mlhub_tui/transfer/object_store_output.py": _CLUSTER}
"""Tests of modules that a map does not tell apart, as processes serve several of them; quick ones first."""
MORE_SECONDS = 300.0
SECONDS = 60.0
"""Of tests that are run for a mutant, as they took when they were mapped; the special ones come first."""
LONG = 3.0
"""Seconds of a test that comes after the shorter ones."""
_FAILED = re.compile(r"^(?:FAILED|ERROR) (tests/.+?)(?: - .*)?$", re.M)
_QUIET = ["-p", "no:cacheprovider", "-n", "0", "-q", "-rfE", "--no-header", "--tb=no", "--timeout=60"]
OUTCOMES = ("caught", "timed out", "doubtful", "survived", "not covered")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutations", description=__doc__.splitlines()[0])
    parser.add_argument(
        "packages", nargs="*", help=f"{', '.join(PACKAGES)}, or a path (default: all of these)"
    )
    parser.add_argument("--sample", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=min(2, os.cpu_count() or 1))
    parser.add_argument("--map", type=Path, default=ROOT / ".pytest_cache" / "mutations.json")
    parser.add_argument("--again", nargs="*", metavar="TESTS", help="map these tests again (default: all)")
    parser.add_argument("--without", nargs="+", default=[], metavar="PATH", help="modules left out")
    parser.add_argument("--left-out", action="store_true", help="list what is left out, with the reasons")
    parser.add_argument("--table", type=Path, help="where the survivors and the table are written too")
    chosen = parser.parse_args()
    if hasattr(os, "nice"):
        os.nice(19)
    modules = [
        path
        for path in _modules(chosen.packages or list(PACKAGES))
        if not any(path.is_relative_to(ROOT / part) for part in chosen.without)
    ]
    everything = [mutant for path in modules for mutant in mutants_of(path, ROOT)]
    wanted = [mutant for mutant in everything if not mutant.skip]
    if chosen.left_out:
        for mutant in everything:
            if mutant.skip:
                diff = mutant.diff((ROOT / mutant.path).read_bytes())
                print(f"{mutant.path}:{mutant.line}: {mutant.skip}\n{diff}")
        return 0
    there = _collected()
    if chosen.again is not None or not chosen.map.is_file():
        _map_tests(chosen.map, chosen.workers, chosen.again or [])
    mapped = _read(chosen.map)
    if new := there - mapped["seconds"].keys():
        _map_tests(chosen.map, chosen.workers, sorted({test.split("::")[0] for test in new}))
        mapped = _read(chosen.map)
    sample = random.Random(chosen.seed).sample(wanted, min(chosen.sample, len(wanted)))
    say = _Told(chosen.table)
    for reason, count in Counter(mutant.skip for mutant in everything if mutant.skip).most_common():
        say(f"{count:5} left out: {reason}")
    say(f"{len(sample)} of {len(wanted)} mutants, seed {chosen.seed}\n")
    _report(sample, _Map(mapped, there), chosen.workers, say)
    return 0


class _Told:
    """What is printed, and written to a file where one is named."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        if path:
            path.write_text("")

    def __call__(self, text: str) -> None:
        print(text, flush=True)
        if self._path:
            with self._path.open("a") as file:
                file.write(text + "\n")


def _modules(names: list[str]) -> Iterator[Path]:
    for name in names:
        places = [ROOT / "mlhub_tui" / part for part in PACKAGES.get(name, [])] or [ROOT / name]
        for place in places:
            yield from sorted(place.rglob("*.py")) if place.is_dir() else [place] if place.is_file() else []


def _environment(root: Path) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(root)}


def _pytest(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments]


def _collected() -> set[str]:
    """Return the quick tests that there are: pytest runs none where one that is named is not there."""
    command = _pytest("--collect-only", "-n", "0", "-m", MARKED, *TESTS)
    done = subprocess.run(
        command, cwd=ROOT, env=_environment(ROOT), stdout=subprocess.PIPE, text=True, check=True
    )
    return {line for line in done.stdout.splitlines() if "::" in line}


def _read(path: Path) -> dict[str, Any]:
    """Return a map of tests; in the file, tests are numbers, as each is named a thousand times."""
    made: dict[str, Any] = json.loads(path.read_text())
    names = list(made["seconds"])
    made["lines"] = {
        file: {line: [names[number] for number in tests] for line, tests in by_line.items()}
        for file, by_line in made["lines"].items()
    }
    return made


def _map_tests(path: Path, workers: int, tests: list[str]) -> None:
    """Run tests once and keep which line each of them runs, here and in the processes that it starts."""
    print("+ map the tests", flush=True)
    lines: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    seconds: dict[str, float] = {}
    if tests and path.is_file():
        kept = _read(path)
        seconds |= {test: s for test, s in kept["seconds"].items() if not test.startswith(tuple(tests))}
        for file, by_line in kept["lines"].items():
            now = _lines_now(kept["sources"].get(file, ""), ROOT / file)
            there = {str(now[int(line)]): names for line, names in by_line.items() if int(line) in now}
            _add(lines, {file: there}, leave_out=lambda test: test not in seconds)
    with tempfile.TemporaryDirectory() as folder:
        command = _pytest(
            "-p",
            "tests.mutations.covering",
            "-n",
            str(workers),
            "-m",
            MARKED,
            "--tb=short",
            *(tests or TESTS),
        )
        subprocess.run(command, cwd=ROOT, env={**_environment(ROOT), "MUTATIONS_MAP": folder}, check=False)
        made = [json.loads(part.read_text()) for part in Path(folder).glob("*.json")]
        failed = {test for part in made for test in part["failed"]}
        for part in made:
            seconds |= part["seconds"]
        for found in (*(part["lines"] for part in made), *lines_of_processes(Path(folder))):
            _add(lines, found, leave_out=failed.__contains__)
    path.parent.mkdir(parents=True, exist_ok=True)
    number = {test: at for at, test in enumerate(seconds)}
    written = {
        "lines": {
            file: {line: sorted(number[test] for test in tests) for line, tests in by_line.items()}
            for file, by_line in lines.items()
        },
        "seconds": seconds,
        "sources": {file: (ROOT / file).read_text() for file in lines if (ROOT / file).is_file()},
    }
    path.write_text(json.dumps(written))


def _lines_now(before: str, path: Path) -> dict[int, int]:
    """Return where the lines of a module are that are as they were when the tests were mapped."""
    now = path.read_text() if path.is_file() else ""
    if before == now:
        return {line: line for line in range(1, now.count("\n") + 2)}
    blocks = SequenceMatcher(
        None, before.splitlines(), now.splitlines(), autojunk=False
    ).get_matching_blocks()
    return {block.a + n + 1: block.b + n + 1 for block in blocks for n in range(block.size)}


def _add(lines: dict[str, dict[str, set[str]]], found: Lines, leave_out: Callable[[str], bool]) -> None:
    for file, by_line in found.items():
        for line, tests in by_line.items():
            lines[file][line].update(test for test in tests if test and not leave_out(test))


class _Map:
    """Which of the tests that there are run a line."""

    def __init__(self, made: dict[str, Any], there: set[str]) -> None:
        self._there = there
        self._lines: Lines = made["lines"]
        self._seconds: dict[str, float] = made["seconds"]
        self._sources: dict[str, str] = made["sources"]
        self._breadth = Counter(t for file in self._lines.values() for tests in file.values() for t in tests)

    def tests(self, mutant: Mutant) -> tuple[list[str], float]:
        """Return tests that run a line, those of its package first, and their seconds.

        What runs when the module is imported is tried with the tests that run anything in it.
        """
        in_file = self._lines.get(mutant.path, {})
        shares = Counter(test for tests in in_file.values() for test in tests)
        found = set(shares) if mutant.imported else self._at(mutant)
        chosen: list[str] = []
        total = 0.0

        package = mutant.path.split("/")[1]
        near = NEAR.get(package, (f"tests/{package}/",))

        def rank(test: str) -> tuple[bool, bool, float, str]:
            far = not test.startswith(near)
            return self._seconds.get(test, 1.0) > LONG, far, -shares[test] / self._breadth[test], test

        for test in sorted(found & self._there, key=rank):
            total += self._seconds.get(test, 1.0)
            if chosen and total > SECONDS:
                break
            chosen.append(test)
        return chosen, min(total, SECONDS)

    def _at(self, mutant: Mutant) -> set[str]:
        """Return the tests that run a mutant's line, or the lines of its statement before it."""
        in_file = self._lines.get(mutant.path, {})
        then = {
            now: line
            for line, now in _lines_now(self._sources.get(mutant.path, ""), ROOT / mutant.path).items()
        }
        if mutant.statement not in then:  # changed since
            return {test for tests in in_file.values() for test in tests}
        lines = range(mutant.line, mutant.statement - 1, -1)
        return next((set(found) for line in lines if (found := in_file.get(str(then.get(line, ""))))), set())


class _Copy:
    """A copy of the tree in which mutants are tried."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "project"
        names = subprocess.run(
            ["git", "ls-files", "-zco", "--exclude-standard"], cwd=ROOT, capture_output=True, check=True
        ).stdout
        for name in filter(None, names.decode().split("\0")):
            if (ROOT / name).is_file():
                (self.root / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, self.root / name)
        if (ROOT.parent / "shared").is_dir():
            (folder / "shared").symlink_to(ROOT.parent / "shared")
        self._changes = int(time.time())
        self._server = subprocess.Popen(
            [sys.executable, "-m", "tests.mutations.server"],
            cwd=self.root,
            env=_environment(self.root),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def try_out(self, mutant: Mutant, tests: list[str], seconds: float) -> tuple[str, str]:
        """Return what the tests say of a mutant: caught, survived or timed out; and the test that failed."""
        path = self.root / mutant.path
        source = path.read_bytes()
        self._write(path, mutant.apply(source))
        try:
            code, failed = self._run(tests, 60 + 4 * seconds, "-x")
        finally:
            self._write(path, source)
        if code is None:
            return "timed out", ""
        return "survived" if code == 0 else "caught", failed[0] if failed else ""

    def failing(self, tests: list[str]) -> set[str]:
        """Return which tests fail where nothing is changed."""
        return set(self._run(tests, 3600)[1]) if tests else set()

    def close(self) -> None:
        """End the process that runs the tests."""
        assert self._server.stdin
        self._server.stdin.close()
        self._server.wait()

    def _run(self, tests: list[str], patience: float, *options: str) -> tuple[int | None, list[str]]:
        """Return the exit code of tests, None where they take too long, and those that failed."""
        assert self._server.stdin
        assert self._server.stdout
        listed, output = self.root.parent / "tests.txt", self.root.parent / "output.txt"
        listed.write_text("\n".join(tests) + "\n")
        arguments = [*_QUIET, *options, f"@{listed}"]
        self._server.stdin.write(json.dumps([arguments, str(output)]) + "\n")
        self._server.stdin.flush()
        child = int(self._server.stdout.readline())
        late = threading.Event()

        def end() -> None:
            late.set()
            os.killpg(child, signal.SIGKILL)

        timer = threading.Timer(patience, end)
        timer.start()
        code = int(self._server.stdout.readline())
        timer.cancel()
        with suppress(ProcessLookupError):  # what the tests left running
            os.killpg(child, signal.SIGKILL)
        failed = [found[1] for found in _FAILED.finditer(output.read_text(errors="replace"))]
        return None if late.is_set() else code, failed

    def _write(self, path: Path, source: bytes) -> None:
        """Write a module with a time of its own, so that no compiled one is taken for it."""
        path.write_bytes(source)
        self._changes += 2
        os.utime(path, (self._changes, self._changes))


def _report(sample: list[Mutant], covering: _Map, workers: int, say: Callable[[str], None]) -> None:
    """Try the mutants, print those that nothing noticed, and the table."""
    outcomes: dict[Mutant, str] = {}
    failed: dict[Mutant, str] = {}
    with tempfile.TemporaryDirectory(prefix="mutations-") as folder, ThreadPoolExecutor(workers) as pool:
        copies: SimpleQueue[_Copy] = SimpleQueue()
        for number in range(workers):
            copies.put(_Copy(Path(folder) / str(number)))

        def one(mutant: Mutant) -> tuple[Mutant, str, str]:
            tests, seconds = covering.tests(mutant)
            more = next((tests for path, tests in MORE.items() if mutant.path.startswith(path)), [])
            copy = copies.get()
            try:
                outcome, test = copy.try_out(mutant, tests, seconds) if tests else ("not covered", "")
                if more and outcome in ("survived", "not covered"):
                    outcome, test = copy.try_out(mutant, more, MORE_SECONDS)
                return mutant, outcome, test
            finally:
                copies.put(copy)

        for mutant, outcome, test in pool.map(one, sample):
            outcomes[mutant] = outcome
            if test:
                failed[mutant] = test
            if outcome in ("survived", "not covered"):
                diff = mutant.diff((ROOT / mutant.path).read_bytes())
                say(f"{outcome}: {mutant.path}:{mutant.line}\n{diff}")
        first, *others = (copies.get() for _ in range(workers))
        unsound = first.failing(sorted(set(failed.values())))
        for copy in (first, *others):
            copy.close()
    for mutant, test in failed.items():
        if test in unsound:
            outcomes[mutant] = "doubtful"
            say(f"doubtful: {mutant.path}:{mutant.line}: {test} fails without it too")
    by_package: dict[str, Counter[str]] = defaultdict(Counter)
    for mutant, outcome in outcomes.items():
        by_package["/".join(Path(mutant.path).parts[1:3])][outcome] += 1
    say(f"\n| package | {' | '.join(OUTCOMES)} |\n| --- |{' ---: |' * len(OUTCOMES)}")
    for package, counts in sorted(by_package.items()):
        say(f"| {package} | {' | '.join(str(counts[outcome]) for outcome in OUTCOMES)} |")
    noticed = sum(outcome in ("caught", "timed out") for outcome in outcomes.values())
    say(f"\n{noticed} of {len(sample)} caught: {noticed / max(len(sample), 1):.0%}")


if __name__ == "__main__":
    sys.exit(main())
