"""Trains a small model (student) with a larger trained one (teacher) as an example."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from fomm_tf.cli import command_parser, run_command
from fomm_tf.config.base import BaseConfig
from fomm_tf.errors import ConfigError
from fomm_tf.registry import kind_of
from fomm_tf.train import add_arguments, run

if TYPE_CHECKING:
    import tensorflow as tf

    from fomm_tf.training.step import BaseStep

EXAMPLES = """examples:
  # a small model of the drawn faces, from the bundled one
  python -m fomm_tf.data.cartoon_faces --out data/faces --videos 200 --frames 48 --size 128
  python -m fomm_tf.distill --teacher models/cartoon-faces --data data/faces \\
      --config configs/mobile-cartoon-faces-128.yaml --out runs/mobile

  # an official checkpoint made small, by videos
  python -m fomm_tf.convert_checkpoint --config configs/vox-256.yaml \\
      --checkpoint vox-cpk.pth.tar --out models/vox-256
  python -m fomm_tf.distill --teacher models/vox-256 --config configs/mobile-256.yaml \\
      --data videos --out runs/mobile-vox

  # without videos: the teacher animates the pictures
  python -m fomm_tf.distill --teacher models/vox-256 --config configs/mobile-256.yaml \\
      --data pictures --made-frames --out runs/mobile-vox

The teacher's results are further targets beside the usual losses; their weights are the config's
train_params.distillation_params. All else is as in `train`.
"""


def main(argv: list[str] | None = None) -> None:
    """Runs the command. Raises UserError for invalid arguments or inputs."""
    parser = command_parser("distill", __doc__, EXAMPLES)
    parser.add_argument("--teacher", type=Path, required=True, help="model folder; not changed")
    parser.add_argument(
        "--made-frames",
        action="store_true",
        help="the teacher makes the driving frames, so --data may hold still pictures",
    )
    add_arguments(parser)
    arguments = parser.parse_args(argv)
    if not arguments.teacher.is_dir():
        raise ConfigError(f"--teacher {arguments.teacher}: no such model folder")
    run(arguments, partial(_step, arguments), stills=arguments.made_frames)


def _step(
    arguments: argparse.Namespace, config: BaseConfig, strategy: tf.distribute.Strategy
) -> BaseStep:
    from fomm_tf.inference.loading import load_model

    step = kind_of(config).distillation()
    teacher = load_model(arguments.teacher)
    if teacher.config.KIND != config.KIND:
        raise ConfigError(
            f"--teacher {arguments.teacher} is a {teacher.config.KIND}, not a {config.KIND}"
        )
    return step(config, strategy, teacher, arguments.made_frames)


command = partial(run_command, main)

if __name__ == "__main__":
    command()
