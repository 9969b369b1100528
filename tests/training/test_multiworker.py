"""Two processes on this machine train as one process does with the same global batch."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time

import numpy as np
import pytest
from commands import newest_checkpoint

pytestmark = pytest.mark.soak

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


class Cluster:
    """Starts runs of one config and one dataset: alone, or as two workers."""

    def __init__(self, root, folder, data):
        self.root, self.folder, self.data = root, folder, data
        self.config = folder / "toy.yaml"
        self.config.write_text(YAML)

    def alone(self, out, *options) -> subprocess.Popen:
        return start(self.root, self._arguments(out, *options))

    def workers(self, out, *options) -> list[subprocess.Popen]:
        cluster = {"worker": [f"localhost:{port}" for port in free_ports(2)]}
        line = self._arguments(out, "--strategy", "multiworker", *options)
        tasks = [{"cluster": cluster, "task": {"type": "worker", "index": i}} for i in range(2)]
        return [start(self.root, line, {"TF_CONFIG": json.dumps(task)}) for task in tasks]

    def _arguments(self, out, *options) -> list:
        line = ["--config", self.config, "--data", self.data, "--out", self.folder / out]
        return [*line, "--steps", STEPS, "--checkpoint-every", 5, *options]


def finish(processes) -> None:
    """Waits for the end of all, which must be a good one."""
    try:
        told = [process.communicate(timeout=1500)[0] for process in processes]
    finally:
        for process in processes:
            process.kill()
    assert [process.returncode for process in processes] == [0] * len(processes), told


def wait_for(path, processes) -> None:
    deadline = time.monotonic() + 900
    while not path.exists():
        assert time.monotonic() < deadline and all(p.poll() is None for p in processes)
        time.sleep(0.05)


@pytest.fixture(scope="module")
def cluster(request, moving_squares, tmp_path_factory):
    return Cluster(request.config.rootpath, tmp_path_factory.mktemp("workers"), moving_squares)


@pytest.fixture(scope="module")
def runs(cluster):
    finish([cluster.alone("one"), *cluster.workers("two")])
    return cluster.folder / "one", cluster.folder / "two"


def assert_close(expected, found, tolerance) -> None:
    """Weights and statistics to a part of the largest of their tensor."""
    assert expected.keys() == found.keys()
    for name, value in expected.items():
        if name.endswith("iterations"):
            assert value == found[name]
        elif not name.startswith("optimizer_"):
            scale = max(np.abs(value).max(), 1e-3)
            assert np.abs(found[name] - value).max() < tolerance * scale, name


def test_two_processes_equal_one(runs):
    # Adam divides by the root of tiny second moments: rounding shows in the weights.
    assert_close(*map(newest_checkpoint, runs), 5e-3)


def test_the_losses_of_every_step_logged_are_those_of_the_whole_batch(runs):
    one, two = ((out / "metrics.jsonl").read_text().splitlines() for out in runs)
    assert len(one) == len(two) == 2
    for alone, together in zip(map(json.loads, one), map(json.loads, two), strict=True):
        assert together["loss/pixel"] == pytest.approx(alone["loss/pixel"], rel=1e-4)
        name = "size/gradients of painter"
        assert together[name] == pytest.approx(alone[name], rel=1e-2)


def test_only_the_first_worker_writes(runs):
    _, two = runs
    assert sorted(path.name for path in (two / "checkpoints").iterdir()) == [
        "step-00000015.npz",
        "step-00000020.npz",
    ]
    assert not list(two.rglob(".*"))


def test_a_lost_worker_costs_the_steps_since_the_last_checkpoint(cluster, runs):
    out = cluster.folder / "lost"
    processes = cluster.workers("lost")
    wait_for(out / "checkpoints" / "step-00000005.npz", processes)
    processes[1].kill()
    try:
        processes[0].wait(timeout=300)
    except subprocess.TimeoutExpired:
        processes[0].kill()
    finish(cluster.workers("lost", "--resume"))
    assert_close(newest_checkpoint(runs[1]), newest_checkpoint(out), 1e-5)


def test_a_run_goes_on_with_another_number_of_workers(cluster, runs):
    first = cluster.workers("moved")
    wait_for(cluster.folder / "moved" / "checkpoints" / "step-00000010.npz", first)
    for process in first:
        process.kill()
    finish([cluster.alone("moved", "--resume")])
    assert_close(newest_checkpoint(runs[0]), newest_checkpoint(cluster.folder / "moved"), 5e-3)


def test_sigterm_ends_a_process_well(cluster):
    process = cluster.alone("ended", "--steps", 100_000)
    wait_for(cluster.folder / "ended" / "checkpoints" / "step-00000005.npz", [process])
    process.send_signal(signal.SIGTERM)
    told, _ = process.communicate(timeout=30)
    assert process.returncode == 0 and "ended by SIGTERM" in told
