"""Two steps of a run that is not begun: how fast, how large, how long."""

from __future__ import annotations

import resource
import shutil
import sys
import time
from pathlib import Path

import tensorflow as tf

from fomm_tf.training.checkpoints import training_state
from fomm_tf.training.streams import step_batches
from fomm_tf.training.trainer import Trainer


def dry_run(trainer: Trainer) -> list[str]:
    """Takes two steps, and returns the lines of a report. Nothing is written; raises what a
    training would raise at its start."""
    step, train = trainer.step, trainer.config.train_params
    batches = step_batches(step, trainer.dataset, trainer.options.seed, trainer.done)
    first, seconds = (_seconds(trainer, next(batches)) for _ in range(2))
    images = train.batch_size / seconds
    hours = (trainer.total - trainer.done) * seconds / 3600
    state = sum(value.nbytes for value in training_state(step).values())
    model = sum(value.nbytes for value in step.model.weights().values())
    epochs = trainer.total // (train.checkpoint_epochs * trainer.epoch_steps)
    models = epochs + (2 if trainer.options.validate_every else 1)
    disk = trainer.options.keep * state + models * model
    free = shutil.disk_usage(_existing(trainer.options.out)).free
    lines = [
        f"step: {seconds:.2f} s, {images:.1f} images/s (the first, with tracing: {first:.1f} s)",
        f"whole run: {trainer.total - trainer.done} steps, {hours:.1f} hours, without validation",
        f"memory: {_peak_memory() / 2**20:.0f} MiB at most so far",
        f"disk: {disk / 2**20:.0f} MiB in all, {state / 2**20:.0f} MiB a checkpoint, "
        f"{model / 2**20:.0f} MiB a model; free: {free / 2**20:.0f} MiB",
    ]
    # While a checkpoint is written, the oldest is still there.
    if disk + state > free:
        lines.append("warning: the disk is too small for this run")
    return lines


def _seconds(trainer: Trainer, batch: dict[str, tf.Tensor]) -> float:
    started = time.perf_counter()
    losses, _ = trainer.step.run(batch)
    tf.nest.map_structure(float, losses)
    return time.perf_counter() - started


def _peak_memory() -> int:
    """Of this process, in bytes; what is on GPUs is not in it."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak << 10


def _existing(path: Path) -> Path:
    """The nearest folder above that is there."""
    return next(parent for parent in (path.resolve(), *path.resolve().parents) if parent.exists())
