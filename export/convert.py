"""Exports a model folder to TFLite graphs that animate without TensorFlow."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from typing import get_args

from export.preconditions import check_replaceable
from fomm_tf.cli import command_parser, picture_size, run_command
from fomm_tf.inference.manifest import Difference, Precision, Recipe
from fomm_tf.quiet import import_tensorflow

DETAILS = """\
examples:
  python -m export.convert --model models/cartoon-faces --out exported --precision float16
  python -m export.convert --model models/vox-256 --out exported/vox --precision dynamic \\
      --license "CC BY-NC 4.0"
  python -m export.convert --model models/taichi --out exported/wide --precision float32 \\
      --size 256x384
  python -m export.convert --model models/vox-256 --out exported/phone --precision int8 \\
      --calibration data/vox/train

  # then, without TensorFlow if ai-edge-litert is installed
  python -m fomm_tf.animate --model exported --source picture.png --driving video.mp4 \\
      --out result.mp4

precisions:
  float32  equal to the Keras model
  float16  half the size; weights in float16, computation in float32
  dynamic  a quarter of the size; int8 weights of convolutions
  int8     a quarter of the size; int8 convolutions. --recipe quality (the default) does not round
           the outputs that yield keypoints, masks and Jacobians; --recipe fast does

int8 needs the ranges of activations inside the model, measured on --calibration: a video, a folder
of videos, or a folder of pictures, like the model's training data; 16 frames or more. Without it
they are measured on drawn faces, which suit models/cartoon-faces.

The folder holds keypoint_detector.tflite, generator.tflite and manifest.json, which describes them
and their difference from the Keras model; for a co-part segmentation model instead of these graphs
segmentation.tflite, which detects parts and cannot animate. It is written atomically, and only if
the graphs' outputs agree with the Keras model's.
"""


def main(argv: list[str] | None = None) -> None:
    """Runs the command. Raises UserError for invalid arguments or inputs."""
    args = _parse(argv)
    check_replaceable(args.out)
    import_tensorflow()
    from export.conversion import convert

    manifest = convert(
        args.model,
        args.out,
        args.precision,
        args.size,
        args.license,
        args.recipe or "quality",
        args.calibration,
    )
    for graph in manifest.graphs:
        print(f"  {graph.file}: {graph.bytes / 1e6:.1f} MB")
    assert manifest.difference is not None
    print(f"  difference from the Keras model: {_told(manifest.difference)}")
    print(f"exported model: {args.out}")


def _told(difference: Difference) -> str:
    parts = []
    for name, deviation in difference.deviations.items():
        decibels = "" if deviation.psnr is None else f" ({deviation.psnr:.1f} dB)"
        parts.append(f"{name} within {deviation.max:.1e}{decibels}")
    return ", ".join(parts)


def _parse(argv: list[str] | None) -> argparse.Namespace:
    parser = command_parser("convert", __doc__, DETAILS, "export")
    add = parser.add_argument
    add("--model", type=Path, required=True, metavar="DIR", help="model folder")
    add("--out", type=Path, required=True, metavar="DIR", help="folder to write")
    add("--precision", choices=get_args(Precision), required=True, help="see below")
    add(
        "--size",
        type=picture_size,
        metavar="HxW",
        help="frame size (default: the model's)",
    )
    add(
        "--license",
        metavar="TEXT",
        help="of the model's weights, for the manifest (default: the first line of DIR/LICENSE)",
    )
    add("--recipe", choices=get_args(Recipe), help="for int8, see below (default: quality)")
    add(
        "--calibration",
        type=Path,
        metavar="PATH",
        help="for int8: a video, or a folder of videos or pictures (default: drawn faces)",
    )
    args = parser.parse_args(argv)
    if args.precision != "int8" and (args.recipe or args.calibration):
        parser.error("--recipe and --calibration go with --precision int8 only")
    return args


command = partial(run_command, main)

if __name__ == "__main__":
    command()
