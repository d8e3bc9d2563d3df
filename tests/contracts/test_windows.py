"""Windows has no termios, fcntl and their like: nothing that starts there imports them."""

from __future__ import annotations

import subprocess
import sys

NOT_THERE = {"fcntl", "grp", "pty", "pwd", "resource", "termios", "tty"}
POSIX_ALONE = {"mlhub_tui.ui.terminal.driver", "mlhub_tui.cluster.worker"}
"""The driver, which is taken where Textual takes its own for POSIX, and what imports Dask's worker."""

PROGRAM = """
import importlib, pkgutil, sys
sys.modules.update(dict.fromkeys({not_there!r}))
import mlhub_tui
for module in pkgutil.walk_packages(mlhub_tui.__path__, "mlhub_tui."):
    if module.name not in {left_out!r} and not module.name.endswith("__main__"):
        importlib.import_module(module.name)
from mlhub_tui.cli import root
root(["--sample", "list", "datasets", "--text", "kenya"])
"""


def test_every_module_but_the_driver_is_imported_where_there_is_no_posix() -> None:
    program = PROGRAM.format(not_there=sorted(NOT_THERE), left_out=sorted(POSIX_ALONE))
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "kenya" in done.stdout.casefold()
