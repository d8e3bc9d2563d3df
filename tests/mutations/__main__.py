"""Change one operator, constant or condition at a time, and see whether the tests that run the line notice.

`python -m tests.mutations --sample 200 --seed 1 [downloads http auth text mlhub_tui/transfer ...]`
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue

from .mutants import Mutant, mutants_of

ROOT = Path(__file__).parents[2]
_HTTP = ("http", "network", "retry", "paging", "failures", "cache", "hrefs")
PACKAGES = {
    "downloads": ["downloads", "transfer", "queue"],
    "http": ["http", *(f"sources/{name}.py" for name in _HTTP)],
    "auth": ["auth", "profiles", "sources/proof.py", "sources/origin.py"],
    "text": ["text.py"],
}
_FOLDERS = ("api", "cli", "doctor", "downloads", "faults", "models", "sources")
TESTS = [f"tests/{name}" for name in _FOLDERS] + [
    f"tests/{p.name}" for p in (ROOT / "tests").glob("test_*.py")
]
SECONDS = 40.0
"""Of tests that are run for a mutant, as they took when they were mapped; the special ones come first."""
OUTCOMES = ("caught", "timed out", "survived", "not covered")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutations", description=__doc__.splitlines()[0])
    parser.add_argument(
        "packages", nargs="*", help=f"{', '.join(PACKAGES)}, or a path (default: all of these)"
    )
    parser.add_argument("--sample", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--map", type=Path, default=ROOT / ".pytest_cache" / "mutations.json")
    parser.add_argument("--tests", nargs="+", default=TESTS, help="what is mapped")
    parser.add_argument("--again", action="store_true", help="map the tests again")
    parser.add_argument("--left-out", action="store_true", help="list what is left out, with the reasons")
    chosen = parser.parse_args()
    everything = [m for path in _modules(chosen.packages or list(PACKAGES)) for m in mutants_of(path, ROOT)]
    wanted = [mutant for mutant in everything if not mutant.skip]
    left_out = Counter(mutant.skip for mutant in everything if mutant.skip)
    for reason, count in left_out.most_common():
        print(f"{count:5} left out: {reason}")
    if chosen.left_out:
        for mutant in everything:
            if mutant.skip:
                print(f"{mutant.path}:{mutant.line}: {mutant.skip}")
        return 0
    sample = random.Random(chosen.seed).sample(wanted, min(chosen.sample, len(wanted)))
    print(f"{len(sample)} of {len(wanted)} mutants, seed {chosen.seed}", flush=True)
    if chosen.again or not chosen.map.is_file():
        _map_tests(chosen.map, chosen.workers, chosen.tests)
    return _report(sample, _Map(json.loads(chosen.map.read_text())), chosen.workers)


def _modules(names: list[str]) -> Iterator[Path]:
    for name in names:
        places = [ROOT / "mlhub_tui" / part for part in PACKAGES.get(name, [])] or [ROOT / name]
        for place in places:
            yield from sorted(place.rglob("*.py")) if place.is_dir() else [place] if place.is_file() else []


def _environment(root: Path) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(root)}


def _pytest(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments]


def _map_tests(path: Path, workers: int, tests: list[str]) -> None:
    """Run the tests once and keep which line each of them runs."""
    print("+ map the tests", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        there = [name for name in tests if (ROOT / name).exists()]
        leave_out = "not (slow or servers or ssh or cluster or terminal)"
        command = _pytest("-p", "tests.mutations.covering", "-n", str(workers), "-m", leave_out, *there)
        subprocess.run(command, cwd=ROOT, env={**_environment(ROOT), "MUTATIONS_MAP": folder}, check=False)
        lines: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
        seconds: dict[str, float] = {}
        for part in Path(folder).glob("*.json"):
            made = json.loads(part.read_text())
            seconds.update(made["seconds"])
            for file, by_line in made["lines"].items():
                for line, tests in by_line.items():
                    lines[file][line] += [test for test in tests if test]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"lines": lines, "seconds": seconds}))


class _Map:
    """Which tests run a line."""

    def __init__(self, made: dict[str, dict[str, dict[str, list[str]]]]) -> None:
        self._lines = made["lines"]
        self._seconds: dict[str, float] = made["seconds"]  # type: ignore[assignment]
        self._breadth = Counter(t for file in self._lines.values() for tests in file.values() for t in tests)

    def tests(self, mutant: Mutant) -> tuple[list[str], float]:
        """Return tests that run a line, the ones that run little else first, and their seconds.

        What runs when the module is imported is tried with the tests that run anything in it.
        """
        in_file = self._lines.get(mutant.path, {})
        found = set(in_file.get(str(mutant.line), [])) or {
            test for tests in in_file.values() for test in tests
        }
        chosen: list[str] = []
        total = 0.0
        for test in sorted(found, key=lambda test: (self._breadth[test], test)):
            total += self._seconds.get(test, 1.0)
            if chosen and total > SECONDS:
                break
            chosen.append(test)
        return chosen, min(total, SECONDS)


class _Copy:
    """A copy of the tree in which mutants are tried."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "project"
        names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
        for name in filter(None, names.decode().split("\0")):
            if (ROOT / name).is_file():
                (self.root / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, self.root / name)
        if (ROOT.parent / "shared").is_dir():
            (folder / "shared").symlink_to(ROOT.parent / "shared")
        self._changes = int(time.time())

    def try_out(self, mutant: Mutant, tests: list[str], seconds: float) -> str:
        """Return what the tests say of a mutant: caught, survived or timed out."""
        path = self.root / mutant.path
        source = path.read_bytes()
        listed = self.root.parent / "tests.txt"
        listed.write_text("\n".join(tests) + "\n")
        self._write(path, mutant.apply(source))
        command = _pytest("-n", "0", "-x", "-q", "--no-header", "--tb=no", "--timeout=60", f"@{listed}")
        running = subprocess.Popen(
            command,
            cwd=self.root,
            env=_environment(self.root),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            return "survived" if running.wait(60 + 4 * seconds) == 0 else "caught"
        except subprocess.TimeoutExpired:
            return "timed out"
        finally:
            _end(running)
            self._write(path, source)

    def _write(self, path: Path, source: bytes) -> None:
        """Write a module with a time of its own, so that no compiled one is taken for it."""
        path.write_bytes(source)
        self._changes += 2
        os.utime(path, (self._changes, self._changes))


def _end(process: subprocess.Popen[bytes]) -> None:
    if hasattr(os, "killpg"):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.wait()


def _report(sample: list[Mutant], covering: _Map, workers: int) -> int:
    """Try the mutants, print those that nothing noticed, and the table."""
    outcomes: Counter[str] = Counter()
    by_package: dict[str, Counter[str]] = defaultdict(Counter)
    with tempfile.TemporaryDirectory(prefix="mutations-") as folder, ThreadPoolExecutor(workers) as pool:
        copies: SimpleQueue[_Copy] = SimpleQueue()
        for number in range(workers):
            copies.put(_Copy(Path(folder) / str(number)))

        def one(mutant: Mutant) -> tuple[Mutant, str]:
            tests, seconds = covering.tests(mutant)
            if not tests:
                return mutant, "not covered"
            copy = copies.get()
            try:
                return mutant, copy.try_out(mutant, tests, seconds)
            finally:
                copies.put(copy)

        for mutant, outcome in pool.map(one, sample):
            outcomes[outcome] += 1
            by_package["/".join(Path(mutant.path).parts[1:3])][outcome] += 1
            if outcome in ("survived", "not covered"):
                diff = mutant.diff((ROOT / mutant.path).read_bytes())
                print(f"{outcome}: {mutant.path}:{mutant.line}\n{diff}", flush=True)
    print(f"\n| package | {' | '.join(OUTCOMES)} |\n| --- |{' ---: |' * len(OUTCOMES)}")
    for package, counts in sorted(by_package.items()):
        print(f"| {package} | {' | '.join(str(counts[outcome]) for outcome in OUTCOMES)} |")
    noticed = outcomes["caught"] + outcomes["timed out"]
    print(f"\n{noticed} of {len(sample)} caught: {noticed / max(len(sample), 1):.0%}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
