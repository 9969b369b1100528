"""Serves a web page made by export.web on this computer only, and opens it."""

from __future__ import annotations

import argparse
import hashlib
import os
import subprocess
import sys
import tempfile
import webbrowser
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from fomm_tf.cli import command_parser, run_command
from fomm_tf.errors import DataError, ModelError
from fomm_tf.inference.folder import CONFIG_FILE, WEIGHTS_FILE
from fomm_tf.version import __version__

DETAILS = """\
examples:
  python -m export.web --model models/cartoon-faces --out page
  python -m fomm_tf.serve page

  # both in one; the page is kept in the user's cache folder and made once
  python -m fomm_tf.serve --model models/cartoon-faces

The server answers this computer only, on port 8000 or, where that is taken, a free one. Ctrl-C
ends it.
"""

PORT = 8000
_TYPES = {
    ".js": "text/javascript",
    ".wasm": "application/wasm",
    ".tflite": "application/octet-stream",
    "": "text/plain; charset=utf-8",
}
_HEADERS = {
    # Browsers give threads to pages that are isolated in this way.
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}


class PageHandler(SimpleHTTPRequestHandler):
    """Answers GET and HEAD for files below its folder; lists no folders."""

    extensions_map = SimpleHTTPRequestHandler.extensions_map | _TYPES

    def send_head(self):
        """Refuses what is not a file below the folder, also by way of a symbolic link."""
        path = Path(self.translate_path(self.path))
        if path.is_dir():
            path /= "index.html"
        if not path.is_file() or not path.resolve().is_relative_to(Path(self.directory).resolve()):
            self.send_error(404)
            return None
        return super().send_head()

    def end_headers(self) -> None:
        """Adds the headers that every answer has."""
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        super().end_headers()

    def log_message(self, *args: object) -> None:
        """Requests are not logged."""


def page_server(page: Path, port: int = PORT) -> ThreadingHTTPServer:
    """A server for the page's folder on 127.0.0.1, on `port` or, where that is taken, a free one.

    Raises DataError if the folder is not a page.
    """
    if not (page / "index.html").is_file():
        raise DataError(f"{page} is not a web page: it has no index.html")
    handler = partial(PageHandler, directory=str(page))
    try:
        return ThreadingHTTPServer(("127.0.0.1", port), handler)
    except OSError:
        return ThreadingHTTPServer(("127.0.0.1", 0), handler)


def main(argv: list[str] | None = None) -> None:
    """Runs the command until it is interrupted. Raises UserError for invalid arguments."""
    args = _parse(argv)
    page = args.page or _cached_page(args.model)
    with page_server(page) as server:
        address = f"http://127.0.0.1:{server.server_address[1]}/"
        print(f"{page}: {address} (Ctrl-C ends)", flush=True)
        if not args.no_browser:
            webbrowser.open(address)
        server.serve_forever()


def _cached_page(model: Path) -> Path:
    """The page of a model, made by export.web if the cache folder does not have it."""
    page = _cache_folder() / _fingerprint(model)
    if not (page / "index.html").is_file():
        line = [sys.executable, "-m", "export.web", "--model", str(model), "--out", str(page)]
        # It has said in one line what is wrong.
        if code := subprocess.run(line).returncode:
            sys.exit(code)
    return page


def _fingerprint(model: Path) -> str:
    """Changes with the model's files and this package's version."""
    hashed = hashlib.sha256(__version__.encode())
    for name in (CONFIG_FILE, WEIGHTS_FILE):
        path = model / name
        if not path.is_file():
            raise ModelError(f"{model} is not a model folder: it has no {name}")
        hashed.update(path.read_bytes())
    return f"{model.resolve().name}-{hashed.hexdigest()[:16]}"


def _cache_folder() -> Path:
    """The user's, by the customs of the operating system."""
    home = Path.home()
    if sys.platform == "win32":
        place = Path(os.environ.get("LOCALAPPDATA") or tempfile.gettempdir())
    elif sys.platform == "darwin":
        place = home / "Library" / "Caches"
    else:
        place = Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache")
    return place / "fomm_tf" / "web"


def _parse(argv: list[str] | None) -> argparse.Namespace:
    parser = command_parser("serve", __doc__, DETAILS)
    given = parser.add_mutually_exclusive_group(required=True)
    given.add_argument("page", type=Path, nargs="?", metavar="PAGE", help="folder of export.web")
    given.add_argument("--model", type=Path, metavar="DIR", help="model folder to make a page of")
    parser.add_argument("--no-browser", action="store_true", help="do not open a browser")
    return parser.parse_args(argv)


command = partial(run_command, main)

if __name__ == "__main__":
    command()
