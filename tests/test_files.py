"""Files appear whole or not at all."""

import pytest

from fomm_tf.files import remove_leftovers, replacing


def test_a_file_appears_when_the_block_ends(tmp_path):
    path = tmp_path / "new" / "file.txt"
    with replacing(path) as temporary:
        assert temporary.suffix == ".txt" and temporary.parent == path.parent
        temporary.write_text("whole")
        assert not path.exists()
    assert path.read_text() == "whole"
    assert list(path.parent.iterdir()) == [path]


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "file.txt"
    path.write_text("old")
    with pytest.raises(RuntimeError), replacing(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("suffix", [".mp4", ".gif", ".npz", ""])
@pytest.mark.parametrize("letter", ["n", "é", "日", "🙂"])
@pytest.mark.parametrize("length", [240, 245, 250, 255])
def test_a_name_may_be_as_long_as_the_file_system_allows(tmp_path, letter, length, suffix):
    room = length - len(suffix)
    name = letter * (room // len(letter.encode()))
    path = tmp_path / (name + "x" * (room - len(name.encode())) + suffix)
    with replacing(path) as temporary:
        assert temporary.name.endswith(suffix)
        temporary.write_text("whole")
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    with pytest.raises(RuntimeError), replacing(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert path.read_text() == "whole"


def test_leftovers_of_long_names_are_removed_too(tmp_path):
    block = replacing(tmp_path / ("n" * 251 + ".npz"))
    block.__enter__().write_text("half")
    remove_leftovers(tmp_path)
    assert not list(tmp_path.iterdir())


def test_leftovers_of_a_kill_are_removed_and_nothing_else(tmp_path):
    kept = [tmp_path / name for name in (".gitignore", ".hidden.txt", "step-00000001.npz")]
    for path in kept:
        path.touch()
    block = replacing(tmp_path / "step-00000002.npz")
    block.__enter__().write_text("half")
    remove_leftovers(tmp_path)
    assert sorted(tmp_path.iterdir()) == sorted(kept)
