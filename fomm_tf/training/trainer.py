"""The training run: steps, learning rate schedule, checkpoints, TensorBoard, final model."""

from __future__ import annotations

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
from fomm_tf.training.ema import averaged_weights
from fomm_tf.training.progress import NotFiniteError, Progress
from fomm_tf.training.run_file import RUN_FILE, check_same_run, identity
from fomm_tf.training.schedule import learning_rate_factor
from fomm_tf.training.step import BaseStep, Batch

_FETCH_EVERY = 10
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
        self.checkpoints = options.out / "checkpoints"
        self.pictures = options.out / "pictures"
        self._identity = identity(config, dataset, options.seed, self.total)

    def resume(self) -> None:
        """Resumes from the folder's newest checkpoint; without one the run starts from scratch.

        Raises ModelError if the run was started with another config, seed or data.
        """
        path = self.options.out / RUN_FILE
        if path.exists():
            check_same_run(path, self._identity)
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
        write_json(self.options.out / RUN_FILE, self._identity)
        self.config.save(self.options.out / "config.yaml")
        writer = tf.summary.create_file_writer(str(self.options.out / "logs"))
        if not self.done:
            for name, optimizer in self.step.optimizers.items():
                optimizer.start_averages(self.step.networks[name].trainable_variables)
        bar = tqdm(total=self.total, initial=self.done, unit="step", dynamic_ncols=True)
        with writer.as_default(), bar:
            progress = Progress(bar, self.done, self.config.train_params.batch_size)
            try:
                self._train(progress)
                progress.fetch()
            except KeyboardInterrupt:
                progress.fetch()
                self._save()
                bar.write(f"stopped at step {self.done}; continue with --resume")
                raise
            except NotFiniteError as error:
                advice = "Lower the learning rates or the loss weights"
                raise UserError(f"{error}; stopped. {self._last_good()}. {advice}") from error
        self._save()

    def _train(self, progress: Progress) -> None:
        for batch in self._batches():
            if self.done >= self.total:
                return
            self._set_learning_rates()
            progress.add(self.step(batch))
            self.done += 1
            if self.done % _FETCH_EVERY == 0:
                progress.fetch()
                self._write_learning_rates()
            if self.done % (self.config.train_params.checkpoint_epochs * self.epoch_steps) == 0:
                progress.fetch()
                self._finite_state()
                epoch = self.done // self.epoch_steps
                self._save_model(self.options.out / "epochs" / f"{epoch:04d}")
            if self.done % self.options.checkpoint_every == 0 or self.done == self.total:
                progress.fetch()
                self._write_pictures(batch)
                self._save()
                progress.start_clock()

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

    def _set_learning_rates(self) -> None:
        train = self.config.train_params
        factor = learning_rate_factor(train, self.done, self.epoch_steps, self.total)
        for name, optimizer in self.step.optimizers.items():
            optimizer.learning_rate.assign(train.learning_rate(name) * factor)

    def _last_good(self) -> str:
        saved = list_checkpoints(self.checkpoints)
        return f"The last good checkpoint is {saved[-1]}" if saved else "Nothing was saved yet"

    def _save(self) -> None:
        saved = list_checkpoints(self.checkpoints)
        if saved and checkpoint_number(saved[-1]) == self.done:
            return
        state = self._finite_state()
        # The model first: where there is a checkpoint, the model is at least as new.
        self._save_model(self.options.out)
        save_checkpoint(state, self.checkpoints, self.done)

    def _save_model(self, folder: Path) -> None:
        with averaged_weights(self.step):
            self.step.model.save(folder)

    def _finite_state(self) -> dict[str, np.ndarray]:
        state = training_state(self.step)
        try:
            check_finite(state)
        except ModelError as error:
            raise UserError(f"{error}; stopped. {self._last_good()}") from error
        return state

    def _write_learning_rates(self) -> None:
        for name, optimizer in self.step.optimizers.items():
            tf.summary.scalar(
                f"learning_rate/{name}", optimizer.learning_rate.value, step=self.done
            )

    def _write_pictures(self, batch: Batch) -> None:
        if self.step.strategy.num_replicas_in_sync > 1:
            batch = {
                n: self.step.strategy.experimental_local_results(v)[0] for n, v in batch.items()
            }
        source, driving = (batch[name][:_PICTURES].numpy() for name in ("source", "driving"))
        with averaged_weights(self.step):
            picture = self.step.model.visualize(source, driving)
        tf.summary.image("training", picture[None], step=self.done)
        write_picture(self.pictures / f"step-{self.done:08d}.png", picture)
