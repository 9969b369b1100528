"""The web page as one HTML file that needs no server: everything else is inside, packed."""

from __future__ import annotations

import base64
import gzip
from collections.abc import Mapping

# A page that is opened as a file has one thread.
_LEFT_OUT = "litert/litert_wasm_threaded_internal"
_STYLE = '<link rel="stylesheet" href="style.css">'
_SCRIPT = '<script type="module" src="main.js"></script>'
# The first goes before the other, and before the worker.
_EMBEDDED, _UNPACKER, _WORKER = "embedded.js", "single_page.js", "worker.js"
NOT_IN_FOLDERS = (_EMBEDDED, _UNPACKER)


def single_page(files: Mapping[str, bytes]) -> str:
    """The page whose files, by path, are given."""
    html = files["index.html"].decode()
    style = files["style.css"].decode()
    unpacker = (files[_EMBEDDED] + files[_UNPACKER]).decode()
    files = {**files, _WORKER: files[_EMBEDDED] + files[_WORKER]}
    html = _replaced(html, _STYLE, f"<style>\n{style}</style>")
    html = _replaced(html, "default-src 'self' blob:", "default-src blob:")
    html = _replaced(html, "script-src 'self'", "script-src 'unsafe-inline'")
    html = _replaced(html, "style-src 'self'", "style-src 'unsafe-inline'")
    inside = {"index.html", "style.css", _EMBEDDED, _UNPACKER}
    packed = "\n".join(
        f'<script type="text/plain" data-path="{path}">{_packed(content)}</script>'
        for path, content in files.items()
        if path not in inside and not path.startswith(_LEFT_OUT)
    )
    return _replaced(html, _SCRIPT, f'{packed}\n<script type="module">\n{unpacker}</script>')


def _packed(content: bytes) -> str:
    return base64.b64encode(gzip.compress(content, mtime=0)).decode()


def _replaced(html: str, old: str, new: str) -> str:
    assert html.count(old) == 1, f"index.html must have once: {old}"
    return html.replace(old, new)
