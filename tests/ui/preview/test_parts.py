"""The steps of a preview alone: choosing, decoding, drawing, keeping, asking the terminal."""

from __future__ import annotations

import os
import re
import struct
import zlib
from array import array
from base64 import standard_b64decode
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from mlhub_tui import preview_cache
from mlhub_tui.errors import MLHubException
from mlhub_tui.models import Asset, Item
from mlhub_tui.ui.preview.image_decode import SIDE, read_picture
from mlhub_tui.ui.preview.image_fetch import is_picture, pictures
from mlhub_tui.ui.preview.image_view import GraphicsMode, best, draw, kitty, shade, sixel, speaks
from mlhub_tui.ui.terminal.driver import QUESTION, TerminalAnswers

from .catalogs import item, png

# Choosing


def test_the_best_image_is_the_thumbnail_then_overview_visual_and_pictures_before_data() -> None:
    assets: dict[str, Any] = {
        "data": {"href": "https://x.test/B04.tif", "type": "image/tiff; application=geotiff"},
        "plain": {"href": "https://x.test/a.png"},
        "visual": {"href": "https://x.test/TCI.tif", "type": "image/tiff"},
        "small": {"href": "https://x.test/b.jpg", "type": "image/jpeg", "roles": ["overview"]},
        "thumb": {"href": "https://x.test/c.tif", "type": "image/tiff", "roles": ["Thumbnail"]},
        "labels": {"href": "https://x.test/d.geojson", "type": "application/geo+json"},
        "gone": {"href": " ", "type": "image/png"},
    }
    found = pictures(Item(item("one", assets)))
    assert [asset.key for asset in found] == ["thumb", "small", "visual", "plain", "data"]
    assert pictures(None) == ()


def test_without_a_type_the_ending_counts() -> None:
    assert is_picture(Asset("d", "https://x.test/d.JPG?sig=1"))
    assert not is_picture(Asset("d", "https://x.test/d.JPG", media_type="text/html"))


# Decoding


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.gif", "a.webp", "a.tif", "a.bmp", "a.jp2"])
def test_images_of_all_kinds_are_read(tmp_path: Path, name: str) -> None:
    Image.new("RGB", (40, 20), (200, 10, 10)).save(tmp_path / name)
    picture = read_picture(tmp_path / name)
    assert (picture.width, picture.height, picture.image.size) == (40, 20, (40, 20))
    red, green, _ = picture.image.getpixel((20, 10))
    assert red > 180 and green < 40


def test_large_images_are_kept_small(tmp_path: Path) -> None:
    Image.new("RGB", (3 * SIDE, SIDE)).save(tmp_path / "a.jpg")
    picture = read_picture(tmp_path / "a.jpg")
    assert (picture.width, max(picture.image.size)) == (3 * SIDE, SIDE)


def test_sixteen_bits_are_stretched_between_their_percentiles_without_what_means_nothing(
    tmp_path: Path,
) -> None:
    row = array("H", [1000] * 50 + [3000] * 50).tobytes()
    image = Image.frombytes("I;16", (100, 100), bytes(10 * 200) + 90 * row)
    tags = ImageFileDirectory_v2()
    tags[42113] = "0"
    image.save(tmp_path / "a.tif", tiffinfo=tags)
    picture = read_picture(tmp_path / "a.tif")
    assert picture.note == "1,000 to 3,000 stretched"
    assert picture.image.getpixel((10, 50)) == (0, 0, 0)
    assert picture.image.getpixel((90, 50)) == (255, 255, 255)


def test_one_value_alone_is_drawn_too(tmp_path: Path) -> None:
    Image.new("I;16", (8, 8), 65535).save(tmp_path / "deep.png")
    assert read_picture(tmp_path / "deep.png").image.getpixel((0, 0)) == (255, 255, 255)
    Image.new("F", (8, 8), float("nan")).save(tmp_path / "nan.tif")
    assert read_picture(tmp_path / "nan.tif").image.size == (8, 8)


def test_transparency_lies_on_black(tmp_path: Path) -> None:
    Image.new("RGBA", (8, 8), (255, 255, 255, 0)).save(tmp_path / "clear.png")
    assert read_picture(tmp_path / "clear.png").image.getpixel((0, 0)) == (0, 0, 0)


def test_a_mask_of_classes_is_drawn_in_their_colours(tmp_path: Path) -> None:
    image = Image.new("L", (40, 10), 0)
    for value in (1, 2, 3):
        image.paste(value, (10 * value, 0, 10 * value + 10, 10))
    image.save(tmp_path / "mask.png")
    picture = read_picture(tmp_path / "mask.png")
    colours = {picture.image.getpixel((x, 5)) for x in (5, 15, 25, 35)}
    assert picture.note == "4 classes" and len(colours) == 4 and (0, 0, 0) in colours


def test_of_a_cog_an_overview_is_read_and_not_the_whole(tmp_path: Path) -> None:
    whole, half, small = (Image.new("L", (side, side), side % 251) for side in (4000, 2000, 600))
    whole.save(tmp_path / "cog.tif", save_all=True, append_images=[half, small], compression="tiff_deflate")
    picture = read_picture(tmp_path / "cog.tif")
    assert (picture.width, picture.image.width) == (4000, 600)
    assert "overview of 600 x 600" in picture.note


def bomb(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


@pytest.mark.parametrize(("side", "why"), [(60_000, "cannot be drawn"), (7_000, "too many")])
def test_an_image_that_would_fill_the_memory_is_refused(tmp_path: Path, side: int, why: str) -> None:
    (tmp_path / "bomb.png").write_bytes(bomb(side, side))
    with pytest.raises(MLHubException, match=why):
        read_picture(tmp_path / "bomb.png")


@pytest.mark.parametrize("data", [b"", b"II*\0", b"II*\0" + bytes(60), b"\xff\xd8\xff" + bytes(9), b"<svg/>"])
def test_what_is_no_image_is_said(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.png").write_bytes(data)
    with pytest.raises(MLHubException, match="cannot be drawn"):
        read_picture(tmp_path / "a.png")


# Drawing


def test_a_cell_is_two_pixels_and_proportions_are_kept(tmp_path: Path) -> None:
    png(tmp_path / "a.png", 40, 40)
    image = read_picture(tmp_path / "a.png").image
    strips = draw(image, 80, 10)
    assert (len(strips), strips[0].cell_length) == (10, 20)
    top, bottom = [next(iter(strip)).style for strip in (strips[0], strips[-1])]
    assert top is not None and top.color is not None and top.color.triplet == (255, 0, 0)
    assert bottom is not None and bottom.bgcolor is not None and bottom.bgcolor.triplet == (0, 0, 255)
    assert len(list(strips[0])) == 1, "cells that look the same are one segment"
    assert all(strip.text.isascii() and strip.cell_length == 20 for strip in shade(image, 80, 10))
    assert draw(image, 0, 10) == shade(image, 5, 0) == []


def land() -> Any:
    """Return an image that is as rough as land seen from above, at all scales."""
    layers = [Image.effect_noise((side * 3 // 2, side), 64).resize((768, 512)) for side in (4, 16, 64, 256)]
    image = layers[0]
    for layer in layers[1:]:
        image = Image.blend(image, layer, 0.35)
    return Image.merge("RGB", [image, image.rotate(90), image.rotate(180)])


def noise() -> Any:
    return Image.merge("RGB", [Image.effect_noise((300, 200), 80 + n) for n in range(3)])


def test_over_a_slow_line_pictures_are_lean() -> None:
    image = land()
    for made in (sixel, kitty):
        usual, reduced = (
            len(made(image, 72, 18, (10, 20), reduced=reduced).sequence) for reduced in (False, True)
        )
        print(f"{made.__name__}: {usual} B, over SSH {reduced} B")
        assert reduced < usual / 3 and reduced < 100_000


def test_kitty_gets_a_png_in_chunks_that_it_may_take() -> None:
    graphic = kitty(noise(), 60, 20, (10, 20))
    parts = re.findall(r"\x1b_G([^;]*);([^\x1b]*)\x1b\\", graphic.sequence)
    assert all(len(data) <= 4096 for _, data in parts) and len(parts) > 1
    assert [header.endswith("m=1") for header, _ in parts] == [True] * (len(parts) - 1) + [False]
    assert Image.open(BytesIO(standard_b64decode("".join(data for _, data in parts)))).size == (300, 200)
    assert f"c={graphic.columns},r={graphic.rows}" in parts[0][0]
    assert (graphic.columns, graphic.rows) == (60, 20)


def test_a_sixel_stays_within_its_room() -> None:
    graphic = sixel(noise(), 30, 10, (9, 17))
    width, height = map(int, re.findall(r'"1;1;(\d+);(\d+)', graphic.sequence)[0])
    assert width <= 30 * 9 and height <= 10 * 17 and height % 6 == 0
    assert graphic.columns <= 30 and graphic.rows <= 10


# Keeping


def test_of_what_is_kept_the_oldest_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    document = Item(item("one", {}))
    files = []
    for number in range(5):
        asset = Asset(f"a{number}", f"https://x.test/{number}.png?sig={number}")
        where = preview_cache.place("https://x.test/", document, asset)
        preview_cache.make(where)
        file = where / "chips" / "a.png"
        file.parent.mkdir()
        file.write_bytes(bytes(100))
        os.utime(file, (10**9 + number, 10**9 + number))
        files.append(file)
        assert preview_cache.found(where) == file
        os.utime(file, (10**9 + number, 10**9 + number))
    signed_anew = Asset("a4", "https://x.test/4.png?sig=other")
    assert preview_cache.place("https://x.test/", document, signed_anew) == files[4].parent.parent
    assert preview_cache.shrink(most_files=3) == 200
    assert [file.exists() for file in files] == [False, False, True, True, True]
    assert preview_cache.shrink(most_bytes=150) == 200
    assert preview_cache.clear() == 100 and not list(preview_cache.folder().iterdir())


# Asking the terminal


def asked(*typed: str) -> tuple[TerminalAnswers, str]:
    answers, written = TerminalAnswers(), list[str]()
    answers.ask(written.append)
    answers.ask(written.append)
    assert written == [QUESTION], "once"
    return answers, "".join(map(answers.take, typed))


def test_answers_are_taken_out_of_what_is_typed_however_they_are_cut() -> None:
    whole = "a\x1b_Gi=31;OK\x1b\\b\x1b[6;20;10tc\x1b[?62;4;22cd"
    for cut in range(1, len(whole)):
        answers, typed = asked(whole[:cut], whole[cut:])
        assert typed == "abcd", cut
        assert answers.complete.is_set() and answers.kitty and answers.sixel and answers.cell == (10, 20)
    answers, typed = asked(*whole)
    assert typed == "abcd" and answers.complete.is_set()


def test_keys_are_no_answers() -> None:
    keys = "\x1b[A\x1bOP\x1b[6~\x1b[?2026;2$y\x1b[I\x1b[200~x\x1b[201~\x1b[<0;3;4M"
    answers, typed = asked(*keys)
    assert typed + answers.let_go() == keys
    assert not answers.complete.is_set()
    answers, typed = asked("\x1b")
    assert (typed, answers.let_go(), answers.let_go()) == ("", "\x1b", "")


def test_before_the_question_and_after_the_last_answer_nothing_is_touched() -> None:
    assert TerminalAnswers().take("\x1b[?62;4c") == "\x1b[?62;4c"
    answers, _ = asked("\x1b[?62c")
    assert answers.take("\x1b") == "\x1b"


def test_an_old_question_holds_no_escape_back() -> None:
    now = [1.0]
    answers = TerminalAnswers(lambda: now[0])
    answers.ask(lambda _: None)
    now[0] = 9.0
    assert answers.take("\x1b") == "\x1b"
    assert answers.take("\x1b[?62;4c") == "" and answers.sixel


@pytest.mark.parametrize(
    ("answer", "light"),
    [
        ("\x1b]11;rgb:ffff/ffff/ffff\x1b\\", [True]),
        ("\x1b]11;rgb:fb/fa/f4\a", [True]),
        ("\x1b]11;rgba:1616/1616/1d1d/ffff\a", [False]),
        ("\x1b]11;rgb:0/0/0\x1b\\", [False]),
        ("\x1b]11;what?\a", []),
    ],
)
def test_what_the_terminal_says_of_its_background_is_no_key_however_it_is_cut(
    answer: str, light: list[bool]
) -> None:
    whole = f"a{answer}b"
    for cut in range(1, len(whole)):
        answers, told = TerminalAnswers(), list[bool]()
        answers.ask_background(lambda _: None, told.append)
        typed = answers.take(whole[:cut]) + answers.let_go() + answers.take(whole[cut:])
        assert typed.replace("\x1b", "" if cut == 2 else "\x1b") == "ab", cut
        assert told == light
        assert answers.take(answer) == answer, "it was asked once"


def test_a_background_that_stalls_on_its_way_is_no_key_and_keeps_none_back() -> None:
    whole = "\x1b]11;rgb:ffff/ffff/ffff\x1b\\"
    now = [1.0]
    for cut in range(whole.index(";") + 1, len(whole)):
        answers, told = TerminalAnswers(lambda: now[0]), list[bool]()
        answers.ask_background(lambda _: None, told.append)
        typed = answers.take(whole[:cut])
        now[0] += 30.0
        assert typed + answers.let_go() + answers.take(f"{whole[cut:]}j") == "j" and told == [True], cut
        answers.ask_background(lambda _: None, told.append)
        assert answers.take(whole[:cut]) == ""
        now[0] += 30.0
        assert answers.let_go() == "" and answers.take("j\x1b[A").lstrip("\x1b") == "j\x1b[A", cut


def test_a_background_whose_end_never_comes_is_given_up_without_a_key() -> None:
    now = [1.0]
    answers = TerminalAnswers(lambda: now[0])
    answers.ask_background(lambda _: None, lambda _: None)
    assert answers.take("\x1b]11;rgb:ff") == ""
    now[0] += 100.0
    assert answers.let_go() == "" and answers.take("d") == "d"
    assert answers.take("\x1b]11;rgb:ffj") == "", "it may be an answer of another form"
    now[0] += 3.0
    assert answers.let_go() == "j"


@pytest.mark.parametrize(
    ("answer", "environ", "outer", "way"),
    [
        ("\x1b[?62;4c", {}, "", GraphicsMode.SIXEL),
        ("\x1b_Gi=31;OK\x1b\\\x1b[?62;4c", {}, "", GraphicsMode.SIXEL),
        ("\x1b_Gi=31;OK\x1b\\\x1b[?62c", {}, "", GraphicsMode.KITTY),
        ("\x1b_Gi=31;ENOTSUPPORTED:x\x1b\\\x1b[?62c", {}, "", GraphicsMode.BLOCKS),
        ("\x1b[?4c", {}, "", GraphicsMode.BLOCKS),
        ("\x1b[?1;2;4c", {"TMUX": "x"}, "256,sixel", GraphicsMode.SIXEL),
        ("\x1b[?1;2;4c", {"TMUX": "x"}, "256", GraphicsMode.BLOCKS),
        ("\x1b_Gi=31;OK\x1b\\\x1b[?1;2c", {"TMUX": "x"}, "", GraphicsMode.BLOCKS),
    ],
)
def test_the_best_way_is_what_the_terminal_speaks(
    answer: str, environ: dict[str, str], outer: str, way: GraphicsMode
) -> None:
    assert best(asked(answer)[0], environ, outer) is way


def test_screen_and_the_console_are_not_asked() -> None:
    assert speaks({"TERM": "xterm-256color"})
    assert not speaks({"TERM": "linux"})
    assert not speaks({"TERM": "screen", "STY": "1.x"})
