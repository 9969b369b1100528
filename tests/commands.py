"""Runs the commands as users do, in a process of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).parents[1]
ENVIRONMENT = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}


def command_line(name: str, *arguments: object) -> list[str]:
    """What a shell would be given for `python -m fomm_tf.NAME`."""
    return [sys.executable, "-m", f"fomm_tf.{name}", *map(str, arguments)]


def run_command(
    name: str, *arguments: object, environment: dict[str, str] | None = None, **options: Any
) -> subprocess.CompletedProcess[str]:
    """Runs `python -m fomm_tf.NAME` in the project's folder; options: of `subprocess.run`."""
    return _run(command_line(name, *arguments), env=ENVIRONMENT | (environment or {}), **options)


def train(
    config: Path, data: Path, out: Path, *options: object, **process: Any
) -> subprocess.CompletedProcess[str]:
    """Runs the train command; process: of `run_command`."""
    arguments = ("--config", config, "--data", data, "--out", out, *options)
    return run_command("train", *arguments, **process)


def newest_checkpoint(run: Path) -> dict[str, np.ndarray]:
    """All arrays of a training run's last checkpoint."""
    with np.load(sorted((run / "checkpoints").glob("step-*.npz"))[-1]) as data:
        return dict(data)


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
