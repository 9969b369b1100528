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


def test_leftovers_of_a_kill_are_removed_and_nothing_else(tmp_path):
    kept = [tmp_path / name for name in (".gitignore", ".hidden.txt", "step-00000001.npz")]
    for path in kept:
        path.touch()
    block = replacing(tmp_path / "step-00000002.npz")
    block.__enter__().write_text("half")
    remove_leftovers(tmp_path)
    assert sorted(tmp_path.iterdir()) == sorted(kept)
