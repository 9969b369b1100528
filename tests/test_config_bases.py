"""Configs that name a base: how the two are merged, which files may be one, what is refused."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml
from tiny import write_tiny_config

from fomm_tf.config.bases import MAX_BASES, load_with_bases
from fomm_tf.config.schema import load_yaml
from fomm_tf.errors import ConfigError
from fomm_tf.registry import load_config, parse_config

CONFIGS = Path(__file__).parent.parent / "configs"
BASES = sorted((CONFIGS / "base").glob("*.yaml"))
BASED = [path for path in sorted(CONFIGS.glob("*.yaml")) if "base" in load_yaml(path)]
WITHOUT_BASE = {"monkeynet-shapes"}  # it also lacks keys that the other eight have

BASE = """\
first: {kept: 1, changed: 2, list: [1, 2, 3], deep: {kept: a, changed: b}}
second: {all: gone}
third: 3
fourth: {all: kept}
fifth: null
"""
CHANGES = """\
base: base.yaml
new: {own: 1}
third: {now: a group}
second: null
fourth: {}
fifth: {filled: in}
first: {added: 9, list: [4], deep: {changed: c}, changed: null}
"""
MERGED = """\
first: {kept: 1, changed: null, list: [4], deep: {kept: a, changed: c}, added: 9}
second: null
third: {now: a group}
fourth: {all: kept}
fifth: {filled: in}
new: {own: 1}
"""


def write(folder: Path, **files: str) -> None:
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text)


def test_groups_are_merged_and_all_else_is_replaced(tmp_path):
    write(tmp_path, base=BASE, own=CHANGES)
    data, where = load_with_bases(tmp_path / "own.yaml")
    assert yaml.safe_dump(data, sort_keys=False) == yaml.safe_dump(
        yaml.safe_load(MERGED), sort_keys=False
    )
    assert where == f"{tmp_path}/own.yaml or its base {tmp_path}/base.yaml"


def test_a_file_without_base_is_what_it_says(tmp_path):
    write(tmp_path, own=BASE)
    path = tmp_path / "own.yaml"
    assert load_with_bases(path) == (yaml.safe_load(BASE), str(path))


def test_a_base_is_beside_the_file_or_in_the_folder_base(tmp_path):
    write(tmp_path / "base", b="of: folder", c="of: folder\nbase: d.yaml", d="from: d")
    write(tmp_path, b="of: neighbour", to_b="base: b.yaml", to_c="base: c.yaml\nown: 1")
    assert load_with_bases(tmp_path / "to_b.yaml")[0] == {"of": "neighbour"}
    assert load_with_bases(tmp_path / "to_c.yaml")[0] == {"from": "d", "of": "folder", "own": 1}


def test_as_many_bases_in_a_row_as_may_be(tmp_path):
    chain = {f"f{i}": f"base: f{i + 1}.yaml\n{'abcd'[i]}: 1" for i in range(MAX_BASES)}
    write(tmp_path, **chain, **{f"f{MAX_BASES}": "last: 1", "more": "base: f0.yaml"})
    assert load_with_bases(tmp_path / "f0.yaml")[0].keys() == {"last", *"abcd"}
    with pytest.raises(ConfigError, match=r"more than 4 bases in a row, next: f4\.yaml"):
        load_with_bases(tmp_path / "more.yaml")


NO_NAME = "base: must be a file name without a path, is "
BAD_BASES = [
    ("null", NO_NAME + "empty (null)"),
    ("5", NO_NAME + "5"),
    ("[a.yaml]", NO_NAME + "['a.yaml']"),
    ("''", NO_NAME + "''"),
    (".", NO_NAME + "'.'"),
    ("..", NO_NAME + "'..'"),
    ("../outside.yaml", NO_NAME + "'../outside.yaml'"),
    ("base/good.yaml", NO_NAME + "'base/good.yaml'"),
    ("/etc/hostname", NO_NAME + "'/etc/hostname'"),
    (r"..\outside.yaml", NO_NAME + r"'..\\outside.yaml'"),
    ("C:outside.yaml", NO_NAME + "'C:outside.yaml'"),
    (r'"good.yaml\0"', NO_NAME + r"'good.yaml\x00'"),
    (r'"good.yaml\n"', NO_NAME + r"'good.yaml\n'"),
    (r'"\ud800"', r"its base '\ud800' is missing"),
    ("n" * 5000, "is missing: it is neither in "),
    ("none.yaml", "its base 'none.yaml' is missing: it is neither in "),
    ("outside.yaml", "its base 'outside.yaml' is missing"),
    ("folder.yaml", "its base 'folder.yaml' is missing"),
    ("my.yaml", "more than 4 bases in a row, next: my.yaml"),
    ("circle.yaml", "more than 4 bases in a row, next: "),
    ("orphan.yaml", "orphan.yaml: its base 'none.yaml' is missing"),
    ("broken.yaml", "broken.yaml, line 2: broken YAML"),
    ("alias.yaml", "alias.yaml, line 1: broken YAML: aliases are not allowed"),
    ("binary.yaml", "binary.yaml: not UTF-8 text"),
    ("empty.yaml", "empty.yaml: must be a group of keys, is empty (null)"),
    ("list.yaml", "list.yaml: must be a group of keys, is [1]"),
]


@pytest.mark.parametrize(("base", "message"), BAD_BASES, ids=range(len(BAD_BASES)))
def test_bad_bases_give_one_line(tmp_path, monkeypatch, base, message):
    folder = tmp_path / "configs"
    write(folder, my=f"base: {base}\n", circle="base: my.yaml", orphan="base: none.yaml")
    write(folder, broken="a: [1\nb: 2", alias="a: &a [*a]", empty="", list="[1]")
    write(folder / "base", good="a: 1")
    write(tmp_path, outside="a: 1")
    (folder / "binary.yaml").write_bytes(b"\xff\xfe")
    (folder / "folder.yaml").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError) as caught:
        load_config("configs/my.yaml")
    text = str(caught.value)
    assert text.startswith("configs/my.yaml: ")
    assert message in text
    assert "\n" not in text and len(text) < 300


def test_a_wrong_key_may_be_in_any_of_the_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_tiny_config(tmp_path / "tiny.yaml")
    write(tmp_path, wrong="base: tiny.yaml\ntrain_params: {batch_sise: 8}", my="base: wrong.yaml")
    with pytest.raises(ConfigError) as caught:
        load_config("my.yaml")
    files = "my.yaml or its base wrong.yaml or its base tiny.yaml"
    assert str(caught.value).startswith(f"{files}: train_params.batch_sise: unknown key")


def test_what_is_written_is_complete(tmp_path):
    write_tiny_config(tmp_path / "tiny.yaml")
    write(tmp_path, my="base: tiny.yaml\ntrain_params: {batch_size: 7}")
    config = load_config(tmp_path / "my.yaml")
    expected = load_config(tmp_path / "tiny.yaml").to_dict()
    expected["train_params"]["batch_size"] = 7
    assert config.to_dict() == expected
    config.save(tmp_path / "saved.yaml")
    assert yaml.safe_load((tmp_path / "saved.yaml").read_text()) == expected


def test_only_a_file_has_a_base():
    with pytest.raises(ConfigError, match="config: base: unknown key"):
        parse_config({"base": "vox-256.yaml"}, "manifest.json: config")


def test_all_bundled_configs_but_one_have_a_base():
    stems = {path.stem for path in CONFIGS.glob("*.yaml")}
    assert stems - {path.stem for path in BASED} == WITHOUT_BASE


@pytest.mark.parametrize("path", BASED, ids=lambda p: p.name)
def test_a_bundled_config_repeats_nothing_of_its_base(path):
    def repeated(data, base):
        for key, value in data.items():
            if isinstance(value, dict) and isinstance(base.get(key), dict):
                yield from repeated(value, base[key])
            elif key in base and base[key] == value:
                yield key

    data = load_yaml(path)
    name = data.pop("base")
    folder = CONFIGS if (CONFIGS / name).is_file() else CONFIGS / "base"
    assert not list(repeated(data, load_with_bases(folder / name)[0]))


@pytest.mark.parametrize("path", BASED, ids=lambda p: p.name)
def test_a_bundled_config_copied_alone_says_what_is_missing(path, tmp_path, monkeypatch):
    shutil.copy(path, tmp_path)
    monkeypatch.chdir(tmp_path)
    base = load_yaml(path)["base"]
    with pytest.raises(ConfigError, match=f"{path.name}: its base '{base}' is missing"):
        load_config(path.name)


@pytest.mark.parametrize("path", BASES, ids=lambda p: p.name)
def test_a_bundled_base_is_no_config_by_itself(path):
    with pytest.raises(ConfigError, match="root_dir: must be text, is empty"):
        load_config(path)


def test_the_example_of_the_docs_is_the_bundled_file():
    page = (CONFIGS.parent / "docs" / "configs.md").read_text()
    example = page.split("```yaml\n")[1].split("```")[0]
    assert (CONFIGS / "fashion-256.yaml").read_text().endswith("\n" + example)
