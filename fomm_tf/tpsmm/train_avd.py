"""Trains the AVD network of a Thin-Plate-Spline Motion Model, for `animate --mode avd`."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from fomm_tf.cli import command_parser, run_command
from fomm_tf.config.base import BaseConfig
from fomm_tf.errors import ConfigError
from fomm_tf.registry import load_config
from fomm_tf.tpsmm.config import AVDTrainingConfig, TPSMMConfig
from fomm_tf.train import add_arguments, run

if TYPE_CHECKING:
    import tensorflow as tf

    from fomm_tf.training.step import BaseStep

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
    parser = command_parser("train_avd", __doc__, EXAMPLES)
    add_arguments(parser)
    arguments = parser.parse_args(argv)
    if arguments.init is None:
        parser.error("give --init: the trained model that the network is for")
    run(arguments, _step, load=_avd_config)


def _step(config: BaseConfig, strategy: tf.distribute.Strategy) -> BaseStep:
    from fomm_tf.tpsmm.avd_step import AVDTrainingStep

    return AVDTrainingStep(config, strategy)


def _avd_config(path: Path) -> AVDTrainingConfig:
    config = load_config(path)
    if not isinstance(config, TPSMMConfig):
        raise ConfigError(f"{path} is for a {config.KIND}, not a {TPSMMConfig.KIND}")
    for key, section in (
        ("model_params.avd_network_params", config.model_params.avd_network_params),
        ("train_avd_params", config.train_avd_params),
    ):
        if section is None:
            raise ConfigError(f"{path}: {key}: missing; it describes the AVD network")
    return AVDTrainingConfig.of(config)


command = partial(run_command, main)

if __name__ == "__main__":
    command()
