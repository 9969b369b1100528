"""Trains the AVD network of a Thin-Plate-Spline Motion Model, for `animate --mode avd`."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

from fomm_tf.cli import command_parser, not_negative, positive, run_command
from fomm_tf.config.base import with_overrides
from fomm_tf.data.dataset import FramesDataset
from fomm_tf.errors import ConfigError, UserError
from fomm_tf.quiet import import_tensorflow
from fomm_tf.registry import load_config
from fomm_tf.tpsmm.config import AVDTrainingConfig, TPSMMConfig
from fomm_tf.train import devices

EXAMPLES = """examples:
  python -m fomm_tf.train --config configs/tpsmm-vox-256.yaml --data data/vox --out runs/vox
  python -m fomm_tf.train_avd --config configs/tpsmm-vox-256.yaml --init runs/vox \\
      --data data/vox --out runs/vox-avd
  python -m fomm_tf.animate --model runs/vox-avd --source me.png --driving talk.mp4 \\
      --mode avd --out result.mp4

The model in --init, a model folder or an official .pth.tar, is not changed; --out becomes the same
model with an AVD network, trained by train_avd_params of the config.
"""


def main(argv: list[str] | None = None) -> None:
    """Runs the command. Raises UserError for invalid arguments or inputs."""
    arguments = _parse(argv)
    config = _avd_config(arguments)
    out: Path = arguments.out
    if not arguments.resume and out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ConfigError(f"{out} is not empty; give --resume to continue it, or another --out")
    data = arguments.data or Path(config.dataset_params.root_dir)
    if not data.is_dir():
        raise ConfigError(f"{data}: no such folder of videos")

    # TensorFlow takes seconds to import: check arguments and files first.
    import_tensorflow()
    import keras

    from fomm_tf.tpsmm.avd_step import AVDTrainingStep
    from fomm_tf.training.initial_weights import read_initial_weights
    from fomm_tf.training.trainer import RunOptions, Trainer

    keras.utils.set_random_seed(arguments.seed)
    dataset = FramesDataset(config.dataset_params, "train", root=data)
    step = AVDTrainingStep(config, devices(config))
    step.start_from(read_initial_weights(arguments.init))
    options = RunOptions(out, arguments.seed, arguments.steps, arguments.checkpoint_every)
    trainer = Trainer(config, step, dataset, options)
    if arguments.resume:
        trainer.resume()
    if trainer.done >= trainer.total:
        raise UserError(
            f"{out} has already done {trainer.done} steps; give more --steps or --epochs"
        )
    print(f"{len(dataset)} videos; step {trainer.done} of {trainer.total}")
    trainer.run()
    print(f"model: {out}")


def _avd_config(arguments: argparse.Namespace) -> AVDTrainingConfig:
    path = arguments.config
    config = load_config(path)
    if not isinstance(config, TPSMMConfig):
        raise ConfigError(f"{path} is for a {config.KIND}, not a {TPSMMConfig.KIND}")
    for key, section in (
        ("model_params.avd_network_params", config.model_params.avd_network_params),
        ("train_avd_params", config.train_avd_params),
    ):
        if section is None:
            raise ConfigError(f"{path}: {key}: missing; it describes the AVD network")
    training = AVDTrainingConfig.of(config)
    return with_overrides(training, num_epochs=arguments.epochs, batch_size=arguments.batch_size)


def _parse(argv: list[str] | None) -> argparse.Namespace:
    parser = command_parser("train_avd", __doc__, EXAMPLES)
    add = parser.add_argument
    add("--config", type=Path, required=True, help="YAML in the official schema")
    add("--init", type=Path, required=True, help="trained model folder or official .pth.tar")
    add(
        "--data", type=Path, help="folder of videos (default: the config's dataset_params.root_dir)"
    )
    add("--out", type=Path, required=True, help="run folder; becomes the model folder")
    add("--resume", action="store_true", help="continue the run in --out")
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--steps", type=positive, help="train to this step")
    length.add_argument(
        "--epochs", type=positive, help="train to this epoch (default: the config's)"
    )
    add("--batch-size", type=positive, help="overrides the config's")
    add("--seed", type=not_negative, default=0, help="for weights, data order and sampling")
    add(
        "--checkpoint-every",
        type=positive,
        default=500,
        metavar="STEPS",
        help="steps between checkpoints (default: %(default)s)",
    )
    return parser.parse_args(argv)


command = partial(run_command, main)

if __name__ == "__main__":
    command()
