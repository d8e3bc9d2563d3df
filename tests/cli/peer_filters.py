"""Run by the peer library's interpreter: downloads a dataset of the sample once for each filter given."""

import json
import logging
import sys
from collections.abc import Callable
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import Any


def main() -> None:
    peer: Any = import_module("radiant_mlhub")
    logging.disable(logging.CRITICAL)
    folder = Path(sys.argv[1])
    for name, wish in json.loads(sys.stdin.read()).items():
        dataset = peer.Dataset.fetch(wish.pop("dataset"))
        if "datetime" in wish:
            moments = [datetime.fromisoformat(text) for text in wish["datetime"]]
            wish["datetime"] = moments[0] if len(moments) == 1 else tuple(moments)
        apart = wish.pop("apart", False)
        if apart:
            wish["asset_output_dir"] = folder / name / "assets"
        print(json.dumps([name, outcome(dataset.download, folder / name, wish)]))


def outcome(download: Callable[..., object], folder: Path, wish: dict[str, Any]) -> str:
    try:
        download(folder, **wish)
    except Exception as error:
        return type(error).__name__
    return ""


if __name__ == "__main__":
    main()
