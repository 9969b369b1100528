"""The page's server: what it answers, and what it refuses."""

from __future__ import annotations

import socket
import subprocess
from http.client import HTTPConnection
from urllib.request import urlopen

import pytest
from commands import assert_one_line_error, command_line, run_command
from web.pages import served

from fomm_tf import serve
from fomm_tf.errors import DataError, ModelError


@pytest.fixture
def folder(tmp_path):
    """A page beside a file that is nobody's business."""
    (tmp_path / "secret.txt").write_text("secret")
    page = tmp_path / "page"
    (page / "model").mkdir(parents=True)
    for name in ("index.html", "main.js", "run.wasm", "model/generator.tflite", "LICENSE"):
        (page / name).write_text(name)
    return page


def test_types_and_the_headers_for_threads(folder):
    types = {
        "": "text/html",
        "main.js": "text/javascript",
        "run.wasm": "application/wasm",
        "model/generator.tflite": "application/octet-stream",
        "LICENSE": "text/plain; charset=utf-8",
    }
    with served(folder) as address:
        for name, expected in types.items():
            with urlopen(address + name) as answer:
                assert answer.read().decode() == name or not name
                assert answer.headers["Content-Type"] == expected
                assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
                assert answer.headers["Cross-Origin-Embedder-Policy"] == "require-corp"


@pytest.mark.parametrize(
    "path",
    ["/../secret.txt", "/%2e%2e/secret.txt", "/model/../../secret.txt", "//etc/passwd", "/link.txt"]
    + ["/model", "/model/", "/missing.js", "/..%5csecret.txt", "/%00"],
)
def test_nothing_but_files_of_the_page(folder, path):
    (folder / "link.txt").symlink_to(folder.parent / "secret.txt")
    with served(folder) as address:
        connection = HTTPConnection(address.removeprefix("http://").rstrip("/"))
        # As it is: other clients tidy the path up.
        connection.putrequest("GET", path, skip_host=True)
        connection.endheaders()
        answer = connection.getresponse()
        assert answer.status == 404
        assert b"secret" not in answer.read()


def test_a_taken_port_is_no_problem(folder):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with serve.page_server(folder, port) as server:
            assert server.server_address[0] == "127.0.0.1"
            assert server.server_address[1] not in (0, port)


def test_the_command_says_where_the_page_is(folder):
    line = command_line("serve", folder, "--no-browser")
    with subprocess.Popen(line, stdout=subprocess.PIPE, text=True) as process:
        try:
            told = process.stdout.readline()
            with urlopen(told.split()[1]) as answer:
                assert answer.read() == b"index.html"
        finally:
            process.terminate()


def test_a_models_page_is_made_once(tmp_path, monkeypatch):
    """In the user's cache; changed weights are another model."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(serve.sys, "platform", "linux")
    model = tmp_path / "mine"
    model.mkdir()
    (model / "config.yaml").write_text("a")
    (model / "weights.npz").write_text("b")
    made = []

    def run(line):
        out = serve.Path(line[line.index("--out") + 1])
        out.mkdir(parents=True)
        (out / "index.html").touch()
        made.append(out)
        return subprocess.CompletedProcess(line, 0)

    monkeypatch.setattr(serve.subprocess, "run", run)
    first = serve._cached_page(model)
    assert serve._cached_page(model) == first and made == [first]
    assert first.is_relative_to(tmp_path / "cache") and first.name.startswith("mine-")
    (model / "weights.npz").write_text("c")
    assert serve._cached_page(model) != first


def test_mistakes(folder, tmp_path):
    with pytest.raises(DataError, match="is not a web page: it has no index.html"):
        serve.main([str(tmp_path)])
    with pytest.raises(ModelError, match="is not a model folder: it has no config.yaml"):
        serve.main(["--model", str(tmp_path)])
    assert_one_line_error(run_command("serve", tmp_path / "nothing"), "nothing is not a web page")
    with pytest.raises(SystemExit):
        serve.main([])
