"""The training run: steps, learning rate schedule, checkpoints, TensorBoard, final model."""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tensorflow as tf
from tqdm import tqdm

from fomm_tf.config.base import BaseConfig
from fomm_tf.data.dataset import FramesDataset
from fomm_tf.data.pipeline import iterate, steps_per_epoch, training_batches
from fomm_tf.errors import ModelError, UserError
from fomm_tf.files import remove_leftovers, write_json
from fomm_tf.media.pictures import write_picture
from fomm_tf.training.checkpoints import (
    check_finite,
    checkpoint_number,
    list_checkpoints,
    restore_checkpoint,
    save_checkpoint,
    training_state,
)
from fomm_tf.training.step import BaseStep, Batch

RUN_FILE = "run.json"
_SCALARS_EVERY = 10
_PICTURES = 4


@dataclass(frozen=True)
class RunOptions:
    """Settings of a run that are not part of its config.

    `steps`: total number of steps, None for the config's epochs. `checkpoint_every`: steps between
    checkpoints (each with images for TensorBoard and an updated model folder).
    """

    out: Path
    seed: int = 0
    steps: int | None = None
    checkpoint_every: int = 500


class Trainer:
    """Trains `step` on `dataset` in the folder `options.out`.

    The folder is the model folder itself (config.yaml, weights.npz), with `checkpoints/` to resume
    from, `logs/` for TensorBoard, in `epochs/` the model folders of every `checkpoint_freq` epochs,
    and `run.json`, which records the run's config, seed and data.
    """

    def __init__(
        self, config: BaseConfig, step: BaseStep, dataset: FramesDataset, options: RunOptions
    ):
        train = config.train_params
        self.config, self.step, self.dataset, self.options = config, step, dataset, options
        self.epoch_steps = steps_per_epoch(dataset, train.batch_size, train.num_repeats)
        self.total = options.steps or train.num_epochs * self.epoch_steps
        self.done = 0
        self.epoch: int | None = None
        self.checkpoints = options.out / "checkpoints"
        self.pictures = options.out / "pictures"

    def resume(self) -> None:
        """Resumes from the folder's newest checkpoint; without one the run starts from scratch.

        Raises ModelError if the run was started with another config, seed or data.
        """
        path = self.options.out / RUN_FILE
        if path.exists():
            check_same_run(path, self._identity())
        saved = list_checkpoints(self.checkpoints)
        if saved:
            restore_checkpoint(self.step, saved[-1])
            self.done = checkpoint_number(saved[-1])

    def run(self) -> None:
        """Trains to the end; the folder then holds the finished model.

        Raises UserError when a loss becomes NaN or infinite; the last good checkpoint stays.
        """
        for folder in (self.options.out, self.checkpoints, self.pictures):
            folder.mkdir(parents=True, exist_ok=True)
            remove_leftovers(folder)
        write_json(self.options.out / RUN_FILE, self._identity())
        self.config.save(self.options.out / "config.yaml")
        writer = tf.summary.create_file_writer(str(self.options.out / "logs"))
        bar = tqdm(total=self.total, initial=self.done, unit="step", dynamic_ncols=True)
        with writer.as_default(), bar:
            try:
                self._train(bar)
            except KeyboardInterrupt:
                self._save()
                bar.write(f"stopped at step {self.done}; continue with --resume")
                raise
        self._save()

    def _train(self, bar: tqdm) -> None:
        train = self.config.train_params
        started, since = time.perf_counter(), self.done
        for batch in self._batches():
            if self.done >= self.total:
                return
            self._begin_epoch()
            self._set_learning_rates()
            losses = {name: float(loss) for name, loss in self.step(batch).items()}
            self._check_finite(losses)
            self.done += 1
            bar.update()
            rate = train.batch_size * (self.done - since) / (time.perf_counter() - started)
            bar.set_postfix({"loss": f"{sum(losses.values()):.3f}", "images/s": f"{rate:.1f}"})
            if self.done % _SCALARS_EVERY == 0:
                self._write_scalars(losses, rate)
            if self.done % (train.checkpoint_epochs * self.epoch_steps) == 0:
                self._finite_state()
                epoch = self.done // self.epoch_steps
                self.step.model.save(self.options.out / "epochs" / f"{epoch:04d}")
            if self.done % self.options.checkpoint_every == 0 or self.done == self.total:
                self._write_pictures(batch)
                self._save()
                # The time for images and files is not part of the step's.
                started, since = time.perf_counter(), self.done

    def _batches(self) -> Iterator[Batch]:
        train = self.config.train_params
        batches = training_batches(
            self.dataset, train.batch_size, train.num_repeats, self.options.seed, self.done
        )
        extras = self.step.extra_batches(self.options.seed, self.done)
        if extras is not None:
            batches = tf.data.Dataset.zip(batches, extras).map(lambda pair, more: {**pair, **more})
        if self.step.strategy.num_replicas_in_sync > 1:
            batches = self.step.strategy.experimental_distribute_dataset(batches)
        return iterate(batches, self.dataset)

    def _begin_epoch(self) -> None:
        epoch = self.done // self.epoch_steps
        if epoch != self.epoch:
            self.epoch = epoch
            self.step.begin_epoch(epoch)

    def _set_learning_rates(self) -> None:
        """PyTorch's MultiStepLR: divided by ten at each milestone (in epochs)."""
        train = self.config.train_params
        epoch = self.done // self.epoch_steps
        factor = 0.1 ** sum(milestone <= epoch for milestone in train.epoch_milestones)
        for name, optimizer in self.step.optimizers.items():
            rate = train.learning_rate(name) * factor
            if not math.isclose(float(optimizer.learning_rate), rate, rel_tol=1e-6):
                optimizer.learning_rate.assign(rate)

    def _check_finite(self, losses: dict[str, float]) -> None:
        wrong = [name for name, value in losses.items() if not math.isfinite(value)]
        if not wrong:
            return
        raise UserError(
            f"{', '.join(wrong)} became {losses[wrong[0]]} at step {self.done + 1}; stopped. "
            f"{self._last_good()}. Lower the learning rates or the loss weights"
        )

    def _last_good(self) -> str:
        saved = list_checkpoints(self.checkpoints)
        return f"The last good checkpoint is {saved[-1]}" if saved else "Nothing was saved yet"

    def _save(self) -> None:
        saved = list_checkpoints(self.checkpoints)
        if saved and checkpoint_number(saved[-1]) == self.done:
            return
        state = self._finite_state()
        # The model first: where there is a checkpoint, the model is at least as new.
        self.step.model.save(self.options.out)
        save_checkpoint(state, self.checkpoints, self.done)

    def _finite_state(self) -> dict[str, np.ndarray]:
        state = training_state(self.step)
        try:
            check_finite(state)
        except ModelError as error:
            raise UserError(f"{error}; stopped. {self._last_good()}") from error
        return state

    def _write_scalars(self, losses: dict[str, float], rate: float) -> None:
        for name, value in losses.items():
            tf.summary.scalar(f"loss/{name}", value, step=self.done)
        for name, optimizer in self.step.optimizers.items():
            tf.summary.scalar(
                f"learning_rate/{name}", optimizer.learning_rate.value, step=self.done
            )
        tf.summary.scalar("images_per_second", rate, step=self.done)

    def _write_pictures(self, batch: Batch) -> None:
        if self.step.strategy.num_replicas_in_sync > 1:
            batch = {
                n: self.step.strategy.experimental_local_results(v)[0] for n, v in batch.items()
            }
        source, driving = (batch[name][:_PICTURES].numpy() for name in ("source", "driving"))
        picture = self.step.model.visualize(source, driving)
        tf.summary.image("training", picture[None], step=self.done)
        write_picture(self.pictures / f"step-{self.done:08d}.png", picture)

    def _identity(self) -> dict:
        """What must not change when a run is resumed, or its steps would differ."""
        config = self.config.to_dict()
        train = dict(config["train_params"])
        train.pop("num_epochs")  # A finished run may be extended.
        return {
            "seed": self.options.seed,
            "dataset_params": config["dataset_params"],
            "model_params": config["model_params"],
            "train_params": train,
            "videos": _fingerprint(self.dataset),
        }


def _fingerprint(dataset: FramesDataset) -> str:
    """Changes when videos are added, removed or renamed: the data order would change."""
    names = "\n".join(str(clip.path.relative_to(dataset.root)) for clip in dataset.clips)
    return hashlib.sha256(names.encode()).hexdigest()[:16]


def check_same_run(path: Path, identity: dict) -> None:
    """Raises ModelError, naming the first difference, if a run was started with other settings."""
    try:
        started_with = json.loads(path.read_text())
    except (ValueError, OSError) as error:
        raise ModelError(f"{path} is damaged; the run cannot be resumed ({error})") from error
    # Through JSON, so that tuples and lists compare equal.
    wanted = json.loads(json.dumps(identity))
    if not isinstance(started_with, dict):
        raise ModelError(f"{path} is damaged; the run cannot be resumed")
    for key, value in wanted.items():
        if started_with.get(key) != value:
            difference = _first_difference(key, started_with.get(key), value)
            raise ModelError(f"--resume: this run was started with {difference}; use another --out")


def _first_difference(key: str, old, new) -> str:
    if isinstance(old, dict) and isinstance(new, dict):
        inner = next(k for k in (*old, *new) if old.get(k) != new.get(k))
        return _first_difference(f"{key}.{inner}", old.get(inner), new.get(inner))
    return f"{key} = {old}, not {new}"
