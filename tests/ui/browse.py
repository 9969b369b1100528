"""Uses the page as a person would, in headless Chromium; prints what happened as JSON.

Run by tests/ui/test_page.py in an environment with Playwright: URL SOURCE DRIVING RESULT SCREENSHOT
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from playwright.sync_api import Page, sync_playwright


def wait_for_state(page: Page, *words: str) -> str:
    """The page's line of progress, once it has one of these words."""
    for _ in range(600):
        text = page.inner_text("#state")
        if any(word in text for word in words):
            return text
        time.sleep(0.2)
    raise TimeoutError(text)


def main(url: str, source: str, driving: str, result: str, screenshot: str) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox"]
        )
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(url)
        page.wait_for_selector("#animate")
        page.locator("input[type=file]").nth(0).set_input_files(source)
        page.locator("input[type=file]").nth(1).set_input_files(driving)
        page.wait_for_selector("video")
        page.get_by_label("Crop to the face").check()
        page.get_by_label("Side by side").check()
        page.get_by_role("button", name="Preview the crop").click()
        page.wait_for_selector("img[alt='']", timeout=60_000)
        page.click("#animate")
        done = wait_for_state(page, "Done")
        with page.expect_download() as download:
            page.get_by_label("Download").first.click()
        download.value.save_as(result)
        page.screenshot(path=screenshot, full_page=True)
        page.click("#animate")
        wait_for_state(page, "%", "Starting")
        page.get_by_role("button", name="Cancel").click()
        cancelled = wait_for_state(page, "Cancelled")
        browser.close()
    outside = [address for address in asked if not address.startswith((url, "data:", "blob:"))]
    print(json.dumps({"done": done, "cancelled": cancelled, "outside": outside}))


if __name__ == "__main__":
    main(*sys.argv[1:])
    assert Path(sys.argv[4]).is_file()
