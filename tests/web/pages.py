"""Serves the web page and opens it."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from threading import Thread

from fomm_tf.serve import page_server

# A page of the server's that runs nothing of its own.
BLANK = "litert/LICENSE"


@contextmanager
def served(folder: Path):
    """The address of a page's folder, by the product's own server."""
    with page_server(folder, port=0) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()


@contextmanager
def opened(browser, address: str, **options):
    """A page in a profile of its own, which may ask this computer for files, and nobody else."""
    with browser.new_context(**options) as context:
        page = context.new_page()
        asked: list[str] = []
        context.on("request", lambda request: asked.append(request.url))
        page.goto(address)
        yield page
        local = ("http://127.0.0.1:", "blob:", "data:", "file:")
        assert asked and [url for url in asked if not url.startswith(local)] == []
