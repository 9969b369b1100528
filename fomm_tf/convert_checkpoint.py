"""Turns an official PyTorch checkpoint into a model folder; PyTorch is not needed."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

import fomm_tf
from fomm_tf.errors import ModelError, run_command

EXAMPLES = """examples:
  # the official release's files, as downloaded (both of PyTorch's serializations)
  python -m fomm_tf.convert_checkpoint --config configs/vox-256.yaml \\
      --checkpoint vox-cpk.pth.tar --out models/vox-256

  # then
  python -m fomm_tf.animate --model models/vox-256 --source picture.png --driving video.mp4 \\
      --out result.mp4

The checkpoint is read as data: nothing in it is ever executed. The model folder holds what animates
(generator and keypoint detector); to go on training with the checkpoint's discriminator too, give
the checkpoint itself to `python -m fomm_tf.train --init`.
"""
# Entries of a state dict that are no parameters: statistics, spectral norm vectors, fixed kernels.
_BUFFERS = (
    *(".running_mean", ".running_var", ".num_batches_tracked", ".weight_u", ".weight_v"),
    ".down.weight",
)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m fomm_tf.convert_checkpoint",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--config", type=Path, required=True, help="YAML that the checkpoint was trained with"
    )
    parser.add_argument("--checkpoint", type=Path, required=True, help="official .pth.tar file")
    parser.add_argument("--out", type=Path, required=True, help="model folder to write")
    return parser.parse_args()


def main() -> None:
    arguments = parse_arguments()
    out: Path = arguments.out
    _refuse_other_folders(out)
    from fomm_tf.config import load_config
    from fomm_tf.torch_checkpoint import read_checkpoint

    # Both are checked before TensorFlow, which takes seconds to import.
    config = load_config(arguments.config)
    with tqdm(total=3, desc="reading", unit="step", disable=None, leave=False) as bar:
        summary = describe(read_checkpoint(arguments.checkpoint))
        _next(bar, "loading")
        model = fomm_tf.load_official(config, arguments.checkpoint)
        _next(bar, "writing")
        model.save(out)
        bar.update()
    print(f"read {arguments.checkpoint}")
    for line in summary:
        print(f"  {line}")
    print(f"model folder: {out}")


def describe(checkpoint: Mapping[Any, Any]) -> list[str]:
    """One line per entry of a checkpoint as `read_checkpoint` gives it."""
    lines = []
    for name, entry in checkpoint.items():
        if isinstance(entry, Mapping) and "param_groups" in entry:
            state = entry.get("state")
            count = len(state) if isinstance(state, Mapping) else 0
            lines.append(f"{name}: optimizer state of {count:,} parameters, not converted")
        elif isinstance(entry, Mapping):
            tensors = {key: item for key, item in entry.items() if isinstance(item, np.ndarray)}
            count = sum(item.size for key, item in tensors.items() if is_parameter(key))
            kept = "" if name in ("generator", "kp_detector") else ", not converted"
            lines.append(f"{name}: {len(tensors):,} tensors, {count:,} parameters{kept}")
        elif isinstance(entry, (int, float)):
            lines.append(f"{name}: {entry}")
    return lines


def is_parameter(key: Any) -> bool:
    """Whether a state dict's entry is trained, as opposed to kept along."""
    return not f".{key}".endswith(_BUFFERS)


def _next(bar: tqdm, description: str) -> None:
    bar.update()
    bar.set_description(description)


def _refuse_other_folders(out: Path) -> None:
    if out.is_dir():
        names = {path.name for path in out.iterdir()}
        if names and not {"config.yaml", "weights.npz"} <= names:
            raise ModelError(f"{out} is not empty and no model folder; give another --out")
    elif out.exists() or out.is_symlink():
        raise ModelError(f"{out} is there and no folder; give another --out")


if __name__ == "__main__":
    run_command(main)
