"""Text from outside is safe to draw, ids are safe as file names, keys are never shown."""

from __future__ import annotations

import unicodedata
from pathlib import Path, PureWindowsPath

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mlhub_tui import text

anything = st.text(st.characters(), max_size=60) | st.text(
    st.characters(categories=["Cc", "Cf", "Cs"]), max_size=9
)


@given(anything)
@example("\x1b]52;c;aGk=\x07")
@example("\u202egnp.exe")
@example("\x9b31m\ud800")
def test_clean_text_holds_nothing_that_moves_a_terminal(value: str) -> None:
    cleaned = text.clean(value)
    for char in cleaned:
        assert char in "\n\t" or unicodedata.category(char) not in ("Cc", "Cs", "Zl", "Zp")
        assert unicodedata.bidirectional(char) not in (
            "RLE",
            "LRE",
            "RLO",
            "LRO",
            "PDF",
            "RLI",
            "LRI",
            "FSI",
            "PDI",
        )
    assert text.clean(cleaned) == cleaned
    cleaned.encode()


@given(st.text(st.characters(categories=["L", "N", "P", "S", "Zs"]), max_size=60))
def test_clean_keeps_what_can_be_read(value: str) -> None:
    assert text.clean(value) == value


def test_markup_is_text() -> None:
    assert text.clean("[/] [bold]x[/bold]") == "[/] [bold]x[/bold]"


@given(anything, st.integers(1, 30))
def test_one_line_is_one_line_and_no_longer_than_asked(value: str, limit: int) -> None:
    line = text.one_line(value, limit)
    assert len(line) <= limit
    assert "\n" not in line
    assert "\t" not in line


@given(anything)
@example("..")
@example("../../etc/passwd")
@example("C:\\Windows\\x")
@example("con")
@example("NUL.txt")
@example("x" * 300)
@example("é" * 200)
@example("a.")
@example("~")
@example("-rf")
@example("")
def test_a_file_name_is_one_portable_component(identity: str) -> None:
    name = text.file_name(identity)
    assert name
    assert name not in (".", "..")
    assert Path(name).name == name
    assert PureWindowsPath(name).name == name
    assert not PureWindowsPath(name).is_reserved()
    assert len(name.encode()) <= 200
    assert not name.endswith((".", " "))
    assert not name.startswith((".", "-", "~"))
    assert name == text.clean(name)


@given(anything, anything)
@example("a/b", "a_b")
@example("A\x00", "A")
@example("x.", "x")
def test_two_ids_never_share_a_file_name(one: str, other: str) -> None:
    assert one == other or text.file_name(one) != text.file_name(other)


@pytest.mark.parametrize(
    "identity", ["bigearthnet_v1_source", "ref_african_crops_kenya_02_labels", "sn7-v1.2"]
)
def test_an_ordinary_id_is_its_own_file_name(identity: str) -> None:
    assert text.file_name(identity) == identity


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=80))
def test_a_masked_key_shows_four_characters_at_most(key: str) -> None:
    masked = text.mask(key)
    assert masked == "****" or masked == f"****{key[-4:]}"
    if len(key) < 12:
        assert masked == "****"


def test_no_key_is_said() -> None:
    assert text.mask(None) == text.mask("") == "no key"


def test_redacted_text_has_no_keys_and_no_user_information() -> None:
    told = text.redact("GET https://u:p@h/x?a=1&key=abc&Signature=xyz#f then http://h/?api_key=q")
    assert told == "GET https://h/x?a=1&key=…&Signature=…#f then http://h/?api_key=…"


@pytest.mark.parametrize(
    "url",
    [
        "https://a.blob.core.windows.net/c/x?st=2024&sp=rl&sig=abc%3D",
        "https://b.s3.amazonaws.com/x?X-Amz-Credential=abc&X-Amz-Expires=3600",
        "https://b.s3.amazonaws.com/x?X-Amz-Security-Token=abc",
        "https://storage.googleapis.com/b/x?X-Goog-Signature=abc",
        "https://h/x?AWSAccessKeyId=abc&Expires=1",
        "https://h/x?subscription-key=abc",
        "https://h/x?access_token=abc",
        "https://abc@h/x",
    ],
)
def test_signatures_of_all_stores_are_seen_and_redacted(url: str) -> None:
    assert text.holds_secret(url)
    assert "abc" not in text.redact(url)
    assert "abc" not in text.redact(f"Server answered 403 to {url}, sorry")


def test_a_token_alone_is_redacted_too() -> None:
    assert text.redact("sig=abc&se=2024") == "sig=…&se=2024"


@pytest.mark.parametrize(
    "url", ["https://h/x?assets=B1&sort=asc", "abfs://c@a.dfs.core.windows.net/x", "https://h/sig/x"]
)
def test_other_urls_hold_no_secret(url: str) -> None:
    assert not text.holds_secret(url)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, ""),
        (float("inf"), ""),
        (-1, "0 s"),
        (45, "45 s"),
        (200, "3 min 20 s"),
        (7500, "2 h 5 min"),
        (356400, "4 d 3 h"),
    ],
)
def test_durations_are_two_units_at_most(seconds: float | None, words: str) -> None:
    assert text.duration(seconds) == words


@pytest.mark.parametrize(
    ("count", "words"),
    [(None, "unknown size"), (0, "0 B"), (1, "1 B"), (999, "999 B"), (169265765, "169.3 MB")],
)
def test_sizes_are_in_powers_of_ten(count: int | None, words: str) -> None:
    assert text.size(count) == words


def test_counts_have_their_noun() -> None:
    assert [text.count(1, "item"), text.count(2365, "item"), text.count(0, "entry", "entries")] == [
        "1 item",
        "2,365 items",
        "0 entries",
    ]


@pytest.mark.parametrize(
    ("value", "day"),
    [("2020-01-02T03:04:05Z", "2020-01-02"), ("2020-01-02", "2020-01-02"), ("soon", "soon"), (None, "")],
)
def test_dates_are_days(value: object, day: str) -> None:
    assert text.date(value) == day


@pytest.mark.parametrize(
    ("value", "whole", "name"),
    [
        ("CC-BY-4.0", "CC-BY-4.0", "CC-BY-4.0"),
        ("[CC-BY-4.0](https://x.org/by)", "CC-BY-4.0 (https://x.org/by)", "CC-BY-4.0"),
        ("[](https://x.org/by_(2))", "https://x.org/by_(2)", "https://x.org/by_(2)"),
        ("[A](b), [C](d)", "A (b), C (d)", "A, C"),
        ("[/] [x] (y)", "[/] [x] (y)", "[/] [x] (y)"),
    ],
)
def test_links_in_markdown_are_written_out_or_reduced_to_their_names(
    value: str, whole: str, name: str
) -> None:
    assert (text.unlink(value), text.link_names(value)) == (whole, name)


@pytest.mark.parametrize(
    ("typed", "rate"),
    [
        ("5M", 5_000_000),
        ("500k", 500_000),
        ("1.5 MB/s", 1_500_000),
        ("2MiB", 2 << 20),
        ("800", 800),
        (" off ", None),
        ("", None),
        ("0", None),
    ],
)
def test_a_speed_is_read_as_people_write_it(typed: str, rate: int | None) -> None:
    assert text.parse_rate(typed) == rate


@pytest.mark.parametrize("typed", ["fast", "-5M", "5X", "5 M 3", "1e9", "20 Mbps", "٥M", "5\x1b[0mM"])
def test_what_is_no_speed_is_refused_in_one_line(typed: str) -> None:
    with pytest.raises(ValueError, match="write 5M, 500k or off") as caught:
        text.parse_rate(typed)
    assert str(caught.value).isprintable()
