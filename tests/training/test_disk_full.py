"""A disk that is full when a checkpoint is due: one line, and all that was there stays."""

from __future__ import annotations

import resource
import shutil
from pathlib import Path

import pytest
from commands import assert_one_line_error, run_process, train, train_arguments

import fomm_tf


def contents(out: Path, pattern: str = "*") -> dict[str, bytes]:
    files = [path for path in out.rglob(pattern) if path.is_file()]
    return {str(path.relative_to(out)): path.read_bytes() for path in files}


@pytest.fixture(scope="module")
def config(tiny_yaml):
    return tiny_yaml


@pytest.fixture(scope="module")
def finished(config, moving_squares, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "finished"
    done = train(config, moving_squares, out, "--steps", 2)
    assert done.returncode == 0, done.stderr
    return out


def resumed_with_little_room(finished, config, data, out, room):
    """Goes on from a copy of the run, in which no file may become larger than `room` bytes."""
    shutil.copytree(finished, out)

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))

    line = train_arguments(config, data, out, "--steps", 4, "--resume")
    return run_process("train", *line, preexec_fn=limit)


def test_no_room_for_the_model(finished, config, moving_squares, tmp_path):
    out = tmp_path / "run"
    room = (finished / "weights.npz").stat().st_size * 9 // 10
    done = resumed_with_little_room(finished, config, moving_squares, out, room)
    assert_one_line_error(done, f"{out / 'weights.npz'}: File too large")
    before, after = contents(finished), contents(out)
    before.pop("metrics.jsonl")  # It has grown.
    # New are only what there was room for: the picture and the log of the second half.
    assert {name: after[name] for name in before} == before
    assert {name.split("/")[0] for name in after.keys() - before.keys()} == {
        "logs",
        "metrics.jsonl",
        "pictures",
    }
    assert not list(out.rglob(".*"))


def test_no_room_for_the_checkpoint(finished, config, moving_squares, tmp_path):
    """The model, which is written first, is that of the last step; the checkpoints stay."""
    out = tmp_path / "run"
    room = (finished / "checkpoints" / "step-00000002.npz").stat().st_size * 9 // 10
    done = resumed_with_little_room(finished, config, moving_squares, out, room)
    assert_one_line_error(done, f"{out / 'checkpoints' / 'step-00000004.npz'}: File too large")
    assert contents(out, "step-*.npz") == contents(finished, "step-*.npz")
    fomm_tf.load_model(out)
    assert not list(out.rglob(".*"))
