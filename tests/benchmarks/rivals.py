"""What other programs are measured with: 45 things in a tree each; and a bare Textual app."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

NUMBER = 45
"""As many as the sample catalog has datasets."""

BARE = f"""
from textual.app import App
from textual.widgets import Footer, Tree

class Bare(App):
    BINDINGS = [("q", "quit", "Quit")]

    def compose(self):
        tree = Tree("catalog")
        tree.root.expand()
        for number in range({NUMBER}):
            tree.root.add_leaf(f"entry-{{number:02}}")
        yield tree
        yield Footer()

Bare().run()
"""


def posting_collection(folder: Path) -> Path:
    """Return a folder of requests for posting."""
    collection = folder / "collection"
    collection.mkdir()
    for number in range(NUMBER):
        request = f"name: request-{number:02}\nurl: https://example.org/{number}\n"
        (collection / f"request-{number:02}.posting.yaml").write_text(request)
    return collection


def harlequin_catalog(folder: Path) -> Path:
    """Return a database with tables for harlequin."""
    database = folder / "tables.db"
    with closing(sqlite3.connect(database)) as connection:
        for number in range(NUMBER):
            connection.execute(f"create table entry_{number:02} (id integer, name text)")
        connection.commit()
    return database
