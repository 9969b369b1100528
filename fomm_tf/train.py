"""Trains a model on a folder of videos."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fomm_tf.cli import command_parser, not_negative, positive, run_command
from fomm_tf.config.base import BaseConfig, with_overrides
from fomm_tf.data.dataset import FramesDataset
from fomm_tf.errors import ConfigError, UserError
from fomm_tf.quiet import import_tensorflow
from fomm_tf.registry import kind_of, load_config

if TYPE_CHECKING:
    import tensorflow as tf

    from fomm_tf.training.step import BaseStep

EXAMPLES = """examples:
  # a first run on procedural faces, nothing to download
  python -m fomm_tf.data.cartoon_faces --out data/faces --videos 200 --frames 48 --size 64 --seed 0
  python -m fomm_tf.train --config configs/cartoon-faces-64.yaml --data data/faces \\
      --out runs/faces --steps 200

  # continue it, exactly as if it had never stopped
  python -m fomm_tf.train --config configs/cartoon-faces-64.yaml --data data/faces \\
      --out runs/faces --steps 400 --resume

  # fine-tune the official vox weights on your own videos
  python -m fomm_tf.train --config configs/vox-256.yaml --data my-videos --out runs/mine \\
      --init vox-cpk.pth.tar --vgg-weights vgg19-dcbb9e9d.pth --batch-size 8

  # co-part segmentation, initialized from a FOMM of the same data
  python -m fomm_tf.train --config configs/copart-vox-5segments.yaml --data my-videos \\
      --init models/vox-256-5kp --out runs/parts

  # the zeroth-order model
  python -m fomm_tf.train --config configs/monkeynet-vox.yaml --data my-videos \\
      --out runs/monkey-net

  tensorboard --logdir runs/faces/logs

The config determines the kind of model. --init: a co-part model may also start from a FOMM.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `run`."""
    parser.add_argument("--config", type=Path, required=True, help="YAML in the official schema")
    parser.add_argument(
        "--data", type=Path, help="folder of videos (default: the config's dataset_params.root_dir)"
    )
    parser.add_argument(
        "--out", type=Path, required=True, help="run folder; becomes the model folder"
    )
    parser.add_argument("--resume", action="store_true", help="continue the run in --out")
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--steps", type=positive, help="train to this step")
    length.add_argument(
        "--epochs", type=positive, help="train to this epoch (default: the config's)"
    )
    parser.add_argument("--batch-size", type=positive, help="overrides the config's")
    parser.add_argument(
        "--seed", type=not_negative, default=0, help="for weights, data order and sampling"
    )
    parser.add_argument(
        "--init", type=Path, help="start from a model folder or an official .pth.tar checkpoint"
    )
    parser.add_argument(
        "--vgg-weights",
        help="overrides the config's: imagenet (downloaded by Keras), random, or the path of "
        "torchvision's vgg19-*.pth",
    )
    parser.add_argument(
        "--freeze",
        nargs="+",
        metavar="NAME",
        help="train all but these networks, or parts of them by the names of their weights: "
        "kp_detector, generator.dense_motion_network",
    )
    parser.add_argument(
        "--squeezenet-weights",
        help="overrides the config's: the path of torchvision's squeezenet1_1-*.pth, or random; "
        "for perceptual_network: squeezenet",
    )
    parser.add_argument(
        "--checkpoint-every",
        type=positive,
        default=500,
        metavar="STEPS",
        help="steps between checkpoints (default: %(default)s)",
    )
    _add_run_options(parser)


def _add_run_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "--keep",
        type=positive,
        default=2,
        metavar="N",
        help="checkpoints that are kept (default: %(default)s)",
    )
    add(
        "--validate-every",
        type=positive,
        metavar="STEPS",
        help="measure held-out videos, keep the best model in best/",
    )
    add(
        "--patience",
        type=positive,
        metavar="N",
        help="stop after N validations without a better one",
    )
    add(
        "--on-nan",
        choices=("stop", "rewind"),
        default="stop",
        help="when a step is not finite: stop, or go back to the last checkpoint and leave out "
        "its batch (default: %(default)s)",
    )
    add(
        "--accumulate",
        type=positive,
        metavar="N",
        help="process a batch in N parts, for less memory; overrides the config's",
    )
    add(
        "--strategy",
        choices=("none", "mirrored", "multiworker"),
        help="devices: one, all GPUs of this machine (the default if there are several), or one "
        "process on each of several machines (TF_CONFIG or Slurm)",
    )
    add(
        "--cache-memory",
        type=positive,
        default=1024,
        metavar="MIB",
        help="memory for decoded videos (default: %(default)s)",
    )
    add(
        "--dry-run",
        action="store_true",
        help="check config, data and memory with two steps, and estimate time and disk; writes "
        "nothing",
    )


def main(argv: list[str] | None = None) -> None:
    """Runs the command. Raises UserError for invalid arguments or inputs."""
    parser = command_parser("train", __doc__, EXAMPLES)
    add_arguments(parser)
    run(parser.parse_args(argv), lambda config, strategy: kind_of(config).step()(config, strategy))


def run(
    arguments: argparse.Namespace,
    make_step: Callable[[BaseConfig, tf.distribute.Strategy], BaseStep],
    load: Callable[[Path], BaseConfig] = load_config,
    stills: bool = False,
) -> None:
    """Trains the step of the arguments' config, read by `load`. `stills`: see `FramesDataset`.

    Raises UserError for invalid arguments or inputs.
    """
    config = load(arguments.config)
    out: Path = arguments.out
    if out.exists() and not out.is_dir():
        raise ConfigError(f"{out} is not a folder")
    if arguments.patience and not arguments.validate_every:
        raise ConfigError("--patience counts validations; give --validate-every")
    if not arguments.resume and not arguments.dry_run and _in_use(out):
        raise ConfigError(f"{out} is not empty; give --resume to continue it, or another --out")
    data = arguments.data or Path(config.dataset_params.root_dir)
    if not data.is_dir():
        raise ConfigError(f"{data}: no such folder of videos")

    # TensorFlow takes seconds to import: check arguments and files first.
    import_tensorflow()
    import keras

    from fomm_tf.training.distribution import strategy_for
    from fomm_tf.training.dry_run import dry_run
    from fomm_tf.training.initial_weights import read_initial_weights
    from fomm_tf.training.trainer import RunOptions, Trainer

    config = with_overrides(
        config,
        batch_size=arguments.batch_size,
        num_epochs=arguments.epochs,
        vgg_weights=arguments.vgg_weights,
        squeezenet_weights=arguments.squeezenet_weights,
        accumulation_steps=arguments.accumulate,
        freeze=None if arguments.freeze is None else tuple(arguments.freeze),
    )
    config.check_trainable(str(arguments.config))
    _check_weights(config, vgg19=arguments.vgg_weights, squeezenet=arguments.squeezenet_weights)
    train = config.train_params
    strategy = strategy_for(arguments.strategy, train.batch_size, train.accumulation_steps)
    keras.utils.set_random_seed(arguments.seed)
    cache = arguments.cache_memory << 20
    dataset = FramesDataset(config.dataset_params, "train", data, cache, stills)
    validation = None
    if arguments.validate_every:
        validation = FramesDataset(config.dataset_params, "test", data, 0, stills)
    step = make_step(config, strategy)
    if arguments.init is not None:
        if notice := step.start_from(read_initial_weights(arguments.init)):
            print(notice)
    options = RunOptions(
        out,
        arguments.seed,
        arguments.steps,
        arguments.checkpoint_every,
        arguments.keep,
        arguments.validate_every,
        arguments.patience,
        arguments.on_nan,
    )
    trainer = Trainer(config, step, dataset, options, validation)
    if arguments.resume:
        trainer.resume()
    if trainer.done >= trainer.total:
        raise UserError(
            f"{out} has already done {trainer.done} steps; give more --steps or --epochs"
        )
    steps = f"{trainer.epoch_steps} steps per epoch; step {trainer.done} of {trainer.total}"
    print(f"{len(dataset)} videos; {steps}")
    if arguments.dry_run:
        print("\n".join(dry_run(trainer)))
    elif trainer.run():
        print(f"model: {out}")
    else:
        print(f"ended by SIGTERM at step {trainer.done}, saved; continue with --resume")


def _check_weights(config: Any, **given: str | None) -> None:
    """Weights of a perceptual network that the config does not use would have no effect."""
    for network, weights in given.items():
        if weights and config.train_params.perceptual_network != network:
            raise ConfigError(
                f"weights of {network}: the config's perceptual_network is "
                f"{config.train_params.perceptual_network}"
            )


def _in_use(out: Path) -> bool:
    """Whether a new run must not write there. Only the first of several workers writes."""
    cluster = json.loads(os.environ.get("TF_CONFIG") or "{}")
    if cluster.get("task", {}).get("index") or int(os.environ.get("SLURM_PROCID") or 0):
        return False
    return out.is_dir() and any(out.iterdir())


command = partial(run_command, main)

if __name__ == "__main__":
    command()
