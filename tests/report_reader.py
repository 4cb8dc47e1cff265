"""Reads Snakemake's HTML report as a person would: in Chromium, clicking on everything in it."""

import contextlib
import io
import json
import math
import shutil
import zipfile

import PIL.Image
import pytest

SECONDS = 300  # that a busy machine may take for what is waited for
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@contextlib.contextmanager
def opened(report, folder):
    """The report's page from the zip file `report`, unpacked into `folder`, and a list of what goes wrong on it."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="reading the HTML report needs playwright")
    if not CHROMIUM:
        pytest.skip("reading the HTML report needs Chromium: apt-get install chromium")
    with zipfile.ZipFile(report) as archive:
        archive.extractall(folder)
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"], timeout=SECONDS * 1000
        )
        page = browser.new_page(viewport={"width": 1500, "height": 900})
        page.set_default_timeout(SECONDS * 1000)
        wrong = []
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
        page.on("requestfailed", lambda request: wrong.append(f"{request.url}: {request.failure}"))
        page.on("request", lambda asked: wrong.append(asked.url) if asked.url.startswith("http") else None)
        page.goto((folder / report.stem / "report.html").as_uri())
        page.get_by_text("Results", exact=True).first.wait_for()
        yield page, wrong
        browser.close()


def items(page):
    """{path: what the report says about it} for every item, with its `category` and `subcategory`."""
    content = json.loads(page.evaluate("JSON.stringify({categories, results})"))
    return {
        path: {**content["results"][path], "category": category, "subcategory": subcategory}
        for category, kinds in content["categories"].items()
        for subcategory, paths in kinds.items()
        for path in paths
    }


def visit(page, path, item):
    """Click through to an item and on its two buttons, and check that it shows; returns its frame and its caption."""
    page.evaluate("app.setView({navbarMode: 'menu'})")
    click(page, "Results" if page.evaluate("isSingleCategory()") else item["category"])
    if page.evaluate("app.state.navbarMode") == "category":  # with a single subcategory there is nothing to choose
        click(page, item["subcategory"])
    row = page.locator("tbody tr").filter(has=page.get_by_text(item["labels"]["shows"], exact=True)).first
    press(row.locator("a").nth(0))
    frame = page.locator(f"iframe[src='{item['data_uri']}']")
    frame.wait_for()
    inside = frame.element_handle().content_frame()
    inside.wait_for_load_state()
    if path.endswith(".html"):
        inside.locator("tbody tr:visible").first.wait_for()
    else:
        assert paper(page, frame) > 0.02
    press(row.locator("a").nth(1))
    caption = page.locator(".prose-invert")
    caption.wait_for()
    return inside, caption.inner_text()


def paper(page, frame, attempts=600):
    """The share of white in the browser's view of a PDF page, which takes a moment to be drawn, or many."""
    for _ in range(attempts):
        colours = PIL.Image.open(io.BytesIO(frame.screenshot())).convert("RGB")
        share = sum(n for n, colour in colours.getcolors(2**24) if colour == (255, 255, 255)) / math.prod(colours.size)
        if share > 0.02:
            break
        page.wait_for_timeout(100)
    return share


def click(page, text):
    """Click on an entry of the menu."""
    press(page.locator("li a").filter(has=page.get_by_text(text, exact=True)).first)


def press(link):
    """Click on what is visible; not by position, which shifts while the browser lays out the view of a PDF."""
    link.wait_for()
    link.dispatch_event("click")
