"""The page in a real browser: from a table to its answers, by mouse and by keyboard.

TUNEWELL_SHOTS names a folder for a picture of each page, at desktop and at phone width.
"""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")
AXE = Path(sys.prefix) / "axe/node_modules/axe-core/axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
MOST_CLICKS = 12
PATIENCE = 300_000
WIDTHS = {"desk": (1280, 900), "phone": (375, 812), "200 per cent": (640, 450)}
"""A desktop at a zoom of 200 per cent has half the pixels."""

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = pytest.mark.skipif(BROWSER is None, reason="there is no chromium to test with")


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """Where a page is served, by the command that people type."""
    argv = [sys.executable, "-m", "tunewell", "web", "--port", "0", "--quiet", "--json"]
    folder = tmp_path_factory.mktemp("page")
    server = subprocess.Popen(argv, cwd=folder, stdout=subprocess.PIPE, text=True)
    lines = iter(server.stdout.readline, "")
    told = "".join(next(lines) for _ in range(3))
    yield json.loads(told)["address"].rstrip("/")
    server.send_signal(signal.SIGINT)
    server.wait(timeout=30)


@pytest.fixture(scope="module")
def browser():
    """Chromium without a window."""
    with sync_api.sync_playwright() as play:
        opened = play.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def tab(browser):
    """A tab in which anything that the browser complains of fails the test."""
    context = browser.new_context(reduced_motion="reduce", accept_downloads=True)
    context.set_default_timeout(PATIENCE)
    opened, complaints = context.new_page(), []
    opened.on("console", lambda said: said.type == "error" and complaints.append(said.text))
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    yield opened
    context.close()
    assert complaints == []


def look_at(tab, name):
    """No barrier that axe knows of, in light and dark; nothing that needs scrolling sideways."""
    for scheme in ("light", "dark") if AXE.exists() else ():
        tab.emulate_media(color_scheme=scheme)
        tab.evaluate(AXE.read_text(encoding="utf-8"))
        found = tab.evaluate("rules => axe.run(document, {runOnly: rules})", RULES)
        told = [(v["id"], [node["target"] for node in v["nodes"]]) for v in found["violations"]]
        assert told == [], (name, scheme)
    tab.emulate_media(color_scheme="light")
    for width, (across, down) in WIDTHS.items():
        tab.set_viewport_size({"width": across, "height": down})
        over = tab.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert over <= 0, (name, width)
        if os.environ.get("TUNEWELL_SHOTS") and width != "200 per cent":
            path = Path(os.environ["TUNEWELL_SHOTS"], f"{name}-{width}.png")
            tab.screenshot(path=path, full_page=True)
    tab.set_viewport_size({"width": 1280, "height": 900})
    headings = tab.evaluate("[...document.querySelectorAll('h1,h2,h3')].map(h => +h.tagName[1])")
    assert headings.count(1) == 1 and headings[0] == 1, name
    assert all(after <= before + 1 for before, after in pairwise(headings))


def test_axe_is_there_to_judge():
    if not AXE.exists():
        pytest.skip(f"axe-core is not in {AXE.parent}: `make test` installs it where npm is")
    assert "axe" in AXE.read_text(encoding="utf-8")[:200]


def test_from_the_example_to_its_answers_in_twelve_clicks(tab, address, tmp_path):
    walk(tab, address, tmp_path, None)
    tab.goto(address + "/side-by-side")
    look_at(tab, "8-side-by-side")


def test_what_went_wrong_and_settings_are_as_easy_to_read(browser, address, tmp_path):
    context = browser.new_context(reduced_motion="reduce")
    context.set_default_timeout(PATIENCE)
    tab = context.new_page()
    tab.goto(address + "/runs/none/data")
    look_at(tab, "9-not-there")
    wrong = tmp_path / "one.csv"
    wrong.write_text("text\n" + "a text\n" * 30)
    tab.goto(address)
    tab.get_by_label("Choose a file, or drop it here").set_input_files(wrong)
    tab.get_by_role("button", name="Look at the rows").click()
    tab.get_by_role("link", name="Choose another file").wait_for()
    look_at(tab, "9-no-use")
    tab.goto(address)
    tab.get_by_role("button", name="Reviews with points").click()
    tab.get_by_role("link", name="Yes, these are right").click()
    tab.get_by_text("It is another kind").click()
    look_at(tab, "9-kinds")
    tab.goto(tab.url.replace("/question", "/methods"))
    for drawer in tab.locator("main summary").all():
        drawer.click()
    look_at(tab, "9-drawer")
    box = tab.locator("[name=methods]").first
    context.set_offline(True)
    box.click()
    tab.get_by_text("The program behind this page does not answer").wait_for()
    context.set_offline(False)
    box.click()
    tab.locator("#gone").wait_for(state="hidden")
    context.close()


def test_the_same_with_a_real_table(tab, address, tmp_path, real_data):
    walk(tab, address, tmp_path, next((real_data / "sms_spam").glob("*.[ct]sv*")))


def walk(tab, address, tmp_path, table):
    """All five steps with a table, or with the example, whose pages are looked at as well."""
    look = look_at if table is None else lambda tab, name: None
    new = tmp_path / "new.csv"
    new.write_text("text\nWhere is my parcel?\nI want my money back.\n")
    clicks = 0

    def click(role, name):
        nonlocal clicks
        clicks += 1
        tab.get_by_role(role, name=name).click()

    tab.goto(address)
    look(tab, "1-begin")
    if table is None:
        click("button", "Messages to a shop")
    else:
        clicks += 1  # the button that opens the dialogue of files
        tab.get_by_label("Choose a file, or drop it here").set_input_files(table)
        click("button", "Look at the rows")
    tab.get_by_role("link", name="Yes, these are right").wait_for()
    look(tab, "2-data")
    click("link", "Yes, these are right")
    tab.get_by_role("button", name="Yes, predict this").wait_for()
    look(tab, "3-question")
    click("button", "Yes, predict this")
    look(tab, "4-methods")
    click("button", "Tick none")
    click("checkbox", "Majority")
    click("checkbox", "Bag of words")
    click("button", "Start")
    tab.get_by_role("button", name="Stop, and keep what is done").wait_for()
    look(tab, "5-run")
    click("link", "See the result")
    assert tab.get_by_role("heading", level=1).inner_text().startswith("Right in ")
    look(tab, "6-result")
    tab.get_by_label("Text of your own").fill("I was charged twice for the lamp.")
    click("button", "What is it?")
    tab.locator(".answer").wait_for()
    assert "sure" in tab.locator(".answer").inner_text()
    look(tab, "7-answer")
    clicks += 1
    tab.get_by_label("A table with new texts").set_input_files(new)
    with tab.expect_download() as download:
        click("button", "Answer and download")
    rows = list(csv.DictReader(download.value.path().open(encoding="utf-8-sig")))
    assert [row["text"] for row in rows] == ["Where is my parcel?", "I want my money back."]
    assert all(row["answer"] and 0 < float(row["confidence"]) <= 1 for row in rows)
    assert clicks <= MOST_CLICKS


def test_all_of_it_by_keyboard_with_the_focus_in_sight(tab, address):
    def go_to(name):
        """Tab until something of that name has the focus, which must be seen all the way."""
        tab.wait_for_load_state("load")
        for _ in range(150):
            tab.keyboard.press("Tab")
            told = tab.evaluate(
                """() => {
                  const at = document.activeElement, style = getComputedStyle(at);
                  if (at === document.body) return null;
                  const label = at.labels && at.labels.length ? at.labels[0].textContent : "";
                  return [(label || at.textContent || "").trim(),
                          style.outlineStyle, parseFloat(style.outlineWidth)];
                }"""
            )
            if told is None:  # past the last control, before the first again
                continue
            assert told[1] != "none" and told[2] >= 2, told
            if told[0].startswith(name):
                return
        raise AssertionError(f"no way to {name} by keyboard")

    def press(name, key="Enter"):
        go_to(name)
        tab.keyboard.press(key)

    tab.goto(address)
    press("Skip to the content")
    press("Messages to a shop")
    tab.get_by_role("link", name="Yes, these are right").wait_for()
    press("Yes, these are right")
    tab.get_by_role("button", name="Yes, predict this").wait_for()
    press("Yes, predict this")
    tab.get_by_role("button", name="Tick none").wait_for()
    press("Tick none", "Space")
    press("Majority", "Space")
    press("Start")
    tab.get_by_role("link", name="See the result").wait_for()
    press("See the result")
    tab.get_by_label("Text of your own").wait_for()
    go_to("Text of your own")
    tab.keyboard.type("Where is my parcel?")
    press("What is it?")
    tab.locator(".answer").wait_for()
