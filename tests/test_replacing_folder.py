"""An exported folder is written whole or not at all."""

from __future__ import annotations

import os

import pytest

from fomm_tf.files import replacing_folder


def contents(folder):
    return {path.name: path.read_text() for path in folder.iterdir() if path.is_file()}


def test_a_new_folder_and_its_parents(tmp_path):
    out = tmp_path / "a" / "b"
    with replacing_folder(out) as temporary:
        (temporary / "file").write_text("new")
        assert not out.exists() and temporary.parent == out.parent
    assert contents(out) == {"file": "new"}
    assert [path.name for path in out.parent.iterdir()] == ["b"]


def test_an_older_folder_is_replaced_where_a_link_leads_to(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "file").write_text("old")
    (tmp_path / "link").symlink_to(tmp_path / "out")
    with replacing_folder(tmp_path / "link") as temporary:
        (temporary / "other").write_text("new")
    assert contents(tmp_path / "out") == {"other": "new"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "out"]
    assert (tmp_path / "link").is_symlink()


@pytest.mark.parametrize("failure", ["in the block", "in renaming"])
def test_what_was_there_stays_on_failure(failure, tmp_path, monkeypatch):
    out = tmp_path / "out"
    out.mkdir()
    (out / "file").write_text("old")
    rename = os.rename

    def failing_rename(source, target):
        if target == out and (source / "file").read_text() == "new":
            raise OSError("the disk is gone")
        rename(source, target)

    with pytest.raises((OSError, KeyboardInterrupt)):
        with replacing_folder(out) as temporary:
            (temporary / "file").write_text("new")
            if failure == "in the block":
                raise KeyboardInterrupt
            monkeypatch.setattr(os, "rename", failing_rename)
    assert contents(out) == {"file": "old"}
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
