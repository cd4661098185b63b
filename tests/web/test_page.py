"""
The page at `/`, used in a real browser as a person would use it, against the real service.

Every test also fails where the browser's console holds an error: a script that threw, or
something that the content security policy had to stop.
"""

from __future__ import annotations

import base64
import io
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright
from skimage import data

import calligram
from calligram.art.options import OPTIONS
from web_server import Server

PAGE_FOLDER = Path(calligram.__file__).parent / "web" / "page"
BROWSER_FLAGS = [
    "--no-sandbox",  # which can't be had as root
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
STARTS = {
    "txt": b"",
    "ansi": b"\x1b[",
    "html": b"<pre ",
    "svg": b"<svg ",
    "png": b"\x89PNG\r\n\x1a\n",
    "json": b'{"calligram":',
}

in_browser = pytest.mark.server("chromium")


@pytest.fixture
def address(server: Server) -> str:
    """Where the service runs."""
    return f"http://127.0.0.1:{server.port}/"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        executable = "/usr/bin/chromium"
        browser = playwright.chromium.launch(executable_path=executable, args=BROWSER_FLAGS)
        yield browser
        browser.close()


class Refusals:
    """How many answers over 399 a test expects: the browser writes each to its console."""

    expected = False


@pytest.fixture
def refusals() -> Refusals:
    return Refusals()


@pytest.fixture
def page(browser: Browser, address: str, refusals: Refusals) -> Iterator[Page]:
    """The page, opened, with the sample drawn; at its end, no error may have been seen."""
    context = browser.new_context(
        viewport={"width": 1280, "height": 900}, accept_downloads=True, reduced_motion="reduce"
    )
    context.set_default_timeout(20_000)
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=address)
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
    page.goto(address)
    expect_art(page, 80)
    yield page
    context.close()
    if refusals.expected:
        errors = [error for error in errors if not error.startswith("Failed to load resource")]
    assert errors == []


@pytest.fixture(scope="module")
def picture() -> bytes:
    """A real photograph, small, as PNG."""
    small = Image.fromarray(data.astronaut()).resize((256, 256))
    content = io.BytesIO()
    small.save(content, "PNG")
    return content.getvalue()


def expect_art(page: Page, columns: int) -> None:
    """Wait until art with so many columns is shown, and nothing more is under way."""
    expect(page.locator("#facts")).to_contain_text(f"· {columns} × ", timeout=20_000)
    expect(page.locator("#frame")).to_have_attribute("aria-busy", "false")


def expect_text(page: Page, text: str) -> None:
    expect(page.locator("#text")).to_have_js_property("textContent", text, timeout=20_000)


def choose(page: Page, content: bytes, name: str = "photo.png") -> None:
    page.set_input_files("#file", {"name": name, "mimeType": "image/png", "buffer": content})


DROP = """([content, name]) => {
    const transfer = new DataTransfer();
    transfer.items.add(new File([new Uint8Array(content)], name, { type: "image/png" }));
    const options = { dataTransfer: transfer, bubbles: true, cancelable: true };
    for (const step of ["dragover", "drop"]) {
        document.querySelector("#frame").dispatchEvent(new DragEvent(step, options));
    }
}"""

PASTE = """async (content) => {
    const blob = new Blob([new Uint8Array(content)], { type: "image/png" });
    await navigator.clipboard.write([new ClipboardItem({ "image/png": blob })]);
}"""


def drop(page: Page, content: bytes, name: str) -> None:
    page.evaluate(DROP, [list(content), name])


# --- Pictures come in ----------------------------------------------------------------------


@in_browser
def test_a_chosen_picture_is_drawn_as_the_library_draws_it(page: Page, picture: bytes) -> None:
    choose(page, picture)

    expect_text(page, calligram.render(picture).text)
    expect(page.get_by_role("img", name="Text art of photo.png, 80 by 40")).to_be_visible()


@in_browser
def test_a_dropped_picture_is_drawn(page: Page, picture: bytes) -> None:
    drop(page, picture, "dropped.png")

    expect_text(page, calligram.render(picture).text)
    expect(page.locator("#picture-name")).to_have_text("dropped.png")


@in_browser
def test_a_pasted_picture_is_drawn(page: Page) -> None:
    # The clipboard packs pictures anew, so one that no packing changes: black and white halves.
    halves = Image.fromarray(np.repeat(np.uint8([[0, 255]]), 64, axis=1).repeat(64, axis=0))
    content = io.BytesIO()
    halves.save(content, "PNG")
    page.evaluate(PASTE, list(content.getvalue()))

    page.locator("h1").click()
    page.keyboard.press("Control+V")

    expect(page.locator("#picture-name")).to_have_text("pasted.png")
    expect_text(page, calligram.render(content.getvalue()).text)


# --- Art follows the controls --------------------------------------------------------------


@in_browser
def test_the_columns_slider_changes_the_art(page: Page, picture: bytes) -> None:
    choose(page, picture)

    page.locator("#columns-slider").focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")

    expect_text(page, calligram.render(picture, columns=83).text)
    expect(page.locator("#columns")).to_have_value("83")


@in_browser
def test_every_option_reaches_the_art(page: Page, picture: bytes) -> None:
    choose(page, picture)

    page.locator("#columns").fill("60")
    page.locator("#rows-auto").uncheck()
    page.locator("#rows").fill("25")
    page.locator("#algorithm").select_option("ramp-1")
    page.locator("#characters").select_option(label="your own…")
    page.locator("#own").fill(" .oO@")
    page.get_by_role("radio", name="256").check(force=True)
    page.get_by_role("radio", name="light").check(force=True)
    page.locator("#invert").check()
    page.locator("#dither").select_option("ordered")

    options = {"columns": 60, "rows": 25, "algorithm": "ramp-1", "characters": " .oO@"}
    looks = {"colour": "256", "background": "light", "invert": True, "dither": "ordered"}
    expect_text(page, calligram.render(picture, **options, **looks).text)


@in_browser
def test_the_cells_aspect_changes_the_rows(page: Page, picture: bytes) -> None:
    choose(page, picture)

    page.locator("#cell-aspect").fill("1")

    expect_text(page, calligram.render(picture, cell_aspect=1).text)


@in_browser
def test_reset_brings_the_defaults_back(page: Page, picture: bytes) -> None:
    choose(page, picture)
    page.locator("#columns").fill("60")
    page.locator("#characters").select_option("braille")
    expect_text(page, calligram.render(picture, columns=60, characters="braille").text)

    page.locator("#reset").click()

    expect_text(page, calligram.render(picture).text)


@in_browser
@pytest.mark.parametrize(
    ("characters", "colour"),
    [("ascii", "full"), ("blocks", "16"), ("eighths", "none"), ("sextants", "none")],
)
def test_art_on_screen_looks_as_its_png_does(
    page: Page, picture: bytes, characters: str, colour: str
) -> None:
    choose(page, picture)
    page.locator("#characters").select_option(characters)
    page.get_by_role("radio", name=colour, exact=True).check(force=True)
    art = calligram.render(picture, characters=characters, colour=colour)
    expect_text(page, art.text)
    expect(page.locator("#frame")).to_have_attribute("aria-busy", "false")

    shown = page.evaluate("() => document.querySelector('#canvas').toDataURL()")

    found = quarters(base64.b64decode(shown.partition(",")[2]), art)
    assert np.abs(found - quarters(art.to("png"), art)).mean() < 4


def quarters(png: bytes, art: calligram.Art) -> np.ndarray:
    """The mean colours of each cell's quarters: no font's details, but where its ink is."""
    image = Image.open(io.BytesIO(png)).convert("RGB")
    small = image.resize((2 * art.columns, 2 * art.rows), Image.Resampling.BOX)
    return np.asarray(small, float)


@in_browser
def test_an_answer_that_comes_too_late_is_given_up(page: Page, picture: bytes) -> None:
    held = []
    gone = []
    page.route("**/v1/art.json?columns=200", lambda route: held.append(route))
    page.on("requestfailed", lambda request: gone.append(request.url))
    choose(page, picture)
    expect_text(page, calligram.render(picture).text)

    with page.expect_request("**/v1/art.json?columns=200"):
        page.locator("#columns").fill("200")
    page.locator("#columns").fill("60")

    expect_art(page, 60)
    expect_text(page, calligram.render(picture, columns=60).text)
    assert [url.endswith("columns=200") for url in gone] == [True]


# --- Art goes out --------------------------------------------------------------------------


@in_browser
def test_copy_puts_the_text_on_the_clipboard(page: Page, picture: bytes) -> None:
    choose(page, picture)
    expect_text(page, calligram.render(picture).text)

    page.get_by_role("button", name="Copy text").click()

    expect(page.locator("#done")).to_contain_text("is on the clipboard")
    copied = page.evaluate("() => navigator.clipboard.readText()")
    assert copied == calligram.render(picture).text + "\n"


@in_browser
@pytest.mark.parametrize("format", calligram.FORMATS)
def test_a_download_holds_the_art_in_its_format(page: Page, picture: bytes, format: str) -> None:
    choose(page, picture)
    page.get_by_role("radio", name="16", exact=True).check(force=True)
    expect_text(page, calligram.render(picture, colour="16").text)

    with page.expect_download() as download:
        page.get_by_role("button", name=f"Download {format}").click()

    content = Path(download.value.path()).read_bytes()
    assert download.value.suggested_filename == f"photo.{format}"
    assert content.startswith(STARTS[format])
    assert content == calligram.render(picture, colour="16").to(format)


@pytest.mark.server("chromium", "curl")
@pytest.mark.parametrize(("colour", "format"), [("none", "txt"), ("full", "ansi")])
def test_the_command_gives_the_same_art(
    page: Page, picture: bytes, tmp_path: Path, colour: str, format: str
) -> None:
    name = "it's $HOME & more.png"
    (tmp_path / name).write_bytes(picture)
    choose(page, picture, name)
    page.locator("#characters").select_option(label="your own…")
    page.locator("#own").fill(" '&%\"\\@")
    page.get_by_role("radio", name=colour).check(force=True)
    art = calligram.render(picture, characters=" '&%\"\\@", colour=colour)
    expect_text(page, art.text)

    page.get_by_role("button", name="Copy command").click()
    expect(page.locator("#done")).to_contain_text("is on the clipboard")
    command = page.evaluate("() => navigator.clipboard.readText()")
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    answer = subprocess.run(
        ["sh", "-c", command], cwd=tmp_path, env=environment, capture_output=True, check=True
    )

    assert answer.stdout == art.to(format)


# --- What goes wrong is told ---------------------------------------------------------------


@in_browser
def test_a_broken_picture_is_told_in_words_and_the_next_one_is_drawn(
    page: Page, picture: bytes, refusals: Refusals
) -> None:
    refusals.expected = True
    choose(page, picture[: len(picture) // 2], "broken.png")
    expect(page.get_by_role("alert")).to_contain_text("cut short")

    choose(page, picture)

    expect(page.get_by_role("alert")).to_be_empty()
    expect_text(page, calligram.render(picture).text)


@in_browser
def test_a_picture_over_the_limit_is_told_before_it_is_sent(page: Page) -> None:
    sent = []
    page.on("request", lambda request: sent.append(request.url))

    choose(page, bytes(1_000_001))

    expect(page.get_by_role("alert")).to_contain_text("1,000,001 bytes, and the limit is 1,000,000")
    assert [url for url in sent if "/v1/" in url] == []


@in_browser
def test_an_option_out_of_range_is_told_with_its_limit(page: Page, refusals: Refusals) -> None:
    refusals.expected = True

    page.locator("#columns").fill("1001")

    expect(page.get_by_role("alert")).to_contain_text("1 to 1000, not 1001")
    page.locator("#columns").fill("1000")
    expect_art(page, 1000)


@in_browser
def test_a_busy_service_is_asked_again_when_it_said(page: Page, refusals: Refusals) -> None:
    refusals.expected = True
    asked = []

    def busy_once(route) -> None:  # type: ignore[no-untyped-def] # Playwright's Route
        asked.append(route.request.url)
        if len(asked) > 1:
            return route.fallback()
        body = '{"detail": "all renders are taken"}'
        return route.fulfill(status=503, headers={"Retry-After": "1"}, body=body)

    page.route("**/v1/art.json?columns=90", busy_once)
    page.locator("#columns").fill("90")

    expect(page.get_by_role("alert")).to_have_text("All renders are taken. Trying again in 1 s.")
    expect_art(page, 90)
    expect(page.get_by_role("alert")).to_be_empty()


@in_browser
def test_a_service_that_is_gone_is_told(page: Page, refusals: Refusals) -> None:
    refusals.expected = True
    page.route("**/v1/art.json?columns=90", lambda route: route.abort())

    page.locator("#columns").fill("90")

    expect(page.get_by_role("alert")).to_have_text("The service could not be reached.")


# --- For everyone --------------------------------------------------------------------------

CONTROLS = """() => {
    const all = document.querySelectorAll("a[href], button, input, select, [tabindex='0']");
    const shown = [...all].filter((one) => !one.disabled && one.getClientRects().length);
    // A radio group is one stop: arrows move within it.
    const told = (one) => one.type === "radio" ? one.name : one.cloneNode(false).outerHTML;
    return [...new Set(shown.map(told))];
}"""
FOCUSED = """() => {
    const one = document.activeElement;
    return one.type === "radio" ? one.name : one.cloneNode(false).outerHTML;
}"""
NAMELESS = """() => [...document.querySelectorAll("button, input, select")]
    .filter((one) => !one.labels?.length && !one.ariaLabel && !one.textContent.trim())
    .map((one) => one.outerHTML)"""


@in_browser
def test_the_keyboard_reaches_every_control(page: Page, picture: bytes) -> None:
    choose(page, picture)
    expect_text(page, calligram.render(picture).text)
    page.locator("#characters").select_option(label="your own…")
    wanted = page.evaluate(CONTROLS)
    page.evaluate("() => document.activeElement.blur()")

    reached = set()
    for _ in range(len(wanted) + 5):
        page.keyboard.press("Tab")
        reached.add(page.evaluate(FOCUSED))

    assert [control for control in wanted if control not in reached] == []


@in_browser
def test_every_control_has_a_name(page: Page) -> None:
    assert page.evaluate(NAMELESS) == []


@in_browser
@pytest.mark.parametrize("width", [320, 390, 1280])
def test_nothing_sticks_out_of_the_window(page: Page, picture: bytes, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 844})
    choose(page, picture, f"{'a-long-name' * 20}.png")
    page.locator("#columns").fill("300")
    expect_art(page, 300)

    assert page.evaluate("() => document.documentElement.scrollWidth") <= width
    assert page.locator("#art").bounding_box()["width"] <= width


@in_browser
def test_light_and_dark_follow_the_reader(page: Page) -> None:
    paper = "() => getComputedStyle(document.body).backgroundColor"
    page.emulate_media(color_scheme="light")
    light = page.evaluate(paper)

    page.emulate_media(color_scheme="dark")

    assert page.evaluate(paper) != light


@pytest.mark.parametrize("word", [*OPTIONS, *calligram.FORMATS])
def test_the_help_text_names_every_option_and_format(word: str) -> None:
    assert word in (PAGE_FOLDER / "help.txt").read_text()


# --- A link -------------------------------------------------------------------------------------


@in_browser
def test_nothing_is_kept_before_it_is_asked_for(page):
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))

    page.reload()
    expect_art(page, 80)

    expect(page.locator("#keep")).to_be_visible()
    expect(page.locator("#link-address")).to_be_hidden()
    assert any("/v1/art" in url for url in asked)
    assert [url for url in asked if "/v1/pictures" in url] == []


@in_browser
def test_a_link_to_the_art_can_be_made(page, server):
    page.locator("#columns").fill("33")
    page.locator("#algorithm").select_option("ramp-1")
    expect(page.locator("#facts")).to_contain_text("ramp-1 · 33 × ")

    page.locator("#keep").click()
    expect(page.locator("#link-address")).to_be_visible()
    link = page.locator("#link-address").inner_text()
    shown = page.locator("#text").inner_text()
    reply = server.get(link.partition(f":{server.port}")[2])

    assert link.endswith("/art/ramp-1.txt?columns=33")
    assert reply.headers["Cache-Control"].endswith("immutable")
    assert reply.text.rstrip("\n") == shown.rstrip("\n")


@in_browser
def test_the_link_follows_the_options_and_leaves_with_the_picture(page, picture):
    page.locator("#keep").click()
    expect(page.locator("#link-address")).to_be_visible()

    page.locator("#columns").fill("21")
    expect(page.locator("#link-address")).to_contain_text("/art/shape-1.txt?columns=21")
    page.locator("#copy-markdown").click()
    copied = page.evaluate("navigator.clipboard.readText()")
    page.locator("#file").set_input_files(
        {"name": "other.png", "mimeType": "image/png", "buffer": picture}
    )

    expect(page.locator("#link-address")).to_be_hidden()
    expect(page.locator("#keep")).to_be_visible()
    assert copied.startswith("![calligram-sample.png](http://127.0.0.1:")
    assert copied.endswith("/art/shape-1.png?columns=21)")
