"""Files of named arrays."""

from __future__ import annotations

import zipfile

import numpy as np
import pytest

from fomm_tf.weights.arrays import read_arrays, save_arrays

ENTRIES = {"a/weight": np.arange(6, dtype=np.float32).reshape(2, 3), "steps": np.array(7)}
SHAPES = {name: value.shape for name, value in ENTRIES.items()}


def assert_equal(found):
    assert found.keys() == ENTRIES.keys()
    for name, value in ENTRIES.items():
        np.testing.assert_array_equal(found[name], value)


def test_nothing_but_the_arrays_is_written(tmp_path):
    save_arrays(tmp_path / "a.npz", ENTRIES)
    with np.load(tmp_path / "a.npz", allow_pickle=False) as file:
        assert set(file.files) == set(ENTRIES)
    assert_equal(read_arrays(tmp_path / "a.npz", SHAPES))


def test_the_array_that_older_numpy_adds_is_left_out(tmp_path):
    """NumPy before 2.1 wrote `savez(path, allow_pickle=False)` so."""
    np.savez(tmp_path / "a.npz", **ENTRIES, **{"x": np.array(False)})
    renamed = tmp_path / "b.npz"
    _rename_entry(tmp_path / "a.npz", renamed, "x.npy", "allow_pickle.npy")
    assert_equal(read_arrays(renamed, SHAPES))


def test_python_objects_are_refused(tmp_path):
    with pytest.raises(ValueError, match="steps is an array of Python objects"):
        save_arrays(tmp_path / "a.npz", ENTRIES | {"steps": np.array([{}])})
    assert not (tmp_path / "a.npz").exists()


def _rename_entry(source, target, old, new):
    with zipfile.ZipFile(source) as archive, zipfile.ZipFile(target, "w") as copy:
        for name in archive.namelist():
            copy.writestr(new if name == old else name, archive.read(name))
