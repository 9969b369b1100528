"""The command turns official checkpoints into model folders, or says in one line why not."""

from __future__ import annotations

import os
import pickle
import sys

import numpy as np
import pytest
from commands import assert_one_line_error, run_process
from golden_files import FOMM, arrays, keypoints
from torch_files import storage, tensor, write_arrays, write_zip

import fomm_tf
from fomm_tf import convert_checkpoint
from fomm_tf.convert_checkpoint import is_parameter
from fomm_tf.errors import UserError
from fomm_tf.weights.torch_checkpoint import read_checkpoint

CASE = FOMM / "inference_no_occlusion"
CONFIG = CASE / "config.yaml"


def command(config, checkpoint, out):
    arguments = ["--config", config, "--checkpoint", checkpoint, "--out", out]
    return run_process("convert_checkpoint", *arguments)


@pytest.fixture
def convert(monkeypatch, capsys):
    """Runs the command in this process (TensorFlow is loaded once); returns what it printed."""

    def run(config, checkpoint, out):
        arguments = ["--config", config, "--checkpoint", checkpoint, "--out", out]
        monkeypatch.setattr(sys, "argv", ["convert_checkpoint", *map(str, arguments)])
        convert_checkpoint.main()
        return capsys.readouterr().out

    return run


@pytest.fixture
def refused(convert, tmp_path):
    """Runs the command, which must fail in one line and leave nothing behind."""

    def run(config, checkpoint, match):
        out = tmp_path / "new" / "model"
        with pytest.raises(UserError, match=match) as caught:
            convert(config, checkpoint, out)
        assert "\n" not in str(caught.value)
        assert not out.parent.exists()

    return run


@pytest.fixture(scope="module")
def checkpoint():
    return read_checkpoint(CASE / "checkpoint.pth.tar")


def test_the_command_end_to_end(tmp_path):
    out = tmp_path / "models" / "legacy"
    run = command(CONFIG, CASE / "checkpoint-legacy.pth.tar", out)
    assert run.returncode == 0, run.stderr
    lines = run.stdout.splitlines()
    assert lines[0] == f"read {CASE / 'checkpoint-legacy.pth.tar'}"
    assert lines[1:3] == [
        "  generator: 82 tensors, 34,113 parameters",
        "  kp_detector: 33 tensors, 21,012 parameters",
    ]
    assert "  epoch: 0" in lines and lines[-1] == f"model folder: {out}"
    assert sorted(path.name for path in out.iterdir()) == ["config.yaml", "weights.npz"]

    model = fomm_tf.load_model(out)
    inputs = arrays(CASE.name, "inputs")
    np.testing.assert_allclose(
        model.detect(inputs["source"]).value, keypoints(CASE.name, "kp_source").value, atol=1e-4
    )


def test_both_serializations_give_the_same_folder(tmp_path, convert):
    convert(CONFIG, CASE / "checkpoint.pth.tar", tmp_path / "new")
    convert(CONFIG, CASE / "checkpoint-legacy.pth.tar", tmp_path / "old")
    with np.load(tmp_path / "new/weights.npz") as new, np.load(tmp_path / "old/weights.npz") as old:
        assert new.files == old.files
        for name in new.files:
            np.testing.assert_array_equal(new[name], old[name])
    assert (tmp_path / "new/config.yaml").read_text() == (tmp_path / "old/config.yaml").read_text()


def test_discriminator_and_optimizers_are_told_and_left_out(tmp_path, convert):
    case = FOMM / "training_adv"
    printed = convert(case / "config.yaml", case / "checkpoint-final.pth.tar", tmp_path / "m")
    assert "  discriminator: 12 tensors, 10,369 parameters, not converted\n" in printed
    assert "  optimizer_generator: optimizer state of 50 parameters, not converted\n" in printed
    with np.load(tmp_path / "m/weights.npz") as weights:
        assert {name.split("/")[0] for name in weights.files} == {"generator", "kp_detector"}


@pytest.mark.parametrize("listing", ["vox-256", "mgif-256", "vox-adv-256"])
def test_parameters_are_counted_as_the_official_code_counts_them(listing):
    told, counted = {}, {}
    for line in (FOMM / "official_state_dict_keys" / f"{listing}.txt").read_text().splitlines():
        if line.startswith("# ") and line.endswith(" parameters"):
            module, count = line[2:].removesuffix(" parameters").split(": ")
            told[module] = int(count)
        elif not line.startswith("#"):
            module, key, shape, _ = line.split("\t")
            if is_parameter(key):
                size = np.prod([int(n) for n in shape.split("x")])
                counted[module] = counted.get(module, 0) + int(size)
    assert counted == told and len(told) == 3


def test_entries_that_do_not_fit_are_named(tmp_path, checkpoint, refused):
    def changed(module, **entries):
        contents = {name: dict(checkpoint[name]) for name in ("generator", "kp_detector")}
        contents[module].update({key.replace("__", "."): item for key, item in entries.items()})
        contents[module] = {k: v for k, v in contents[module].items() if v is not None}
        return write_arrays(tmp_path / "c.pth.tar", contents)

    refused(CONFIG, changed("generator", final__bias=None), r"\(generator\).*lacks final\.bias")
    extra = changed("kp_detector", more__weight=np.ones(3, np.float32))
    refused(CONFIG, extra, r"\(kp_detector\).*unknown more\.weight")
    wrong = changed("kp_detector", kp__bias=np.ones(4, np.float32))
    refused(CONFIG, wrong, r"kp\.bias is \[4\], not \[5\]")
    infinite = changed("kp_detector", kp__bias=np.full(5, np.inf, np.float32))
    refused(CONFIG, infinite, r"kp\.bias contains NaN or infinite")


def test_modules_that_are_missing(tmp_path, checkpoint, refused):
    only = {"kp_detector": checkpoint["kp_detector"], "epoch": 3}
    refused(CONFIG, write_arrays(tmp_path / "1", only), "no generator; it holds kp_detector, epoch")
    refused(CONFIG, write_arrays(tmp_path / "2", dict(checkpoint["generator"])), "no kp_detector")
    refused(CONFIG, write_arrays(tmp_path / "3", {}), "holds nothing")


@pytest.mark.parametrize(
    "entries",
    [
        {1: 2},
        {"kp.bias": "text"},
        {"kp.bias": [[1], [1, 2]]},
        {"kp.bias": {"a": 1}},
        {"kp.bias": None},
    ],
    ids=["number as name", "text", "ragged list", "dict", "none"],
)
def test_entries_that_are_no_tensors(tmp_path, checkpoint, refused, entries):
    contents = {name: dict(checkpoint[name]) for name in ("generator", "kp_detector")}
    contents["kp_detector"].update(entries)
    refused(CONFIG, write_arrays(tmp_path / "c", contents), r"\(kp_detector\)")


def test_a_config_of_another_model(refused):
    other = FOMM / "inference_vox" / "config.yaml"
    refused(other, CASE / "checkpoint.pth.tar", "does not fit the config")


def test_a_missing_config(tmp_path):
    run = command(tmp_path / "missing.yaml", CASE / "checkpoint.pth.tar", tmp_path / "out")
    assert_one_line_error(run, "missing.yaml")
    assert not (tmp_path / "out").exists()


def test_existing_folders(tmp_path, convert):
    checkpoint = CASE / "checkpoint.pth.tar"
    (tmp_path / "empty").mkdir()
    convert(CONFIG, checkpoint, tmp_path / "empty")
    (tmp_path / "empty/weights.npz").write_bytes(b"older")
    convert(CONFIG, checkpoint, tmp_path / "empty")  # a model folder is replaced
    fomm_tf.load_model(tmp_path / "empty")

    (tmp_path / "photos").mkdir()
    (tmp_path / "photos/cat.jpg").write_bytes(b"cat")
    with pytest.raises(UserError, match="photos is not empty and not a model folder"):
        convert(CONFIG, checkpoint, tmp_path / "photos")
    assert [path.name for path in (tmp_path / "photos").iterdir()] == ["cat.jpg"]
    with pytest.raises(UserError, match="cat.jpg exists and is not a folder"):
        convert(CONFIG, checkpoint, tmp_path / "photos/cat.jpg")
    assert (tmp_path / "photos/cat.jpg").read_bytes() == b"cat"


class Evil:
    def __reduce__(self):
        return os.system, ("touch executed",)


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("missing", "there is no such file"),
        ("folder", "is a folder"),
        ("lfs", "is a git-lfs pointer"),
        ("page", "is a web page"),
        ("cut", "cut short"),
        ("evil", "system', which a checkpoint has no need of; refused"),
        ("liar", "lies about its size"),
    ],
)
def test_hostile_files_through_the_command(tmp_path, kind, message):
    path = tmp_path / "vox-cpk.pth.tar"
    if kind == "folder":
        path.mkdir()
    elif kind == "lfs":
        path.write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
    elif kind == "page":
        path.write_bytes(b"<!DOCTYPE html><html><title>Quota exceeded</title>")
    elif kind == "cut":
        path.write_bytes((CASE / "checkpoint-legacy.pth.tar").read_bytes()[:100_000])
    elif kind == "evil":
        head = b"".join(pickle.dumps(v, 2) for v in (0x1950A86A20F9469CFC6C, 1001, {}))
        path.write_bytes(head + pickle.dumps({"generator": Evil()}, 2))
    elif kind == "liar":
        write_zip(path, {"generator": {"a": tensor(storage("0", 9), (9,), (1,))}}, {"0": b"1234"})
    out = tmp_path / "models" / "out"
    run = command(CONFIG, path, out)
    assert_one_line_error(run, f"error: {path}: ", message)
    assert run.stdout == "" and run.stderr.count("\n") == 1
    assert not out.parent.exists() and not (tmp_path / "executed").exists()
    assert not os.path.exists("executed")
