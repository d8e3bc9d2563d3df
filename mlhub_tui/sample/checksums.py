"""The MD5 of every archive, made once and kept as package data: hashing hundreds of megabytes takes seconds.

`python -m mlhub_tui.sample.checksums` writes `data/checksums.json` again; it is due when an archive's
fingerprint has changed. An archive whose fingerprint the file does not have is served without a Content-MD5.
"""

from __future__ import annotations

import base64
import hashlib
import json
from importlib.resources import files
from pathlib import Path

from .archives import Archive
from .catalogue import load

_NAME = "checksums.json"


def read() -> dict[str, str]:
    """Return MD5 sums in base64 (RFC 1864) by archive fingerprint."""
    file = files(__package__) / "data" / _NAME
    sums: dict[str, str] = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    return sums


def md5_of(archive: Archive) -> str:
    """Return an archive's MD5 in base64, by making all of it."""
    digest = hashlib.md5(usedforsecurity=False)
    for chunk in archive.chunks(0, archive.size):
        digest.update(chunk)
    return base64.b64encode(digest.digest()).decode()


def main() -> None:
    """Write the file of sums for every archive of the catalogue, keeping those that are known already."""
    known, sums = read(), {}
    catalogue = load()
    for entry in catalogue.collections.values():
        if entry.archive_size is not None:
            archive = Archive(entry, catalogue.datasets[entry.dataset])
            sums[archive.fingerprint] = known.get(archive.fingerprint) or md5_of(archive)
    target = Path(str(files(__package__))) / "data" / _NAME
    target.write_text(json.dumps(sums, indent=0) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
