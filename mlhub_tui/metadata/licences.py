"""Licences spelt out: the full name of an SPDX identifier, what it requires in short, where its text is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from ..models import Dataset, Document
from ..text import holds_secret, one_line


@dataclass(frozen=True, slots=True)
class Licence:
    """A licence.

    - `id`: As the document has it, or its SPDX identifier where it is written in another way.
    - `name`: Its full name; empty where it is not known.
    - `requires`: The conditions for the use of the data, in a few words; empty where unsure.
    - `url`: Where to read it; empty where that is not known.
    """

    id: str
    name: str = ""
    requires: str = ""
    url: str = ""


_CREDIT = "credit the source"
_SAME = "share what you make of it under the same licence"
# Identifier, name, what it requires, and where its text is. The last three are what STAC allows beside SPDX
# identifiers (Collection spec: 1.0 has the first two of them, 1.1 the third).
_TABLE = f"""
CC0-1.0 | Creative Commons Zero 1.0, public domain | nothing | https://creativecommons.org/publicdomain/zero/1.0/
CC-PDDC | Creative Commons Public Domain Dedication and Certification | nothing
CC-PDM-1.0 | Creative Commons Public Domain Mark 1.0 | nothing | https://creativecommons.org/publicdomain/mark/1.0/
PDDL-1.0 | Open Data Commons Public Domain Dedication and Licence 1.0 | nothing | https://opendatacommons.org/licenses/pddl/1-0/
ODC-By-1.0 | Open Data Commons Attribution License 1.0 | {_CREDIT} | https://opendatacommons.org/licenses/by/1-0/
ODbL-1.0 | Open Data Commons Open Database License 1.0 | {_CREDIT}; share databases made of it under the same licence | https://opendatacommons.org/licenses/odbl/1-0/
CDLA-Permissive-1.0 | Community Data License Agreement, Permissive 1.0 | keep licence and notices with data you pass on | https://cdla.dev/permissive-1-0/
CDLA-Permissive-2.0 | Community Data License Agreement, Permissive 2.0 | keep the licence with data you pass on | https://cdla.dev/permissive-2-0/
CDLA-Sharing-1.0 | Community Data License Agreement, Sharing 1.0 | share data you pass on under the same licence | https://cdla.dev/sharing-1-0/
Apache-2.0 | Apache License 2.0 | keep licence and notices | https://www.apache.org/licenses/LICENSE-2.0
MIT | MIT License | keep licence and notices
BSD-2-Clause | BSD 2-Clause "Simplified" License | keep licence and notices
BSD-3-Clause | BSD 3-Clause "New" License | keep licence and notices
GPL-3.0-only | GNU General Public License 3.0 | {_SAME}
GPL-3.0-or-later | GNU General Public License 3.0 or later | {_SAME}
AGPL-3.0-only | GNU Affero General Public License 3.0 | {_SAME}
OGL-UK-3.0 | Open Government Licence (United Kingdom) 3.0 | {_CREDIT} | https://www.nationalarchives.gov.uk/doc/open-government-licence/version/3/
OGL-Canada-2.0 | Open Government Licence (Canada) 2.0 | {_CREDIT}
etalab-2.0 | Etalab Open License 2.0 (France) | {_CREDIT}
DL-DE-BY-2.0 | Data Licence Germany, Attribution 2.0 | {_CREDIT}
DL-DE-ZERO-2.0 | Data Licence Germany, Zero 2.0 | nothing
NLOD-2.0 | Norwegian Licence for Open Government Data 2.0 | {_CREDIT}
proprietary | no licence with a standard name | read the provider's terms |
various | several licences | read that of the part you use |
other | a licence without a standard name | read its text |
"""  # noqa: E501
_SPDX = "https://spdx.org/licenses/"


def _parsed(line: str) -> Licence:
    identity, name, requires, *url = (part.strip() for part in line.split(" |"))
    return Licence(identity, name, requires, url[0] if url else _SPDX + identity)


_KNOWN = {licence.id.casefold(): licence for licence in map(_parsed, _TABLE.strip().splitlines())}
_ALIASES = {
    "pddl": "pddl-1.0",
    "odbl": "odbl-1.0",
    "odc-by": "odc-by-1.0",
    "cc0": "cc0-1.0",
    "cc-zero": "cc0-1.0",
    "apache2": "apache-2.0",
    "gpl-3.0": "gpl-3.0-only",
    "gpl-3.0+": "gpl-3.0-or-later",
    "agpl-3.0": "agpl-3.0-only",
}
_CC = re.compile(r"cc-by(-nc)?(-nd|-sa)?-([1-4]\.[05])(?:-([a-z]{2,3}))?")
_CC_WORDS = {"-nc": "NonCommercial", "-sa": "ShareAlike", "-nd": "NoDerivatives"}
_CC_ASKS = {"-nc": "not for commerce", "-sa": _SAME, "-nd": "share it unchanged only"}
_CC_SCOPE = {"4.0": " International", "3.0": " Unported"}
_LINK = re.compile(r"\[([^\[\]]*)\]\(([^\s()]*)\)")
_OPERATOR = re.compile(r"\s+(?:OR|AND)\s+")
_SHORT = re.compile(r".*\(([\w.-]+)\)?")
"""A name with its short form in brackets, as `Open Database License (ODbL)`."""
MOST = 12
"""Licences, and links to them, of one document that are looked at."""


def known(text: str) -> Licence | None:
    """Return the licence of an SPDX identifier, however its case and dashes are; None where it is unknown."""
    key = one_line(text, 80).casefold().strip("() ").replace(" ", "-").replace("_", "-")
    if (match := _CC.fullmatch(key)) is not None:
        return _creative_commons(*match.groups())
    if (short := _SHORT.fullmatch(key)) is not None:
        key = short[1]
    return _KNOWN.get(_ALIASES.get(key, key))


def _creative_commons(nc: str | None, other: str | None, version: str, scope: str | None) -> Licence:
    """Return one of the six licences of Creative Commons, in any version and scope."""
    parts = [part for part in (nc, other) if part]
    where = f" {scope.upper()}" if scope else _CC_SCOPE.get(version, " Generic")
    path = "by" + "".join(parts)
    return Licence(
        f"CC-{path.upper()}-{version}" + (f"-{scope.upper()}" if scope else ""),
        "Creative Commons "
        + "-".join(["Attribution", *(_CC_WORDS[p] for p in parts)])
        + f" {version}{where}",
        "; ".join([_CREDIT, *(_CC_ASKS[p] for p in parts)]),
        f"https://creativecommons.org/licenses/{path}/{version}/" + (f"{scope}/" if scope else ""),
    )


def licences(document: Document) -> list[Licence]:
    """Return the licences of a document, each once: what it names, then what it links (`rel` is `license`).

    - `document`: Of a dataset the licences are those of its collections. An SPDX expression is taken apart.
    """
    if isinstance(document, Dataset):
        texts = [ref.license for ref in document.collections if ref.license]
    else:
        texts = [document.license] if document.license else []
    named = list(dict.fromkeys(texts))[:MOST]
    found = {licence.id.casefold(): licence for text in named for licence in _named(text)}
    for link in document.links:
        if len(found) > MOST:
            break
        if link.get("rel") == "license" and (url := web_address(link.get("href"))):
            title = one_line(link.get("title"), 120)
            about = known(title) or Licence(title or "terms")
            if about.id.casefold() in found:
                found[about.id.casefold()] = replace(found[about.id.casefold()], url=url)
            elif not any(url.rstrip("/") == licence.url.rstrip("/") for licence in found.values()):
                found[url] = replace(about, url=url)
    return list(found.values())[:MOST]


def _named(text: str) -> Iterator[Licence]:
    """Yield the licences that a text names: an identifier, an expression of several, a Markdown link."""
    link = _LINK.fullmatch(text)
    name, url = (link[1], web_address(link[2])) if link is not None else (text, "")
    for part in _OPERATOR.split(name)[:MOST]:
        licence = known(part) or Licence(one_line(part, 200) or "unnamed")
        yield replace(licence, url=url or licence.url)


def web_address(value: object) -> str:
    """Return an address of the web that may be shown; empty where it is none, or holds a key."""
    url = one_line(value) if isinstance(value, str) else ""
    whole = url.casefold().startswith(("https://", "http://")) and " " not in url and len(url) <= 500
    return url if whole and not holds_secret(url) else ""
