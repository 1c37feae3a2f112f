"""The report in a real Chromium: it runs clean, loads nothing, fits a phone, its map reads."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import report_example as example
import report_example_models as assessed
import report_example_training as trained
from chromium import Browser, chromium, find_chromium

from gcai_ray.report import render_html, render_model

pytestmark = pytest.mark.skipif(
    find_chromium() is None, reason="Chromium is not installed (Debian: apt-get install chromium)"
)
CENTRE = """(() => {
  const mark = document.querySelector(%r);
  document.querySelector(".map").scrollIntoView({block: "center", behavior: "instant"});
  const box = mark.getBoundingClientRect();
  return [box.x + box.width / 2, box.y + box.height / 2];
})()"""
LOAD_IMAGE = """new Promise((done) => {
  const image = new Image();
  image.onerror = () => done(1);
  image.src = "http://127.0.0.1:9/x.png";
})"""
BEFORE_MAP = """(() => {
  const before = document.querySelector(".map-figure").previousElementSibling;
  before.tabIndex = -1;
  before.focus();
})()"""
TIP_BOX = "(r => [r.left, r.right])(document.getElementById('tip').getBoundingClientRect())"
VOTE_BARS_FIT = """[...document.querySelectorAll("rect.against")].every((part) => {
  const end = part.getBoundingClientRect().right, bar = part.closest("svg");
  return !bar.matches(".bar") || Math.abs(end - bar.parentNode.getBoundingClientRect().right) < 2;
})"""
CURVES_FILL = """[...document.querySelectorAll("svg.lines")].every((chart) => {
  const box = chart.getBoundingClientRect();
  return [...chart.querySelectorAll("polyline")].every((line) => {
    const own = line.getBoundingClientRect();
    return own.left > box.left - 4 && Math.abs(own.right - box.right) < 4
      && own.top > box.top - 4 && own.bottom < box.bottom + 4 && own.height > 20;
  });
})"""
TIP = "document.getElementById('tip').innerText"
FIRST = ".chosen a circle"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with chromium(tmp_path_factory.mktemp("profile")) as started:
        yield started


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    contents = {
        "example": example.example_content(),
        "model": example.model_content(),
        "ratified": example.ratified_content(),
        "guessed": example.guessed_content(),
        "hostile": example.hostile_content(),
        "trained": trained.trained_content(),
        "hostile training": trained.hostile_training(),
    }
    for name, content in contents.items():
        (folder / f"{name}.html").write_bytes(render_html(content).encode())
    models = {"assessed": assessed.assessed_content(), "hostile models": assessed.hostile_models()}
    for name, told in models.items():
        (folder / f"{name}.html").write_bytes(render_model(told).encode())
    return {name: folder / f"{name}.html" for name in (*contents, *models)}


def shown_tip(browser: Browser) -> str:
    hidden = browser.evaluate("document.getElementById('tip').hidden")
    return "" if hidden else browser.evaluate(TIP)


def press(browser: Browser, key: str) -> None:
    code = {"Tab": 9, "Escape": 27, "ArrowRight": 39, "Enter": 13}[key]
    for kind in ("rawKeyDown", "keyUp"):
        browser.send(
            "Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code
        )


def tap(browser: Browser, x: float, y: float) -> None:
    browser.send("Input.dispatchTouchEvent", type="touchStart", touchPoints=[{"x": x, "y": y}])
    browser.send("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])


@pytest.mark.parametrize(
    "name",
    [
        "example",
        "model",
        "ratified",
        "guessed",
        "hostile",
        "trained",
        "hostile training",
        "assessed",
        "hostile models",
    ],
)
@pytest.mark.parametrize("width", [1280, 390, 320])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_runs_clean_asks_for_nothing_and_fits(
    browser: Browser, pages: dict[str, Path], name: str, width: int, scheme: str
) -> None:
    browser.open(pages[name], width, scheme=scheme)
    assert browser.evaluate("document.documentElement.scrollWidth") == width
    assert browser.evaluate("window.pwned === undefined")
    assert not browser.seen("Log.entryAdded", "Runtime.exceptionThrown", "Runtime.consoleAPICalled")
    asked = {event["request"]["url"] for event in browser.seen("Network.requestWillBeSent")}
    assert asked == {pages[name].as_uri()}


def test_the_policy_is_in_force(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["example"], 1280)
    browser.evaluate(LOAD_IMAGE)
    refused = [event["entry"]["text"] for event in browser.seen("Log.entryAdded")]
    assert any("Content Security Policy" in text for text in refused)


def test_hover_shows_the_text_and_leaving_hides_it(
    browser: Browser, pages: dict[str, Path]
) -> None:
    browser.open(pages["example"], 1280)
    x, y = browser.evaluate(CENTRE % FIRST)
    browser.send("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
    tip = shown_tip(browser)
    assert example.CONTEXTUAL[0][0] in tip
    assert "Principle C1" in tip
    assert "13 people, 41 clauses" in tip
    browser.send("Input.dispatchMouseEvent", type="mouseMoved", x=2, y=2)
    assert shown_tip(browser) == ""


def test_hovering_a_point_names_its_group(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["example"], 1280)
    lone = ".points use[y='5.00%']"  # the highest point of the map stands alone
    x, y = browser.evaluate(CENTRE % lone)
    browser.send("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
    tip = shown_tip(browser)
    assert "One person’s words" in tip
    assert "(as person " in tip
    assert "In the group: " in tip


def test_marks_of_the_baseline_are_called_guesses(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["guessed"], 1280)
    x, y = browser.evaluate(CENTRE % FIRST)
    browser.send("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
    assert "41 guesses" in shown_tip(browser)
    x, y = browser.evaluate(CENTRE % ".points use[y='5.00%']")
    browser.send("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
    assert "One guess of the model" in shown_tip(browser)


def test_a_bar_of_votes_is_as_wide_as_its_card(browser: Browser, pages: dict[str, Path]) -> None:
    for width in (1280, 390):
        browser.open(pages["guessed"], width)
        assert browser.evaluate(VOTE_BARS_FIT)


def test_the_curves_of_training_fill_their_charts(browser: Browser, pages: dict[str, Path]) -> None:
    for width in (1280, 390):
        browser.open(pages["trained"], width)
        assert browser.evaluate(CURVES_FILL)


def test_the_keyboard_reads_every_group(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["example"], 1280)
    browser.evaluate(BEFORE_MAP)
    press(browser, "Tab")
    assert "Principle C1" in shown_tip(browser)
    read = set()
    for _ in range(19):
        press(browser, "ArrowRight")
        read.add(shown_tip(browser))
    assert len(read) == 19
    assert "Principle C1" in shown_tip(browser)
    press(browser, "Escape")
    assert shown_tip(browser) == ""
    press(browser, "Enter")
    assert browser.evaluate("location.hash") == "#contextual-1"


def test_the_first_tap_reads_and_the_second_follows(
    browser: Browser, pages: dict[str, Path]
) -> None:
    browser.open(pages["example"], 390)
    x, y = browser.evaluate(CENTRE % ".chosen a:nth-child(4) circle")
    tap(browser, x, y)
    assert "Principle C4" in shown_tip(browser)
    assert browser.evaluate("location.hash") == ""
    tap(browser, x, y)
    assert browser.evaluate("location.hash") == "#contextual-4"


def test_the_tooltip_stays_on_the_page_of_a_phone(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["hostile"], 390)
    x, y = browser.evaluate(CENTRE % FIRST)
    tap(browser, x, y)
    box = browser.evaluate(TIP_BOX)
    assert box[0] >= 0
    assert box[1] <= 390


def test_it_reads_without_javascript(browser: Browser, pages: dict[str, Path]) -> None:
    browser.send("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.open(pages["example"], 1280)
        titles = browser.evaluate("document.querySelectorAll('[data-mark] > title').length")
    finally:
        browser.send("Emulation.setScriptExecutionDisabled", value=False)
    assert titles == 619
