"""The words that people read: phrases that nobody searches for may not come back."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

import mlhub_tui

from .parsed import nodes

pytestmark = pytest.mark.xdist_group("parsed")

PACKAGE = Path(mlhub_tui.__file__).parent
README = PACKAGE.parent / "README.md"

PHRASES = {
    r"go(es|ing)? on|went on": "resume, continue, restart",
    r"anew": "again, re-",
    r"mend(s|ed|ing)?": "fix",
    r"(is|are|was|were) (said|told)": "shows, reports",
    r"(say|says|said|saying) of": "shows, reports",
    r"what (is there|there is)": "existing files, contents",
    r"is kept|are kept|kept": "saved, cached",
    r"takes? the key": "accept the key",
    r"sift(s|ed|ing)?": "filtered locally",
    r"heed(s|ed|ing)?": "follow, apply",
    r"such as it is": "(leave out)",
    r"who asks|whoever": "the client, the process",
    r"fault of the program": "a bug",
    r"made (as|when it is) needed": "created if missing",
    r"goes before": "overrides",
    r"nobody is asked": "not contacted",
    r"look closer|see more around": "zoom in, zoom out",
    r"read again what was said": "message history",
    r"free there": "free space",
    r"its name is not known": "host not found (DNS)",
    r"what arrived is not": "checksum mismatch",
    r"give transfers up": "cancel transfers",
    r"seed library": "radiant_mlhub",
    r"catalogues?": "catalog, as STAC spells it",
    r"favorites?|behaviors?|neighbors?|gray|(un)?labeled|cancel(ed|ing)|artifacts?": "British spelling",
    r"\w*(recogn|normal|organ|serial|initial|summar|minim|author)iz(e[ds]?|ing)": "British spelling",
}
PATTERN = re.compile("|".join(rf"\b(?:{phrase})\b" for phrase in PHRASES), re.IGNORECASE)


def texts(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the strings, docstrings and comments of a module, with their lines."""
    source = path.read_text(encoding="utf-8")
    for node in nodes(path):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


def unusual(text: str) -> list[str]:
    """Return the phrases in a text, over the ends of its lines; names in backquotes are left out."""
    return [match[0] for match in PATTERN.finditer(" ".join(re.sub("`[^`]*`", "``", text).split()))]


def test_no_string_docstring_or_comment_uses_a_phrase_that_nobody_searches_for() -> None:
    found = [
        f"{path.relative_to(PACKAGE)}:{line}: {phrase!r} in {text[:80]!r}"
        for path in sorted(PACKAGE.rglob("*.py"))
        for line, text in texts(path)
        for phrase in unusual(text)
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("path", sorted([*(PACKAGE / "manual").glob("*.md"), README]), ids=lambda p: p.name)
def test_no_page_of_the_manual_does_either(path: Path) -> None:
    if not path.exists():
        pytest.skip("a wheel has no README")
    assert unusual(path.read_text(encoding="utf-8")) == []


def test_the_scan_sees_such_phrases_in_strings_docstrings_and_comments(tmp_path: Path) -> None:
    module = tmp_path / "module.py"
    module.write_text(
        '"""It goes\n   on."""\nTEXT = f"pages are kept at {1}"\nNAME = "catalogue"  # anew, not in `heed`\n',
        encoding="utf-8",
    )
    found = {phrase for _, text in texts(module) for phrase in unusual(text)}
    assert found == {"goes on", "are kept", "catalogue", "anew"}
