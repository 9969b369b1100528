"""Two processes on this machine train as one process does with the same global batch."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys

import numpy as np
import pytest
from commands import newest_checkpoint

PROGRAM = """
import sys
sys.path[:0] = sys.argv[1:3]
from toy_kind import Toy
from fomm_tf import registry, train
registry.KINDS.append(Toy())
train.main(sys.argv[3:])
"""

YAML = """\
model: toy
dataset_params: {root_dir: data, frame_shape: [32, 32, 3]}
model_params:
  num_kp: 3
  features: 8
  num_channels: 3
  detector_params: {block_expansion: 4, max_features: 8, num_blocks: 2}
train_params: {num_epochs: 1, num_repeats: 40, batch_size: 4, lr: 1.0e-3, ema: 0.9, clip_norm: 0.5}
"""
STEPS = 20


def free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("localhost", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def start(root, arguments, environment=None) -> subprocess.Popen:
    line = [sys.executable, "-c", PROGRAM, str(root), str(root / "tests"), *map(str, arguments)]
    return subprocess.Popen(
        line,
        cwd=root,
        env={**os.environ, "CUDA_VISIBLE_DEVICES": "", **(environment or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.fixture(scope="module")
def runs(request, moving_squares, tmp_path_factory):
    folder = tmp_path_factory.mktemp("workers")
    config = folder / "toy.yaml"
    config.write_text(YAML)
    root = request.config.rootpath

    def arguments(out):
        line = ["--config", config, "--data", moving_squares, "--out", out, "--steps", STEPS]
        return [*line, "--checkpoint-every", 1000]

    cluster = {"worker": [f"localhost:{port}" for port in free_ports(2)]}
    processes = [start(root, arguments(folder / "one"))]
    for index in range(2):
        task = {"cluster": cluster, "task": {"type": "worker", "index": index}}
        more = [*arguments(folder / "two"), "--strategy", "multiworker"]
        processes.append(start(root, more, {"TF_CONFIG": json.dumps(task)}))
    try:
        told = [process.communicate(timeout=500)[0] for process in processes]
    finally:
        for process in processes:
            process.kill()
    assert [process.returncode for process in processes] == [0, 0, 0], told
    return folder / "one", folder / "two"


def test_two_processes_equal_one(runs):
    one, two = map(newest_checkpoint, runs)
    assert one.keys() == two.keys()
    for name, value in one.items():
        if name.endswith("iterations"):
            assert value == two[name] == STEPS
        elif not name.startswith("optimizer_"):
            # Adam divides by the root of tiny second moments: rounding shows in the weights.
            scale = max(np.abs(value).max(), 1e-3)
            assert np.abs(two[name] - value).max() < 5e-3 * scale, name


def test_the_losses_of_every_step_logged_are_those_of_the_whole_batch(runs):
    one, two = ((out / "metrics.jsonl").read_text().splitlines() for out in runs)
    assert len(one) == len(two) == 2
    for alone, together in zip(map(json.loads, one), map(json.loads, two), strict=True):
        assert together["loss/pixel"] == pytest.approx(alone["loss/pixel"], rel=1e-4)
        name = "size/gradients of painter"
        assert together[name] == pytest.approx(alone[name], rel=1e-2)


def test_only_the_first_worker_writes(runs):
    _, two = runs
    assert [path.name for path in (two / "checkpoints").iterdir()] == ["step-00000020.npz"]
    assert not list(two.rglob(".*"))
