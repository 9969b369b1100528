"""Drives an installed Firefox by Marionette, its own remote protocol: Playwright cannot."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

FIREFOX = shutil.which("firefox-esr") or shutil.which("firefox")
_STARTING_SECONDS = 120


class Firefox:
    """One window; has of Playwright's page what the tests use."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._count = 0
        self._receive()
        self._call("WebDriver:NewSession")
        self._call("WebDriver:SetTimeouts", script=600_000)

    def goto(self, address: str) -> None:
        self._call("WebDriver:Navigate", url=address)

    def evaluate(self, function: str, argument: Any = None) -> Any:
        """The value of a JavaScript function of one argument, when it is there."""
        script = f"""
          const done = arguments[arguments.length - 1];
          ({function})({json.dumps(argument)}).then(
            (value) => done(JSON.stringify({{value}})),
            (error) => done(JSON.stringify({{error: String(error)}})));
        """
        answer = self._call("WebDriver:ExecuteAsyncScript", script=script, args=[])
        found = json.loads(answer["value"])
        assert "error" not in found, found
        return found["value"]

    def _call(self, command: str, **parameters: Any) -> Any:
        self._count += 1
        message = json.dumps([0, self._count, command, parameters]).encode()
        self._connection.sendall(b"%d:%s" % (len(message), message))
        _, _, error, result = self._receive()
        assert error is None, error
        return result

    def _receive(self) -> Any:
        """One message: its length in bytes, a colon, JSON."""
        length = b""
        while not length.endswith(b":"):
            length += self._connection.recv(1)
        content = b""
        while len(content) < int(length[:-1]):
            content += self._connection.recv(1 << 16)
        return json.loads(content)


@contextmanager
def firefox() -> Iterator[Firefox]:
    """A new one, with a profile of its own."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        (Path(profile) / "user.js").write_text('user_pref("marionette.port", 0);\n')
        line = [str(FIREFOX), "--headless", "--marionette", "--profile", profile]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        with subprocess.Popen(line, **quiet) as process:
            try:
                port = _port(Path(profile) / "MarionetteActivePort")
                with socket.create_connection(("127.0.0.1", port)) as connection:
                    yield Firefox(connection)
            finally:
                process.terminate()


def _port(file: Path) -> int:
    end = time.monotonic() + _STARTING_SECONDS
    while time.monotonic() < end:
        if file.exists() and (text := file.read_text()):
            return int(text)
        time.sleep(0.2)
    raise TimeoutError("Firefox does not start")
