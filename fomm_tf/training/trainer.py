"""The training run: steps, learning rates, checkpoints, validation, and the final model."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import tensorflow as tf
from tqdm import tqdm

from fomm_tf.config.base import BaseConfig
from fomm_tf.data.dataset import FramesDataset
from fomm_tf.data.pipeline import steps_per_epoch
from fomm_tf.errors import UserError
from fomm_tf.training.checkpoints import checkpoint_number, restore_checkpoint
from fomm_tf.training.distribution import any_worker, is_chief
from fomm_tf.training.ema import averaged_weights
from fomm_tf.training.guards import SkippedBatches, StepError, save_batch
from fomm_tf.training.preemption import Preemption, watch_for_preemption
from fomm_tf.training.progress import Progress
from fomm_tf.training.run_file import RUN_FILE, check_same_run, identity
from fomm_tf.training.run_folder import RunFolder
from fomm_tf.training.run_log import RunLog
from fomm_tf.training.schedule import learning_rate_factor
from fomm_tf.training.step import BaseStep, Batch
from fomm_tf.training.streams import one_batch, step_batches
from fomm_tf.training.validation import since_best, validate

_FETCH_EVERY = 10
_PICTURES = 4


@dataclass(frozen=True)
class RunOptions:
    """Settings of a run that are not part of its config.

    steps: total number of steps, None for the config's epochs. checkpoint_every: steps between
    checkpoints (each with a picture and an updated model folder), of which `keep` are kept.
    validate_every: steps between validations, None for none. patience: validations without a better
    L1 after which the run ends. on_nan: "stop", or "rewind" to the last checkpoint and go on
    without the batch.
    """

    out: Path
    seed: int = 0
    steps: int | None = None
    checkpoint_every: int = 500
    keep: int = 2
    validate_every: int | None = None
    patience: int | None = None
    on_nan: Literal["stop", "rewind"] = "stop"


class Trainer:
    """Trains `step` on `dataset` in the folder `options.out`.

    The folder is the model folder itself (config.yaml, weights.npz), with `checkpoints/` to resume
    from, `logs/` for TensorBoard, `metrics.jsonl`, in `epochs/` the model folders of every
    `checkpoint_freq` epochs, in `best/` the best one by validation, and `run.json`, which records
    the run's config, seed and data. validation: held-out videos; None if there is none.
    """

    def __init__(
        self,
        config: BaseConfig,
        step: BaseStep,
        dataset: FramesDataset,
        options: RunOptions,
        validation: FramesDataset | None = None,
    ):
        train = config.train_params
        self.config, self.step, self.dataset, self.options = config, step, dataset, options
        self.validation = validation
        self.epoch_steps = steps_per_epoch(dataset, train.batch_size, train.num_repeats)
        self.total = options.steps or train.num_epochs * self.epoch_steps
        self.done = 0
        self.folder = RunFolder(options.out, step, options.keep, is_chief(step.strategy))
        self.skipped = SkippedBatches(options.out)
        self._identity = identity(config, dataset, options.seed, self.total)
        self._identity |= step.identity()

    def resume(self) -> None:
        """Resumes from the folder's newest checkpoint; without one the run starts from scratch.

        Raises ModelError if the run was started with another config, seed or data.
        """
        path = self.options.out / RUN_FILE
        if path.exists():
            check_same_run(path, self._identity)
        if newest := self.folder.newest():
            restore_checkpoint(self.step, newest)
            self.done = checkpoint_number(newest)

    def run(self) -> bool:
        """Trains to the end; the folder then holds the finished model.

        Returns False if SIGTERM ended it before: everything is saved. Raises UserError when a loss
        becomes NaN or infinite, or gradients or Jacobians explode; the last good checkpoint stays.
        """
        self.folder.start(self._identity)
        if not self.done:
            for name, optimizer in self.step.optimizers.items():
                optimizer.start_averages(self.step.networks[name].trainable_variables)
        with ExitStack() as stack:
            preemption = stack.enter_context(watch_for_preemption())
            stack.enter_context(self.folder.logging())
            hidden = not self.folder.writes
            bar = tqdm(
                total=self.total, initial=self.done, unit="step", dynamic_ncols=True, disable=hidden
            )
            log = RunLog(self.options.out, self.done, self.folder.writes)
            batch_size = self.config.train_params.batch_size
            progress = Progress(stack.enter_context(bar), log, self.done, batch_size)
            stack.enter_context(self._saved_if_interrupted(progress))
            while self._train_until_trouble(progress, preemption):
                pass
            self.folder.save(self.done)
            self.folder.wait()
        return not preemption.requested or self.done >= self.total

    @contextmanager
    def _saved_if_interrupted(self, progress: Progress) -> Iterator[None]:
        try:
            yield
        except KeyboardInterrupt:
            progress.fetch()
            self.folder.save(self.done)
            self.folder.wait()
            progress.bar.write(f"stopped at step {self.done}; continue with --resume")
            raise

    def _train_until_trouble(self, progress: Progress, preemption: Preemption) -> bool:
        """Returns True after a rewind: there is more to train."""
        try:
            self._train(progress, preemption)
            progress.fetch()
        except StepError as error:
            self._handle(error, progress)
            return True
        except (tf.errors.UnavailableError, tf.errors.AbortedError) as error:
            raise UserError(
                f"another worker was lost at step {self.done}; start all again with --resume. "
                f"{self.folder.last_good()}"
            ) from error
        return False

    def _train(self, progress: Progress, preemption: Preemption) -> None:
        options = self.options
        number = self.skipped.number(self.done)
        batches = step_batches(self.step, self.dataset, options.seed, number, self.skipped.numbers)
        epochs = self.config.train_params.checkpoint_epochs * self.epoch_steps
        for batch in batches:
            if self.done >= self.total or any_worker(self.step.strategy, preemption.requested):
                return
            rates = self._set_learning_rates()
            progress.add(*self.step.run(batch))
            self.done += 1
            if self.done % _FETCH_EVERY == 0:
                progress.fetch(**rates)
            if self.done % epochs == 0:
                progress.fetch(**rates)
                self.folder.save_model(f"epochs/{self.done // self.epoch_steps:04d}")
            if self.done % options.checkpoint_every == 0 or self.done == self.total:
                progress.fetch(**rates)
                self._write_picture(batch)
                self.folder.save(self.done)
                progress.start_clock()
            if options.validate_every and self.done % options.validate_every == 0:
                progress.fetch(**rates)
                if self._validate(progress):
                    return
                progress.start_clock()

    def _set_learning_rates(self) -> dict[str, float]:
        train = self.config.train_params
        factor = learning_rate_factor(train, self.done, self.epoch_steps, self.total)
        rates = {}
        for name, optimizer in self.step.optimizers.items():
            rates[f"learning_rate/{name}"] = train.learning_rate(name) * factor
            optimizer.learning_rate.assign(rates[f"learning_rate/{name}"])
        return rates

    def _validate(self, progress: Progress) -> bool:
        """Returns whether patience has run out."""
        assert self.validation is not None
        with averaged_weights(self.step):
            figures = validate(self.step.model, self.validation)
        progress.log.write(self.done, figures)
        progress.bar.write(
            f"step {self.done}: " + ", ".join(f"{name} {v:.4f}" for name, v in figures.items())
        )
        waited = since_best(progress.log.records)
        if waited == 0:
            self.folder.save_model("best")
        patience = self.options.patience
        ended = any_worker(self.step.strategy, bool(patience and waited and waited >= patience))
        if ended:
            progress.bar.write(f"no better validation for {waited} times: stopped; see best/")
        return ended

    def _handle(self, error: StepError, progress: Progress) -> None:
        """Keeps the batch; raises, or goes back to the last checkpoint and leaves it out."""
        number = self.skipped.number(error.step - 1)
        kept = ""
        if self.folder.writes:
            batch = one_batch(self.step, self.dataset, self.options.seed, number)
            path = save_batch(batch, self.options.out / "bad-batches", error.step)
            kept = f"; its batch is {path}"
        newest = self.folder.newest()
        if self.options.on_nan == "stop" or newest is None:
            raise UserError(
                f"{error}{kept}; stopped. {self.folder.last_good()}. "
                "Lower the learning rates or the loss weights, or give --on-nan rewind"
            ) from error
        self.skipped.add(number, self.folder.writes)
        restore_checkpoint(self.step, newest)
        self.done = checkpoint_number(newest)
        progress.rewind(self.done)
        tqdm.write(
            f"warning: {error}{kept}; back to step {self.done}, going on without it",
            file=sys.stderr,
        )

    def _write_picture(self, batch: Batch) -> None:
        if not self.folder.writes:
            return
        if self.step.strategy.num_replicas_in_sync > 1:
            local = self.step.strategy.experimental_local_results
            batch = {name: local(value)[0] for name, value in batch.items()}
        source, driving = (batch[name][:_PICTURES].numpy() for name in ("source", "driving"))
        with averaged_weights(self.step):
            picture = self.step.model.visualize(source, driving)
        self.folder.write_picture(picture, self.done)
