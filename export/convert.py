"""Turns a model folder into TFLite graphs that animate without TensorFlow."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from tqdm import tqdm

from export.folder import check_replaceable, replacing_folder
from fomm_tf.command_line import command_parser, picture_size
from fomm_tf.config import BaseConfig
from fomm_tf.errors import run_command
from fomm_tf.manifest import Difference, Manifest, Precision, Recipe
from fomm_tf.quiet import import_tensorflow

if TYPE_CHECKING:
    from export.int8 import Calibration
    from fomm_tf.base_model import BaseModel

DETAILS = """\
examples:
  python -m export.convert --model models/cartoon-faces --out exported --precision float16
  python -m export.convert --model models/vox-256 --out exported/vox --precision dynamic \\
      --license "CC BY-NC 4.0"
  python -m export.convert --model models/taichi --out exported/wide --precision float32 \\
      --size 256x384
  python -m export.convert --model models/vox-256 --out exported/phone --precision int8 \\
      --calibration data/vox/train

  # then, without TensorFlow if ai-edge-litert is there
  python -m fomm_tf.animate --model exported --source picture.png --driving video.mp4 \\
      --out result.mp4

precisions:
  float32  equal to the Keras model
  float16  half the size; weights are rounded, and computed with in float32
  dynamic  a quarter of the size; weights of convolutions in 8 bits
  int8     a quarter of the size; convolutions compute in 8 bits. --recipe quality (the default)
           leaves what keypoints, masks and Jacobians are made of unrounded; --recipe fast does not

int8 rounds by the ranges that numbers inside the model have. They come from --calibration: a video,
a folder of videos, or a folder of pictures, like those that the model is made for; 16 frames
or more. Without it they come from drawn faces, which are right for models/cartoon-faces.

The folder holds keypoint_detector.tflite, generator.tflite and manifest.json, which describes them
and says how far they are from the Keras model; of a co-part segmentation model segmentation.tflite
in their place, which finds parts and cannot animate. It is written whole or not at all, and only if
the graphs give what the Keras model gives.
"""


def main(argv: list[str] | None = None) -> None:
    """Parses the command line and does what it says. Raises UserError for what is wrong with it."""
    args = _parse(argv)
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
    print(f"  from the Keras model: {_told(manifest.difference)}")
    print(f"exported model: {args.out}")


def convert(
    folder: Path,
    out: Path,
    precision: Precision,
    size: tuple[int, int] | None = None,
    license: str | None = None,
    recipe: Recipe = "quality",
    calibration: Path | None = None,
) -> Manifest:
    """Exports the model in `folder` to the folder `out`, and returns its manifest.

    size: (height, width) to export for; default: that of the model's config. license: of the
    weights; default: the first line of LICENSE in `folder`, if there is one. recipe, calibration:
    for int8 alone; default calibration: drawn faces.

    Raises ModelError or ConfigError with one line for a folder that is no model, a size that it
    cannot take, an `out` with other things in it, and graphs that differ from the Keras model;
    DataError for a calibration that cannot be read or is too short.
    """
    check_replaceable(out)
    with tqdm(total=5, desc="loading", unit="step", disable=None, leave=False) as bar:
        import_tensorflow()
        from export.compare import SAMPLES, check, difference_of, measure
        from export.int8 import check_quantizer, read_calibration
        from export.manifest import describe, write_manifest
        from fomm_tf.model import load_model
        from fomm_tf.runtime import load_exported

        if precision == "int8":
            check_quantizer()
        model = load_model(folder)
        config = _with_size(model.config, size)
        frames = read_calibration(calibration, config) if precision == "int8" else None
        _next(bar, "converting")
        with replacing_folder(out) as temporary:
            files = {}
            for name, content in _graphs(model, config, precision, recipe, frames, bar):
                files[name] = content
                (temporary / name).write_bytes(content)
                bar.update()
            manifest = describe(
                files,
                config,
                precision,
                folder.resolve().name,
                license or _license(folder),
                recipe if frames else None,
            )
            write_manifest(temporary, manifest)
            bar.set_description("comparing")
            pictures, name = (frames.held_out if frames else None) or (None, SAMPLES)
            outputs = measure(model, load_exported(temporary), pictures)
            check(outputs, precision)
            manifest = replace(manifest, difference=difference_of(outputs, name))
            write_manifest(temporary, manifest)
            bar.update()
        bar.update()
    return manifest


def _graphs(
    model: BaseModel,
    config: BaseConfig,
    precision: Precision,
    recipe: Recipe,
    calibration: Calibration | None,
    bar: tqdm,
) -> Iterator[tuple[str, bytes]]:
    from export.graphs import build_graphs
    from export.int8 import int8_graphs
    from export.recipes import RECIPES

    if precision != "int8":
        return build_graphs(model, config, precision)
    assert calibration is not None
    bar.total = (bar.total or 0) + sum(map(len, calibration.clips))
    return int8_graphs(model, config, RECIPES[recipe], calibration.clips, bar.update)


def _with_size(config: BaseConfig, size: tuple[int, int] | None) -> BaseConfig:
    """The config for pictures of another size. Raises ConfigError if the model cannot take it."""
    if size is None:
        return config
    data = config.to_dict()
    channels = config.dataset_params.frame_shape[2]
    data["dataset_params"]["frame_shape"] = [*size, channels]
    return type(config).from_dict(data, f"--size {size[0]}x{size[1]}")


def _told(difference: Difference) -> str:
    parts = [f"keypoints within {difference.keypoints.max:.1e}"]
    pictures = {
        "frames": (difference.frame, difference.frame_psnr),
        "segmentation": (difference.segmentation, difference.segmentation_psnr),
    }
    for name, (deviation, psnr) in pictures.items():
        if deviation is not None:
            parts.append(f"{name} within {deviation.max:.1e} ({psnr:.1f} dB)")
    return ", ".join(parts)


def _license(folder: Path) -> str | None:
    path = folder / "LICENSE"
    if not path.is_file():
        return None
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.readline(200).strip() or None


def _next(bar: tqdm, description: str) -> None:
    bar.update()
    bar.set_description(description)


def _parse(argv: list[str] | None) -> argparse.Namespace:
    parser = command_parser("convert", __doc__, DETAILS, "export")
    add = parser.add_argument
    add("--model", type=Path, required=True, metavar="DIR", help="model folder")
    add("--out", type=Path, required=True, metavar="DIR", help="folder to write")
    add("--precision", choices=get_args(Precision), required=True, help="of the weights, see below")
    add(
        "--size",
        type=picture_size,
        metavar="HxW",
        help="of pictures (default: the model's frame size)",
    )
    add(
        "--license",
        metavar="TEXT",
        help="of the model's weights, for the manifest (default: the first line of DIR/LICENSE)",
    )
    add("--recipe", choices=get_args(Recipe), help="of int8, see below (default: quality)")
    add(
        "--calibration",
        type=Path,
        metavar="PATH",
        help="of int8: a video, or a folder of videos or pictures (default: drawn faces)",
    )
    args = parser.parse_args(argv)
    if args.precision != "int8" and (args.recipe or args.calibration):
        parser.error("--recipe and --calibration go with --precision int8 only")
    return args


if __name__ == "__main__":
    run_command(main)
