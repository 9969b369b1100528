"""Runs the commands as users do."""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

ROOT = Path(__file__).parents[1]
ENVIRONMENT = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}


def command_line(name: str, *arguments: object) -> list[str]:
    """What a shell would be given for `python -m fomm_tf.NAME`."""
    return [sys.executable, "-m", f"fomm_tf.{name}", *map(str, arguments)]


def run_command(name: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Runs `python -m fomm_tf.NAME` in the project's folder, but in this process: importing
    TensorFlow takes longer than most commands that the tests run."""
    command = importlib.import_module(f"fomm_tf.{name}").command
    line = command_line(name, *arguments)
    out, err, code = io.StringIO(), io.StringIO(), 0
    with (
        contextlib.chdir(ROOT),
        mock.patch.dict(os.environ),
        mock.patch.object(sys, "argv", line[2:]),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            command()
        except SystemExit as stop:
            code = stop.code
    return subprocess.CompletedProcess(line, code, out.getvalue(), err.getvalue())


def run_process(
    name: str, *arguments: object, environment: dict[str, str] | None = None, **options: Any
) -> subprocess.CompletedProcess[str]:
    """The same in a process of its own; options: of `subprocess.run`."""
    return _run(command_line(name, *arguments), env=ENVIRONMENT | (environment or {}), **options)


def train(
    config: Path, data: Path, out: Path, *options: object
) -> subprocess.CompletedProcess[str]:
    """Runs the train command."""
    return run_command("train", *train_arguments(config, data, out, *options))


def train_arguments(config: Path, data: Path, out: Path, *options: object) -> tuple[object, ...]:
    """What the train command is given."""
    return "--config", config, "--data", data, "--out", out, *options


def newest_checkpoint(run: Path) -> dict[str, np.ndarray]:
    """All arrays of a training run's last checkpoint."""
    with np.load(sorted((run / "checkpoints").glob("step-*.npz"))[-1]) as data:
        return dict(data)


def trained(config: Path, data: Path, out: Path, *options: object) -> Path:
    """Runs the train command, which must end well; returns the run's folder."""
    result = train(config, data, out, *options)
    assert result.returncode == 0, result.stderr
    return out


def assert_same_checkpoint(one: Path, other: Path) -> dict[str, np.ndarray]:
    """The last checkpoints of two runs are equal to the last bit; returns that."""
    first, second = newest_checkpoint(one), newest_checkpoint(other)
    assert set(first) == set(second)
    for name, value in first.items():
        np.testing.assert_array_equal(value, second[name], err_msg=name)
    return first


def assert_evaluates(model: Path, data: Path, out: Path, suffix: str) -> None:
    """Evaluating the first test video, 0, gives figures and pictures; suffix: of its video."""
    line = ("--model", model, "--data", data, "--out", out, "--videos", 1)
    result = run_process("evaluate", *line)
    assert result.returncode == 0, result.stderr
    metrics = json.loads((out / "metrics.json").read_text())
    assert metrics["videos"] == 1 and 0 < metrics["l1"] < 1
    assert (out / f"0{suffix}").is_file() and (out / "pictures" / "0.png").is_file()


def run_program(code: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Runs a Python program in the project's folder; it must end well."""
    done = _run([sys.executable, "-c", code, *map(str, arguments)])
    assert done.returncode == 0, done.stderr
    return done


def assert_one_line_error(done: subprocess.CompletedProcess[str], *words: object) -> str:
    """One line behind whatever was told before, with these words; returns it."""
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    lines = done.stderr.strip().splitlines()
    assert [line for line in lines if line.startswith("error: ")] == lines[-1:]
    for word in words:
        assert str(word) in lines[-1]
    return lines[-1]


def _run(line: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(line, cwd=ROOT, capture_output=True, text=True, timeout=300, **options)
