"""Converts an official PyTorch checkpoint to a model folder; PyTorch is not needed."""

from __future__ import annotations

import argparse
from collections.abc import Collection, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from fomm_tf.cli import command_parser, run_command
from fomm_tf.errors import ModelError
from fomm_tf.quiet import import_tensorflow
from fomm_tf.registry import load_config
from fomm_tf.weights.torch_checkpoint import read_checkpoint

EXAMPLES = """examples:
  # the official release's files, as downloaded (both of PyTorch's serializations)
  python -m fomm_tf.convert_checkpoint --config configs/vox-256.yaml \\
      --checkpoint vox-cpk.pth.tar --out models/vox-256

  # then
  python -m fomm_tf.animate --model models/vox-256 --source picture.png --driving video.mp4 \\
      --out result.mp4

The config determines the kind of model. The checkpoint is read as data: no code in it is executed.
The model folder holds the networks for inference (generator and keypoint detector, or segmentation
and reconstruction module); to continue training with the checkpoint's discriminator too, pass the
checkpoint itself to `python -m fomm_tf.train --init`.
"""
# State dict entries that are not parameters: statistics, spectral norm vectors, fixed kernels.
_BUFFERS = (
    *(".running_mean", ".running_var", ".num_batches_tracked", ".weight_u", ".weight_v"),
    ".down.weight",
)


def main(argv: list[str] | None = None) -> None:
    """Runs the command. Raises UserError for invalid arguments or inputs."""
    arguments = _parse(argv)
    out: Path = arguments.out
    _refuse_other_folders(out)
    # Both are checked before TensorFlow, which takes seconds to import.
    config = load_config(arguments.config)
    with tqdm(total=3, desc="reading", unit="step", disable=None, leave=False) as bar:
        modules = read_checkpoint(arguments.checkpoint)
        _next(bar, "loading")
        import_tensorflow()
        from fomm_tf.inference.loading import official_model

        model = official_model(config, modules, arguments.checkpoint)
        _next(bar, "writing")
        model.save(out)
        bar.update()
    print(f"read {arguments.checkpoint}")
    for line in describe(modules, model.OFFICIAL_MODULES):
        print(f"  {line}")
    print(f"model folder: {out}")


def describe(checkpoint: Mapping[Any, Any], converted: Collection[str]) -> list[str]:
    """One line per entry of a checkpoint as `read_checkpoint` returns it; converted: names of the
    entries that the model uses."""
    lines = []
    for name, entry in checkpoint.items():
        if isinstance(entry, Mapping) and "param_groups" in entry:
            state = entry.get("state")
            count = len(state) if isinstance(state, Mapping) else 0
            lines.append(f"{name}: optimizer state of {count:,} parameters, not converted")
        elif isinstance(entry, Mapping):
            tensors = {key: item for key, item in entry.items() if isinstance(item, np.ndarray)}
            count = sum(item.size for key, item in tensors.items() if is_parameter(key))
            kept = "" if name in converted else ", not converted"
            lines.append(f"{name}: {len(tensors):,} tensors, {count:,} parameters{kept}")
        elif isinstance(entry, (int, float)):
            lines.append(f"{name}: {entry}")
    return lines


def is_parameter(key: Any) -> bool:
    """Whether a state dict entry is a trained parameter."""
    return not f".{key}".endswith(_BUFFERS)


def _next(bar: tqdm, description: str) -> None:
    bar.update()
    bar.set_description(description)


def _refuse_other_folders(out: Path) -> None:
    if out.is_dir():
        names = {path.name for path in out.iterdir()}
        if names and not {"config.yaml", "weights.npz"} <= names:
            raise ModelError(f"{out} is not empty and not a model folder; give another --out")
    elif out.exists() or out.is_symlink():
        raise ModelError(f"{out} exists and is not a folder; give another --out")


def _parse(argv: list[str] | None) -> argparse.Namespace:
    parser = command_parser("convert_checkpoint", __doc__, EXAMPLES)
    add = parser.add_argument
    add("--config", type=Path, required=True, help="YAML the checkpoint was trained with")
    add("--checkpoint", type=Path, required=True, help="official .pth.tar file")
    add("--out", type=Path, required=True, help="model folder to write")
    return parser.parse_args(argv)


command = partial(run_command, main)

if __name__ == "__main__":
    command()
