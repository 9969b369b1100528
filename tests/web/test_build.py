"""Making the web page: what `export.web` refuses, and what npm may answer."""

from __future__ import annotations

import stat
import sys

import pytest
from commands import ROOT, assert_one_line_error, run_process

from export import npm, web
from export.npm import Package, fetch_packages
from export.single_page import single_page
from export.web_files import PAGE
from fomm_tf.errors import DataError, ModelError

FACES = str(ROOT / "models" / "cartoon-faces")
# What an `npm` of the tests fetches.
CONTENT = "an archive"
WRITES = f"open(folder + '/a.tgz', 'w').write({CONTENT!r})"


@pytest.fixture
def fake_npm(tmp_path, monkeypatch):
    """Puts an `npm` before all others, which runs a line of Python."""

    def install(code: str) -> None:
        path = tmp_path / "bin" / "npm"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!{sys.executable}\nimport sys\nfolder = sys.argv[4]\n{code}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("PATH", str(path.parent))

    return install


def test_an_archive_is_taken_if_it_is_the_expected_one(fake_npm):
    fake_npm(WRITES)
    good = Package("name", "1.0", npm._integrity(CONTENT.encode()))
    assert fetch_packages([good]) == {good: CONTENT.encode()}
    with pytest.raises(DataError, match="name@1.0 from npm is not the archive that is expected"):
        fetch_packages([good._replace(integrity="other")])


def test_without_npm_or_network(fake_npm, monkeypatch):
    package = Package("name", "1.0", "other")
    complaint = "npm error code ENOTFOUND\\nnpm error network request to host failed\\n"
    fake_npm(f"sys.exit('{complaint}')")
    with pytest.raises(DataError, match="npm cannot fetch name@1.0: network request to host"):
        fetch_packages([package])
    monkeypatch.setenv("PATH", "")
    with pytest.raises(DataError, match="name@1.0 is needed: install npm"):
        fetch_packages([package])


def test_a_failure_is_one_line(tmp_path):
    """Also that of the command which `serve --model` runs; it leaves nothing behind."""
    environment = {"PATH": "", "XDG_CACHE_HOME": str(tmp_path)}
    assert_one_line_error(
        run_process("serve", "--model", FACES, environment=environment), "install npm"
    )
    assert not list(tmp_path.rglob("index.html"))


def test_mistakes(tmp_path):
    def refused(kind, words, *options, model=FACES):
        with pytest.raises(kind, match=words):
            web.main(["--model", str(model), *map(str, options)])

    (tmp_path / "mine.txt").touch()
    (tmp_path / "exported").mkdir()
    (tmp_path / "exported" / "manifest.json").touch()
    refused(DataError, "not empty and not a page", "--out", tmp_path)
    (tmp_path / "index.html").touch()
    refused(DataError, "not empty and not a page", "--out", tmp_path)
    (tmp_path / "index.html").unlink()
    refused(DataError, "is not a folder", "--out", tmp_path / "mine.txt")
    refused(DataError, "ending in .html", "--out", tmp_path / "page", "--single-file")
    out = ("--out", tmp_path / "page")
    refused(ModelError, "no such model folder", *out, model=tmp_path / "nothing")
    refused(ModelError, "do not generate frames", *out, model=ROOT / "models" / "cartoon-parts")
    refused(
        ModelError, "omit --precision", *out, "--precision", "int8", model=tmp_path / "exported"
    )
    assert {path.name for path in tmp_path.iterdir()} == {"mine.txt", "exported"}


def test_one_file_holds_all_others():
    """All but the runtime with threads, which files cannot have."""
    files = {path.name: path.read_bytes() for path in PAGE.iterdir() if path.is_file()}
    files |= {"litert/index.js": b"1", "litert/litert_wasm_threaded_internal.js": b"2"}
    html = single_page(files)
    assert 'data-path="litert/index.js"' in html and 'data-path="main.js"' in html
    assert "threaded_internal" not in html
    assert 'src="' not in html and 'href="style.css"' not in html
