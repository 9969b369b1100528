"""The pages say what is there: links, paths, quoted commands and code, and the API page."""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import re
import shlex
from pathlib import Path

import pytest
from test_architecture import LAYERS

import fomm_tf

ROOT = Path(__file__).parents[1]
FOLDERS = ("docs", "tests", "models", "configs", "export", "fomm_tf")
PAGES = sorted(
    [
        *ROOT.glob("*.md"),
        *(ROOT / "android_demo").glob("*.md"),
        *(page for folder in FOLDERS for page in (ROOT / folder).rglob("*.md")),
    ]
)
# What has gone is told by its old name there.
WITHOUT_HISTORY = [page for page in PAGES if page.name != "CHANGELOG.md"]

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#{1,6} +(.+)$", re.MULTILINE)
PATH = re.compile(r"(android_demo|configs|docs|export|fomm_tf|tests)/[\w./*-]*")
COMMAND = re.compile(r"python -m ((?:fomm_tf|export)\.[\w.]+)(.*)", re.DOTALL)


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def read(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def fences(page: Path, *languages: str) -> list[str]:
    return [code for language, code in FENCE.findall(read(page)) if language in languages]


def anchors(page: Path) -> set[str]:
    """Those that code hosts give the headings of a page; a repeated one gets a number."""
    found: set[str] = set()
    counts: dict[str, int] = {}
    for heading in HEADING.findall(FENCE.sub("", read(page))):
        text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
        slug = re.sub(r"[^\w\- ]", "", text).replace(" ", "-")
        count = counts[slug] = counts.get(slug, -1) + 1
        found.add(f"{slug}-{count}" if count else slug)
    return found


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page):
    for link in LINK.findall(CODE.sub("", FENCE.sub("", read(page)))):
        if re.match(r"[a-z]+:", link):
            continue
        target, _, anchor = link.partition("#")
        file = (page.parent / target).resolve() if target else page
        assert file.is_relative_to(ROOT) and file.exists(), link
        if anchor:
            assert anchor in anchors(file), link


@pytest.mark.parametrize("page", WITHOUT_HISTORY, ids=name_of)
def test_paths_are_there(page):
    """What stands alone in code and begins like a path of the repository."""
    for code in CODE.findall(FENCE.sub("", read(page))):
        if PATH.fullmatch(code) and "NAME" not in code:
            assert any(ROOT.glob(code.rstrip("/"))), code


def quoted_commands() -> list[tuple[str, str]]:
    """Every command of this project on the pages, with the page's name."""
    found = []
    for page in WITHOUT_HISTORY:
        lines = [*CODE.findall(FENCE.sub("", read(page)))]
        for code in fences(page, "sh", ""):
            lines += code.replace("\\\n", " ").splitlines()
        found += [(name_of(page), line) for line in lines if COMMAND.match(line)]
    return found


class Parsed(Exception):
    """The arguments are good; what the command would do is not asked for."""


@pytest.fixture
def parse_only(monkeypatch):
    parse = argparse.ArgumentParser.parse_args

    def parse_args(parser, *args):
        parse(parser, *args)
        raise Parsed

    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", parse_args)


def test_the_pages_have_commands():
    assert {page for page, _ in quoted_commands()} >= {"README.md", "docs/models.md"}


@pytest.mark.parametrize(("page", "line"), quoted_commands())
def test_commands_parse(page, line, parse_only):
    """By their own parsers; a name alone, without arguments, need only be a command's."""
    match = COMMAND.match(line)
    assert match is not None
    name = match[1]
    if importlib.util.find_spec(name).submodule_search_locations:
        name += ".__main__"
    main = importlib.import_module(name).main
    arguments = shlex.split(match[2], comments=True)
    # An option named in running text has no value.
    if len(arguments) == 1 and arguments[0].startswith("--"):
        assert arguments[0] in options_of(main)
    elif arguments:
        with pytest.raises(Parsed):
            main(arguments)


def options_of(main) -> set[str]:
    """All options that a command's parser knows."""
    found: set[str] = set()

    def parse_args(parser, *args):
        found.update(parser._option_string_actions)
        raise Parsed

    with pytest.MonkeyPatch.context() as patch, pytest.raises(Parsed):
        patch.setattr(argparse.ArgumentParser, "parse_args", parse_args)
        main([])
    return found


def test_quoted_code_is_that_of_the_toy():
    """docs/adding-a-model.md quotes whole paragraphs of it, and the registry's line."""
    page = ROOT / "docs" / "adding-a-model.md"
    files = [*(ROOT / "tests" / "toy_kind").glob("*.py"), ROOT / "tests" / "test_toy_kind.py"]
    source = "\n".join(read(file) for file in files)
    code = fences(page, "python", "yaml")
    assert len(code) > 5
    for paragraph in "\n\n".join(code).split("\n\n"):
        assert paragraph.strip("\n") in source, paragraph
    for line in "".join(fences(page, "diff")).splitlines():
        if line.startswith("-"):
            assert line[1:] in read(ROOT / "fomm_tf" / "registry.py").splitlines()


def test_the_layers_on_the_page_are_those_of_the_imports():
    page = read(ROOT / "docs" / "architecture.md")
    table = page.partition("\n## Layers\n")[2].partition("\n## ")[0]
    rows = [line.split("|")[2] for line in table.splitlines() if line.startswith("|")][2:]
    shown = [set(CODE.findall(row)) for row in reversed(rows)]
    expected: list[tuple[str, set[str]]] = []
    for name, modules in LAYERS:
        if not expected or expected[-1][0] != name:
            expected.append((name, set()))
        expected[-1][1].update(module or "fomm_tf" for module in modules)
    assert shown == [modules for _, modules in expected]


@pytest.fixture(scope="module")
def api():
    pytest.importorskip("griffe2md", reason="the extra `docs`, which makes the API page")
    spec = importlib.util.spec_from_file_location("docs_api", ROOT / "docs" / "api.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_api_page_is_up_to_date(api):
    assert api.PAGE.read_text(encoding="utf-8") == api.page(), "run: make docs"


def test_the_api_page_has_all_public_names(api):
    assert api.public_names() == set(fomm_tf.__all__)
