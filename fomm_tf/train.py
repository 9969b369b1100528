"""Trains a model on a folder of videos."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from fomm_tf.cli import command_parser, not_negative, positive, run_command
from fomm_tf.config.base import BaseConfig, with_overrides
from fomm_tf.data.dataset import FramesDataset
from fomm_tf.errors import ConfigError, UserError
from fomm_tf.quiet import import_tensorflow
from fomm_tf.registry import kind_of, load_config

if TYPE_CHECKING:
    import tensorflow as tf

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


def _parse(argv: list[str] | None) -> argparse.Namespace:
    parser = command_parser("train", __doc__, EXAMPLES)
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
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> None:
    """Runs the command. Raises UserError for invalid arguments or inputs."""
    arguments = _parse(argv)
    config = load_config(arguments.config)
    out: Path = arguments.out
    if out.exists() and not out.is_dir():
        raise ConfigError(f"{out} is not a folder")
    if not arguments.resume and out.is_dir() and any(out.iterdir()):
        raise ConfigError(f"{out} is not empty; give --resume to continue it, or another --out")
    data = arguments.data or Path(config.dataset_params.root_dir)
    if not data.is_dir():
        raise ConfigError(f"{data}: no such folder of videos")

    # TensorFlow takes seconds to import: check arguments and files first.
    import_tensorflow()
    import keras

    from fomm_tf.training.initial_weights import read_initial_weights
    from fomm_tf.training.trainer import RunOptions, Trainer

    config = with_overrides(
        config,
        batch_size=arguments.batch_size,
        num_epochs=arguments.epochs,
        vgg_weights=arguments.vgg_weights,
        squeezenet_weights=arguments.squeezenet_weights,
    )
    config.check_trainable(str(arguments.config))
    keras.utils.set_random_seed(arguments.seed)
    dataset = FramesDataset(config.dataset_params, "train", root=data)
    step = kind_of(config).step()(config, devices(config))
    if arguments.init is not None:
        if notice := step.start_from(read_initial_weights(arguments.init)):
            print(notice)
    options = RunOptions(out, arguments.seed, arguments.steps, arguments.checkpoint_every)
    trainer = Trainer(config, step, dataset, options)
    if arguments.resume:
        trainer.resume()
    if trainer.done >= trainer.total:
        raise UserError(
            f"{out} has already done {trainer.done} steps; give more --steps or --epochs"
        )
    steps = f"{trainer.epoch_steps} steps per epoch; step {trainer.done} of {trainer.total}"
    print(f"{len(dataset)} videos; {steps}")
    trainer.run()
    print(f"model: {out}")


def devices(config: BaseConfig) -> tf.distribute.Strategy:
    """Data parallelism over all GPUs of the machine, or its only device."""
    import tensorflow as tf

    count = len(tf.config.list_logical_devices("GPU"))
    if count < 2:
        return tf.distribute.get_strategy()
    if config.train_params.batch_size % count:
        raise ConfigError(
            f"a batch of {config.train_params.batch_size} cannot be divided among {count} GPUs; "
            f"give --batch-size a multiple of {count}"
        )
    return tf.distribute.MirroredStrategy()


command = partial(run_command, main)

if __name__ == "__main__":
    command()
