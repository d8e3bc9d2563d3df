"""Text from outside is safe to draw, ids are safe as file names, keys are never shown."""

from __future__ import annotations

import hashlib
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
@example("\u0600\U0001d173")
def test_clean_text_holds_nothing_that_moves_a_terminal(value: str) -> None:
    cleaned = text.clean(value)
    for char in cleaned:
        allowed = "\n\t\u200c\u200d"
        assert char in allowed or unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Zl", "Zp")
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


def _nested(depth: int) -> list[object]:
    found: list[object] = []
    for _ in range(depth):
        found = [found]
    return found


@pytest.mark.parametrize(
    ("value", "cleaned"),
    [
        ("[/] [bold]x[/bold]", "[/] [bold]x[/bold]"),  # markup is text
        ("a\x1b[0m\r\n\tb", "a[0m\n\tb"),
        ("é\u202eb", "éb"),
        (None, ""),
        (12.5, "12.5"),
        (_nested(100_000), ""),
    ],
    ids=["markup", "ascii", "other", "none", "number", "too deep"],
)
def test_clean_keeps_what_is_text(value: object, cleaned: str) -> None:
    assert text.clean(value) == cleaned


@pytest.mark.parametrize(
    ("value", "limit", "line"),
    [
        ("abcdef", 6, "abcdef"),
        ("abcdefg", 6, "abcde…"),
        ("abcd  efg", 6, "abcd…"),
        (" a\n\tb ", None, "a b"),
        ("ab", 1, "…"),
        ("ab", 0, "…"),
    ],
)
def test_a_line_is_cut_where_it_is_longer_than_the_limit(value: str, limit: int | None, line: str) -> None:
    assert text.one_line(value, limit) == line


def test_text_that_cannot_be_encoded_has_question_marks() -> None:
    assert (text.writable("é\ud800b"), text.writable("éb")) == ("é?b", "éb")


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
    ("identity", "name"),
    [
        ("a/b", "a_b-c14cddc0"),
        ("con", "_con-1143da2b"),
        ("NUL.txt", "_NUL.txt-0241e4ee"),
        ("com1", "_com1-" + hashlib.sha256(b"com1").hexdigest()[:8]),
        ("com9", "_com9-92ea4d93"),
        ("lpt1.x", "_lpt1.x-2ccbd9b3"),
        ("..", "_-5ec1f7e7"),
        (".hidden", "_hidden-16924190"),
        ("~x", "_~x-52fa2173"),
        ("a.", "a-5ab640fa"),
        ("x" * 201, "x" * 191 + "-84a0678c"),
        ("é" * 101, "é" * 95 + "-96cbf977"),
    ],
)
def test_an_id_that_cannot_be_a_file_name_always_gets_the_same_other(identity: str, name: str) -> None:
    assert text.file_name(identity) == name


@pytest.mark.parametrize(
    "identity",
    [
        "bigearthnet_v1_source",
        "ref_african_crops_kenya_02_labels",
        "sn7-v1.2",
        "com0",
        "com10",
        "lpt10",
        "é" * 100,
    ],
)
def test_an_ordinary_id_is_its_own_file_name(identity: str) -> None:
    assert text.file_name(identity) == identity


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=80))
def test_a_masked_key_shows_four_characters_at_most(key: str) -> None:
    masked = text.mask(key)
    assert masked == "****" or masked == f"****{key[-4:]}"
    if len(key) < 12:
        assert masked == "****"


@pytest.mark.parametrize(
    ("key", "masked"), [(None, "no key"), ("", "no key"), ("a" * 11, "****"), ("abcdefghijkl", "****ijkl")]
)
def test_a_key_is_masked_to_its_end(key: str | None, masked: str) -> None:
    assert text.mask(key) == masked


@pytest.mark.parametrize(
    "written", ["a+b/c&d=key2", "a%2Bb%2Fc%26d%3Dkey2", "a%2bb%2fc%26d%3dkey2", "a+b/c&amp;d=key2"]
)
def test_a_key_is_masked_however_it_is_written(written: str) -> None:
    assert text.masked(f"the key {written} is", ["a+b/c&d=key2"]) == "the key ****key2 is"
    assert text.masked("the key a+b\\/c&d=key2 is", ["a+b/c&d=key2"]) == "the key ****key2 is"
    assert text.masked("a cat", ["cat"]) == "a cat", "too short to tell"


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


def test_the_container_of_a_store_is_no_user() -> None:
    url = "abfss://container@account.dfs.core.windows.net/a.tif"
    assert (
        text.redact(f"{url} then ABFS://u:p@h/x and https://me@h/y")
        == f"{url} then ABFS://h/x and https://h/y"
    )
    assert not text.holds_secret(url)


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
        (float("nan"), ""),
        (45, "45 s"),
        (59.6, "1 min"),
        (3600, "1 h"),
        (86399, "23 h 59 min"),
        (86400, "1 d"),
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


def test_two_sizes_that_differ_are_never_written_alike() -> None:
    assert text.sizes(5_124, 7_000) == ("5.1 kB", "7.0 kB")
    assert text.sizes(5_124, 5_130) == ("5,124 B", "5,130 B")


def test_sizes_are_in_powers_of_two_where_settings_say_so() -> None:
    text.use_units("IEC")
    try:
        assert (text.size(169265765), text.rate(1024)) == ("161.4 MiB", "1.0 KiB/s")
    finally:
        text.use_units("SI")
    assert (text.rate(4_200_000), text.rate(0), text.rate(None)) == ("4.2 MB/s", "", "")


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
        ("[CC-0]()", "CC-0", "CC-0"),
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
        ("1.5k", 1500),
        ("1G", 10**9),
        ("1TiB", 1 << 40),
        ("800", 800),
        ("0.2", None),
        ("no limit", None),
        ("NONE", None),
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
