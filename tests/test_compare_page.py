"""The page of a comparison in a real Chromium: it runs clean, loads nothing, fits a phone, and
hostile text stays text.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import constitution_example as example
import pytest
from chromium import Browser, chromium, find_chromium
from compare_example import Said, write_run
from hostile import HOSTILE

from gcai_ray.comparison import compare
from gcai_ray.stages.embed import embedded

in_browser = pytest.mark.skipif(
    find_chromium() is None, reason="Chromium is not installed (Debian: apt-get install chromium)"
)
SAID = (
    Said("ann", "it is honest"),
    Said("bob", "be kind", "general"),
    Said("cid", "short", split="test"),
)
TITLE = "</title><script>window.pwned = 1</script>\u202eevil <img src=x onerror='pwned = 1'>"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("page")
    built = example.constitution(title=TITLE)
    run = write_run(folder / "run", SAID, embedded([one.text for one in SAID]), built)
    hostile = folder / "<b>list.json"
    # `listed` twice, so that hostile text stands among the matched as well.
    hostile.write_text(json.dumps(list(HOSTILE.values())))
    path = folder / "page.html"
    text = compare([str(run), str(hostile), str(hostile)], str(path))
    assert all(c.isprintable() or c in "\n\u200c\u200d" for c in text)
    return path


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with chromium(tmp_path_factory.mktemp("profile")) as started:
        yield started


@in_browser
@pytest.mark.parametrize("width", [1280, 390, 320])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_runs_clean_asks_for_nothing_and_fits(
    browser: Browser, page: Path, width: int, scheme: str
) -> None:
    browser.open(page, width, scheme=scheme)
    assert browser.evaluate("document.documentElement.scrollWidth") == width
    assert browser.evaluate("window.pwned === undefined")
    assert browser.evaluate("document.querySelectorAll('script, img, b').length") == 0
    assert not browser.seen("Log.entryAdded", "Runtime.exceptionThrown", "Runtime.consoleAPICalled")
    asked = {event["request"]["url"] for event in browser.seen("Network.requestWillBeSent")}
    assert asked == {page.as_uri()}


@in_browser
def test_the_style_is_applied_under_its_policy(browser: Browser, page: Path) -> None:
    browser.open(page, 1280)
    shown = "getComputedStyle(document.querySelector('.listed div')).display"
    assert browser.evaluate(shown) == "grid"


def test_every_principle_stands_in_an_element_of_its_own_direction(page: Path) -> None:
    html = page.read_text(encoding="utf-8")
    assert "&lt;script&gt;alert(" in html
    assert "<bdi>الإجابة الأولى أوضح." in html
    assert "\u202e" not in html
