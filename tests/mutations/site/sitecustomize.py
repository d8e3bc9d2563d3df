"""Save twice a second what is measured of a process that a test starts, as tests kill their processes."""

import os
import threading
import time
from contextlib import suppress

if os.environ.get("COVERAGE_PROCESS_START") and os.environ.get("MUTATIONS_TEST"):
    import coverage

    def _save(measured: coverage.Coverage) -> None:
        while True:
            time.sleep(0.5)
            with suppress(Exception):
                measured.save()

    if measured := getattr(coverage.process_startup, "coverage", None):
        threading.Thread(target=_save, args=(measured,), daemon=True).start()
