"""Every format, written and then read back by a reader that isn't ours or is a few lines."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import re
import struct
import zlib
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from calligram.art.colour import rgb_of
from calligram.art.formats import FORMATS, _deflate, write
from calligram.art.glyphs import SETS, codes_of, coverage
from calligram.art.limits import Limits
from calligram.art.model import DEFAULT_PEN, INK, PAGE, Art
from calligram.art.options import Options
from calligram.errors import ArtTooLarge, OptionsRefused

DOCUMENT = (Path(__file__).parents[2] / "docs" / "formats.md").read_text(encoding="utf-8")
NASTY = "&<>\"'\\/;=[]mx0 \u00a0█▀⣿é\u05d0漢🬀]]>"
PEN_MOST = {"16": 15, "256": 255, "full": 0xFFFFFF}
SPACE, FULL_BLOCK = 0x20, 0x2588


def art_of(
    text: str,
    ink: list[list[int]] | None = None,
    paper: list[list[int]] | None = None,
    **options: object,
) -> Art:
    """Art of the lines of `text`; pens default to the reader's own where there is colour."""
    codes = np.array([[ord(character) for character in line] for line in text.split("\n")])
    own = [[DEFAULT_PEN] * codes.shape[1]] * codes.shape[0]
    coloured = options.get("colour", "none") != "none"
    return Art(
        codes.astype(np.uint32),
        np.array(ink or own, np.int32) if coloured else None,
        np.array(paper or own, np.int32) if coloured else None,
        Options.of(options),
    )


@st.composite
def arts(draw: st.DrawFn, characters: str = NASTY) -> Art:
    rows, columns = draw(st.integers(1, 4)), draw(st.integers(1, 9))
    cells = rows * columns
    colour = draw(st.sampled_from(["none", "16", "256", "full"]))
    codes = draw(st.lists(st.sampled_from(characters), min_size=cells, max_size=cells))
    foreground = background = None
    if colour != "none":
        # Few different pens, so that there are runs.
        some = [DEFAULT_PEN, 0, draw(st.integers(0, PEN_MOST[colour])), PEN_MOST[colour]]
        pens = st.lists(st.sampled_from(some), min_size=cells, max_size=cells)
        foreground = np.array(draw(pens), np.int32).reshape(rows, columns)
        background = np.array(draw(pens), np.int32).reshape(rows, columns)
    options = Options(
        colour=colour,
        background=draw(st.sampled_from(["dark", "light"])),
        cell_aspect=draw(st.sampled_from([0.1, 0.4, 0.5, 0.6, 1.0, 2.0])),
    )
    grid = np.array([ord(character) for character in codes], np.uint32).reshape(rows, columns)
    return Art(grid, foreground, background, options)


def looks_of(art: Art) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """What each cell's ink and paper look like: (rows, columns, 3)."""
    own = np.full(art.characters.shape, DEFAULT_PEN, np.int32)
    colour = "full" if art.foreground is None else art.options.colour
    ink = own if art.foreground is None else art.foreground
    paper = own if art.background is None else art.background
    background = art.options.background
    return rgb_of(ink, colour, INK[background]), rgb_of(paper, colour, PAGE[background])


# txt


@given(arts())
def test_txt_is_the_characters_and_one_newline_a_line(art: Art) -> None:
    assert write(art, "txt").decode() == art.text + "\n"


def test_txt_keeps_spaces_at_the_end_of_a_line() -> None:
    assert write(art_of("a  \n   "), "txt") == b"a  \n   \n"


# ansi


class Terminal:
    """As much of a terminal as SGR needs: what it shows, and in which pens."""

    def __init__(self, written: str) -> None:
        self.lines: list[list[tuple[str, int, int]]] = [[]]
        self.ink = self.paper = DEFAULT_PEN
        for sequence, character in re.findall(r"\x1b\[([0-9;]*)m|([^\x1b])", written, re.S):
            if character == "\n":
                assert (self.ink, self.paper) == (DEFAULT_PEN, DEFAULT_PEN), "colour bleeds"
                self.lines.append([])
            elif character:
                assert character.isprintable() or character == "\u00a0"
                self.lines[-1].append((character, self.ink, self.paper))
            else:
                self.select([int(number) for number in sequence.split(";")])
        assert self.lines.pop() == [], "the last line has no newline"

    def select(self, numbers: list[int]) -> None:
        while numbers:
            number = numbers.pop(0)
            if number == 0:
                self.ink = self.paper = DEFAULT_PEN
            elif number % 10 == 9 and number in (39, 49):
                self.use(number, DEFAULT_PEN)
            elif number in (38, 48):
                self.use(number, self.extended(numbers))
            else:
                assert 30 <= number <= 47 or 90 <= number <= 107, number
                bright = 8 if number >= 90 else 0
                self.use(number - (60 if bright else 0), number % 10 + bright)

    def extended(self, numbers: list[int]) -> int:
        if numbers.pop(0) == 5:
            return numbers.pop(0)
        red, green, blue = numbers.pop(0), numbers.pop(0), numbers.pop(0)
        return red << 16 | green << 8 | blue

    def use(self, number: int, pen: int) -> None:
        if number < 40:
            self.ink = pen
        else:
            self.paper = pen


@settings(max_examples=300)
@given(arts())
def test_a_terminal_shows_the_arts_characters_and_pens(art: Art) -> None:
    shown = Terminal(write(art, "ansi").decode()).lines

    assert ["".join(cell[0] for cell in line) for line in shown] == art.lines()
    if art.foreground is not None and art.background is not None:
        ink = np.array([[cell[1] for cell in line] for line in shown])
        paper = np.array([[cell[2] for cell in line] for line in shown])
        assert ((ink == art.foreground) | (art.characters == SPACE)).all()
        assert ((paper == art.background) | (art.characters == FULL_BLOCK)).all()


def test_ansi_without_colour_is_txt() -> None:
    art = art_of("ab\ncd")

    assert write(art, "ansi") == write(art, "txt")


def test_ansi_writes_only_changes_and_both_pens_in_one_sequence() -> None:
    art = art_of("abcd", [[1, 1, 9, 9]], [[2, 2, 10, 2]], colour="16")

    assert write(art, "ansi") == b"\x1b[31;42mab\x1b[91;102mc\x1b[42md\x1b[0m\n"


@pytest.mark.parametrize(
    ("colour", "pen", "sequence"),
    [
        ("16", 0, b"\x1b[30m"),
        ("16", 15, b"\x1b[97m"),
        ("256", 0, b"\x1b[38;5;0m"),
        ("256", 255, b"\x1b[38;5;255m"),
        ("full", 0x0A00FF, b"\x1b[38;2;10;0;255m"),
    ],
)
def test_ansi_selects_each_kind_of_pen(colour: str, pen: int, sequence: bytes) -> None:
    assert write(art_of("a", [[pen]], colour=colour), "ansi") == sequence + b"a\x1b[0m\n"


def test_ansi_goes_back_to_the_readers_own_colours_without_a_reset_at_the_end() -> None:
    art = art_of("ab", [[1, DEFAULT_PEN]], [[2, DEFAULT_PEN]], colour="16")

    assert write(art, "ansi") == b"\x1b[31;42ma\x1b[39;49mb\n"


def test_ansi_changes_no_pen_that_can_not_be_seen() -> None:
    spaces = art_of("a b", [[1, 2, 1]], colour="16")
    blocks = art_of("a█b", [[1, 1, 1]], [[2, 3, 2]], colour="16")

    assert write(spaces, "ansi") == b"\x1b[31ma b\x1b[0m\n"
    assert write(blocks, "ansi") == "\x1b[31;42ma█b\x1b[0m\n".encode()


# html


class Page(HTMLParser):
    """The cells of a page: each character with the ink and paper it stands in."""

    def __init__(self, written: str) -> None:
        super().__init__()
        self.styles: list[dict[str, str]] = [{}]
        self.tags: list[str] = []
        self.cells: list[tuple[str, str, str]] = []
        self.feed(written)
        self.close()
        assert len(self.styles) == 1, "an element is left open"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        style = dict(attrs).get("style") or ""
        pairs = dict(part.split(":", 1) for part in style.split(";"))
        self.styles.append(self.styles[-1] | pairs)
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:  # noqa: ARG002 - the parser's signature
        self.styles.pop()

    def handle_data(self, data: str) -> None:
        if len(self.styles) == 1:
            assert data == "\n", data
            return
        style = self.styles[-1]
        self.cells += [(character, style["color"], style["background"]) for character in data]


@given(arts())
def test_html_read_back_is_the_arts_characters_and_colours(art: Art) -> None:
    page = Page(write(art, "html").decode())

    ink, paper = looks_of(art)
    cells = [cell for cell in page.cells if cell[0] != "\n"]
    assert "".join(cell[0] for cell in page.cells) == art.text + "\n"
    assert set(page.tags) <= {"pre", "span"}
    assert page.tags.count("pre") == 1
    assert [cell[2] for cell in cells] == [f"#{bytes(p).hex()}" for p in paper.reshape(-1, 3)]
    inks = [f"#{bytes(p).hex()}" for p in ink.reshape(-1, 3)]
    seen = [cell[0] != " " for cell in cells]
    assert [cell[1] for cell, s in zip(cells, seen, strict=True) if s] == [
        pen for pen, s in zip(inks, seen, strict=True) if s
    ]


def test_html_is_one_labelled_pre_that_asks_for_nothing() -> None:
    written = write(art_of("<b>&'\"\n<a hr="), "html").decode()

    assert written.startswith('<pre role="img" aria-label="Text art, 6 by 2 characters"')
    assert "&lt;b&gt;&amp;&#x27;&quot;" in written
    assert written.endswith("\n</pre>\n")
    assert "url(" not in written
    assert "http" not in written


@pytest.mark.parametrize("colour", ["none", "full"])
def test_html_escapes_each_character_that_html_reads(colour: str) -> None:
    written = write(art_of("<i>&lt;\"'", colour=colour), "html").decode()

    assert ">&lt;i&gt;&amp;lt;&quot;&#x27;\n</pre>" in written


@given(arts())
def test_html_holds_no_bare_markup_but_its_own(art: Art) -> None:
    written = write(art, "html").decode()

    assert re.findall(r"<(?!/?(?:pre|span)\b)|&(?!(?:amp|lt|gt|quot|#x27);)", written) == []


def test_html_merges_runs_of_one_look_over_spaces() -> None:
    art = art_of("ab c", [[1, 1, 2, 1]], colour="16")

    assert '<span style="color:#cd0000">ab c</span>\n</pre>' in write(art, "html").decode()


def test_html_lines_stand_closer_than_any_font_is_high() -> None:
    style = write(art_of("ab", cell_aspect=0.5), "html").decode()

    assert "line-height:1.100;letter-spacing:-0.050em;" in style


# svg

SVG = "{http://www.w3.org/2000/svg}"


@given(arts())
def test_svg_read_back_is_the_arts_characters_and_colours(art: Art) -> None:
    root = ElementTree.fromstring(write(art, "svg"))
    wide = round(16 * art.options.cell_aspect)

    ink, paper = looks_of(art)
    codes = np.full(art.characters.shape, SPACE)
    inks, papers = ink.copy(), np.zeros_like(paper)
    for rect in root.iter(f"{SVG}rect"):
        left, top = int(rect.get("x", 0)) // wide, int(rect.get("y", 0)) // 16
        across, down = int(rect.attrib["width"]) // wide, int(rect.attrib["height"]) // 16
        colour = list(bytes.fromhex(rect.attrib["fill"][1:]))
        papers[top : top + down, left : left + across] = colour
    (group,) = (group for group in root.iter(f"{SVG}g") if "font-size" in group.attrib)
    for word in group.iter(f"{SVG}text"):
        row, left = int(word.attrib["y"]) // 16, int(word.attrib["x"]) // wide
        letters = word.text or ""
        assert int(word.attrib["textLength"]) == len(letters) * wide
        codes[row, left : left + len(letters)] = [ord(letter) for letter in letters]
        colour = list(bytes.fromhex(word.get("fill", group.attrib["fill"])[1:]))
        inks[row, left : left + len(letters)] = colour
    assert (codes == art.characters).all()
    assert (inks == ink).all()
    assert (papers == paper).all()


def test_svg_has_a_label_and_a_box_of_the_cells_aspect() -> None:
    root = ElementTree.fromstring(write(art_of("abc\ndef", cell_aspect=0.5), "svg"))

    assert root.attrib["viewBox"] == "0 0 24 32"
    assert root.attrib["role"] == "img"
    assert root.attrib["aria-label"] == "Text art, 3 by 2 characters"


def test_svg_ends_a_word_where_another_font_may_begin() -> None:
    written = write(art_of("ab⣿⣿"), "svg").decode()

    assert written.count("<text ") == 2


# png

MEASURED = "aW@ .~█▀▄⣿⠁/"


def shown(art: Art) -> NDArray[np.uint8]:
    """The png's pixels as Pillow reads them."""
    with Image.open(io.BytesIO(write(art, "png"))) as image:
        assert image.mode == ("L" if art.foreground is None else "RGB")
        return np.asarray(image.convert("RGB"))


@settings(max_examples=60)
@given(arts(MEASURED))
def test_png_has_the_arts_shape_and_shows_papers_in_spaces_and_inks_in_blocks(art: Art) -> None:
    pixels = shown(art)

    wide = round(16 * art.options.cell_aspect)
    assert pixels.shape == (art.rows * 16, art.columns * wide, 3)
    cells = pixels.reshape(art.rows, 16, art.columns, wide, 3).transpose(0, 2, 1, 3, 4)
    ink, paper = looks_of(art)
    spaces, blocks = art.characters == SPACE, art.characters == FULL_BLOCK
    assert (cells[spaces] == paper[spaces][:, None, None]).all()
    assert (cells[blocks] == ink[blocks][:, None, None]).all()


def test_png_blends_ink_into_paper_by_the_glyphs_coverage() -> None:
    art = art_of("aW", [[0xFF8000, 0]], [[0x001020, 0xFFFFFF]], colour="full")

    pixels = shown(art).astype(int)

    share = coverage(codes_of("aW")).astype(int)
    first = (np.array([255, 128, 0]) * share[0][..., None]) + np.array([0, 16, 32]) * (
        255 - share[0][..., None]
    )
    assert share[0].max() > 0
    assert (pixels[:, :8] == (first + 127) // 255).all()
    assert (pixels[:, 8:] == 255 - share[1][..., None]).all()


def test_png_without_colour_on_light_is_the_negative_of_dark() -> None:
    dark, light = shown(art_of("aW@")), shown(art_of("aW@", background="light"))

    assert (dark == 255 - light).all()


def test_png_of_a_character_without_a_measured_shape_is_refused() -> None:
    with pytest.raises(OptionsRefused, match=r"U\+6F22"):
        write(art_of("漢"), "png")


def large_art(colour: str, rows: int, columns: int) -> Art:
    random = np.random.default_rng(7)
    codes = random.choice(codes_of(SETS["blocks"]), (rows, columns))
    if colour == "none":
        return Art(codes, None, None, Options(columns=columns))
    pens = random.integers(-1, 1 << 24, (2, rows, columns)).astype(np.int32)
    return Art(codes, pens[0], pens[1], Options(columns=columns, colour=colour))


@pytest.mark.parametrize("colour", ["none", "full"])
@pytest.mark.parametrize("shape", [(3, 1000), (40, 500), (1000, 2)])
def test_png_of_a_large_art_is_read_by_pillow(colour: str, shape: tuple[int, int]) -> None:
    art = large_art(colour, *shape)

    pixels = shown(art)

    cells = pixels.reshape(art.rows, 16, art.columns, 8, 3).transpose(0, 2, 1, 3, 4)
    ink, _ = looks_of(art)
    blocks = art.characters == FULL_BLOCK
    assert blocks.any()
    assert (cells[blocks] == ink[blocks][:, None, None]).all()


def chunks_of(written: bytes) -> list[tuple[bytes, bytes]]:
    assert written[:8] == b"\x89PNG\r\n\x1a\n"
    found, at = [], 8
    while at < len(written):
        (length,) = struct.unpack_from(">I", written, at)
        found.append((written[at + 4 : at + 8], written[at + 8 : at + 8 + length]))
        (checksum,) = struct.unpack_from(">I", written, at + 8 + length)
        assert checksum == zlib.crc32(written[at + 4 : at + 8 + length])
        at += 12 + length
    return found


def test_png_packs_to_what_zlib_unpacks_with_a_right_checksum() -> None:
    found = chunks_of(write(large_art("full", 40, 500), "png"))

    assert [name for name, _ in found][:2] == [b"IHDR", b"IDAT"]
    assert found[-1] == (b"IEND", b"")
    unpacked = zlib.decompress(b"".join(data for name, data in found if name == b"IDAT"))
    assert len(unpacked) == 40 * 16 * (1 + 500 * 8 * 3)


@settings(max_examples=200)
@given(
    st.lists(
        st.tuples(st.integers(1, 700), st.integers(1, 5), st.binary(min_size=1, max_size=5)),
        min_size=1,
        max_size=6,
    )
)
def test_a_deflated_block_is_what_zlib_inflates(parts: list[tuple[int, int, bytes]]) -> None:
    data, distances = bytearray(), []
    for length, back, fresh in parts:
        data += fresh
        distances += [0] * len(fresh)
        for _ in range(length):
            reach = min(back, len(data))
            data.append(data[-reach])
            distances.append(reach)
    stream = np.frombuffer(bytes(data), np.uint8)

    packed = _deflate.block(stream, np.array(distances, np.int32)) + _deflate.LAST_BLOCK

    assert zlib.decompress(packed, wbits=-15) == bytes(data)


@pytest.mark.parametrize("distance", [1, 4, 5, 257, 24_577, 32_767, 32_768])
@pytest.mark.parametrize("length", [1, 2, 3, 10, 11, 257, 258, 259, 260, 261, 700])
def test_deflate_reaches_every_distance_and_length(distance: int, length: int) -> None:
    random = np.random.default_rng(distance).integers(0, 256, distance).astype(np.uint8)
    stream = np.resize(random, distance + length)
    distances = np.zeros(len(stream), np.int32)
    distances[distance:] = distance

    packed = _deflate.block(stream, distances) + _deflate.LAST_BLOCK

    assert zlib.decompress(packed, wbits=-15) == stream.tobytes()


# json


@given(arts())
def test_json_read_back_is_the_whole_art(art: Art) -> None:
    read = json.loads(write(art, "json"))

    assert (read["calligram"], read["columns"], read["rows"]) == (1, art.columns, art.rows)
    assert read["characters"] == art.lines()
    assert Options.of(read["options"]) == art.options
    assert read["ink"] == f"#{INK[art.options.background]:06x}"
    for name, pens in (("foreground", art.foreground), ("background", art.background)):
        assert pens_read(read[name]) == (None if pens is None else pens.tolist())


def pens_read(lines: list[list[int | str | None]] | None) -> list[list[int]] | None:
    def pen_read(pen: int | str | None) -> int:
        if pen is None:
            return DEFAULT_PEN
        return int(pen[1:], 16) if isinstance(pen, str) else pen

    return lines if lines is None else [[pen_read(pen) for pen in line] for line in lines]


def test_json_has_its_keys_in_order_and_a_line_of_cells_a_line() -> None:
    art = art_of('a"\nb\\', [[1, DEFAULT_PEN]] * 2, colour="full", background="light")

    assert write(art, "json").decode() == (
        '{"calligram":1,\n"algorithm":"shape-1",\n"columns":2,\n"rows":2,\n'
        '"options":{"colour":"full","background":"light"},\n"colour":"full",\n'
        '"ink":"#000000",\n"page":"#ffffff",\n"palette":null,\n"characters":[\n'
        '"a\\"",\n"b\\\\"],\n"foreground":[\n["#000001",null],\n["#000001",null]],\n'
        '"background":[\n[null,null],\n[null,null]]}\n'
    )


@pytest.mark.parametrize("colour", ["16", "256"])
def test_json_brings_the_palette_that_its_pens_are_numbers_of(colour: str) -> None:
    read = json.loads(write(art_of("a", [[9]], colour=colour), "json"))

    assert len(read["palette"]) == int(colour)
    assert read["palette"][read["foreground"][0][0]] == "#ff0000"


# all


@pytest.mark.parametrize("format", FORMATS)
def test_art_at_the_limit_is_written_and_a_byte_over_it_is_refused(format: str) -> None:
    art = art_of("ab\ncd", [[1, 2]] * 2, colour="16")
    size = len(write(art, format))

    assert len(write(art, format, Limits(art_bytes_max=size))) == size
    with pytest.raises(ArtTooLarge, match="fewer columns") as refused:
        write(art, format, Limits(art_bytes_max=size - 1))
    assert refused.value.limit == size - 1
    assert refused.value.actual == size


@pytest.mark.parametrize("format", FORMATS)
def test_a_huge_art_is_refused_before_much_of_it_is_written(format: str) -> None:
    art = large_art("full", 1000, 100)

    with pytest.raises(ArtTooLarge) as refused:
        write(art, format, Limits(art_bytes_max=1000))

    assert refused.value.actual is not None
    assert refused.value.actual < 6_000_000


def test_an_unknown_format_is_refused_with_those_there_are() -> None:
    with pytest.raises(OptionsRefused, match="txt, ansi, html, svg, png, json"):
        write(art_of("a"), "gif\x1b")


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("code", [0x00, 0x0A, 0x1B, 0x7F, 0x9B, 0x9F])
def test_a_control_character_in_a_cell_is_never_written(format: str, code: int) -> None:
    art = dataclasses.replace(art_of("a"), characters=np.array([[code]], np.uint32))

    with pytest.raises(AssertionError, match="control"):
        write(art, format)


@pytest.mark.parametrize("format", ["txt", "ansi", "html", "svg", "json"])
@pytest.mark.parametrize("colour", ["none", "16", "256", "full"])
def test_a_text_ends_with_exactly_one_newline(format: str, colour: str) -> None:
    written = write(art_of("ab\ncd", colour=colour), format)

    assert written.endswith(b"\n")
    assert not written.endswith(b"\n\n")


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_is_named_as_its_key_and_suffix(name: str) -> None:
    assert FORMATS[name].name == name
    assert FORMATS[name].suffix == f".{name}"


def test_cutting_the_art_into_bands_changes_no_text(monkeypatch: pytest.MonkeyPatch) -> None:
    art = large_art("full", 7, 30)
    whole = {name: write(art, name) for name in FORMATS if name != "png"}

    monkeypatch.setattr("calligram.art.formats._cells.BAND_CELLS", 60)

    assert {name: write(art, name) for name in whole} == whole


# The bytes are a promise. A change here is a change of every answer that was ever given.
FOR_EVER = {
    "txt": "2487a359c66c4cc3",
    "ansi": "798da9ed2d735a6f",
    "html": "a29a60a021f86215",
    "svg": "c4ba3e441def8873",
    "png": "78cf4a119bf1786c",
    "json": "92dd95ecb991b3c2",
}


@pytest.mark.parametrize("format", FORMATS)
def test_the_bytes_of_a_format_never_change(format: str) -> None:
    text = "a<&█▀ \n  ⣿▄W@\n.~/█ a"
    pens = [[0, 0xFF0000, 0xFF0000, -1, 0x0A0B0C, 0xFFFFFF]] * 3
    art = art_of(text, pens, [line[::-1] for line in pens], colour="full", cell_aspect=0.6)

    written = write(art, format)

    assert hashlib.sha256(written).hexdigest()[:16] == FOR_EVER[format]


def test_the_example_in_the_documents_is_what_is_written() -> None:
    art = art_of(
        'a b\n<">',
        [[0xFF0000, 0xFF0000, DEFAULT_PEN], [1, 2, 3]],
        [[DEFAULT_PEN] * 3, [DEFAULT_PEN, DEFAULT_PEN, 0xFFEE00]],
        columns=3,
        colour="full",
        background="light",
    )

    assert f"```json\n{write(art, 'json').decode()}```" in DOCUMENT


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_is_documented_with_its_media_type(name: str) -> None:
    assert f"| `{name}` | `{FORMATS[name].media_type}` |" in DOCUMENT
    assert f"\n## {name}\n" in DOCUMENT
