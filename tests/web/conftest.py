"""A real browser for the tests of the web page; they are skipped where there is none."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next(filter(None, map(shutil.which, NAMES)), None)


@pytest.fixture(scope="session")
def chromium():
    """Starts Chromium with arguments of its own; closes what was started."""
    api = pytest.importorskip("playwright.sync_api", reason="playwright drives the browser")
    if CHROMIUM is None:
        pytest.skip("chromium is not installed: the web page is not tested")
    with api.sync_playwright() as playwright:
        browsers = []

        def start(*arguments: str):
            line = ["--no-sandbox", "--autoplay-policy=no-user-gesture-required", *arguments]
            browsers.append(playwright.chromium.launch(executable_path=CHROMIUM, args=line))
            return browsers[-1]

        yield start
        for browser in browsers:
            browser.close()


@pytest.fixture(scope="session")
def browser(chromium):
    """One without a camera."""
    return chromium()


@pytest.fixture(scope="session")
def make_page(tmp_path_factory):
    """Makes the page of a model folder or an exported one, with what `export.web` takes."""
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed: the web page cannot be made")
    from export.web import main

    def make(model: Path, name: str = "page", *options: str) -> Path:
        out = tmp_path_factory.mktemp("web") / name
        main(["--model", str(model), "--out", str(out), *options])
        return out

    return make
