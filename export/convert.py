"""Turns a model folder into TFLite graphs that animate without TensorFlow."""

from __future__ import annotations

import argparse
import re
from dataclasses import replace
from pathlib import Path
from typing import get_args

from tqdm import tqdm

from export.folder import check_replaceable, replacing_folder
from fomm_tf.config import Config
from fomm_tf.errors import run_command
from fomm_tf.manifest import Manifest, Precision
from fomm_tf.quiet import import_tensorflow

DETAILS = """\
examples:
  python -m export.convert --model models/cartoon-faces --out exported --precision float16
  python -m export.convert --model models/vox-256 --out exported/vox --precision dynamic \\
      --license "CC BY-NC 4.0"
  python -m export.convert --model models/taichi --out exported/wide --precision float32 \\
      --size 256x384

  # then, without TensorFlow if ai-edge-litert is there
  python -m fomm_tf.animate --model exported --source picture.png --driving video.mp4 \\
      --out result.mp4

precisions:
  float32  equal to the Keras model
  float16  half the size; weights are rounded, and computed with in float32
  dynamic  a quarter of the size; weights of convolutions in 8 bits

The folder holds keypoint_detector.tflite, generator.tflite and manifest.json, which describes them
and says how far they are from the Keras model. It is written whole or not at all, and only if the
graphs give what the Keras model gives.
"""


def main(argv: list[str] | None = None) -> None:
    """Parses the command line and does what it says. Raises UserError for what is wrong with it."""
    args = _parse(argv)
    manifest = convert(args.model, args.out, args.precision, args.size, args.license)
    for graph in manifest.graphs:
        print(f"  {graph.file}: {graph.bytes / 1e6:.1f} MB")
    assert manifest.difference is not None
    difference = manifest.difference
    print(
        f"  from the Keras model: keypoints within {difference.keypoints.max:.1e}, "
        f"pictures within {difference.frame.max:.1e} ({difference.frame_psnr:.1f} dB)"
    )
    print(f"exported model: {args.out}")


def convert(
    folder: Path,
    out: Path,
    precision: Precision,
    size: tuple[int, int] | None = None,
    license: str | None = None,
) -> Manifest:
    """Exports the model in `folder` to the folder `out`, and returns its manifest.

    size: (height, width) to export for; default: that of the model's config. license: of the
    weights; default: the first line of LICENSE in `folder`, if there is one.

    Raises ModelError or ConfigError with one line for a folder that is no model, a size that it
    cannot take, an `out` with other things in it, and graphs that differ from the Keras model.
    """
    check_replaceable(out)
    with tqdm(total=5, desc="loading", unit="step", disable=None, leave=False) as bar:
        import_tensorflow()
        from export.compare import check, measure
        from export.graphs import build_graphs
        from export.manifest import describe, write_manifest
        from fomm_tf.model import load_model
        from fomm_tf.runtime import load_exported

        model = load_model(folder)
        config = _with_size(model.config, size)
        _next(bar, "converting")
        with replacing_folder(out) as temporary:
            files = {}
            for name, content in build_graphs(model, config, precision):
                files[name] = content
                (temporary / name).write_bytes(content)
                bar.update()
            manifest = describe(
                files, config, precision, folder.resolve().name, license or _license(folder)
            )
            write_manifest(temporary, manifest)
            bar.set_description("comparing")
            difference = measure(model, load_exported(temporary))
            check(difference, precision)
            manifest = replace(manifest, difference=difference)
            write_manifest(temporary, manifest)
            bar.update()
        bar.update()
    return manifest


def _with_size(config: Config, size: tuple[int, int] | None) -> Config:
    """The config for pictures of another size. Raises ConfigError if the model cannot take it."""
    if size is None:
        return config
    data = config.to_dict()
    channels = config.dataset_params.frame_shape[2]
    data["dataset_params"]["frame_shape"] = [*size, channels]
    return Config.from_dict(data, f"--size {size[0]}x{size[1]}")


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
    parser = argparse.ArgumentParser(
        prog="python -m export.convert",
        description=__doc__,
        epilog=DETAILS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--model", type=Path, required=True, metavar="DIR", help="model folder")
    add("--out", type=Path, required=True, metavar="DIR", help="folder to write")
    add("--precision", choices=get_args(Precision), required=True, help="of the weights, see below")
    add("--size", type=_size, metavar="HxW", help="of pictures (default: the model's frame size)")
    add(
        "--license",
        metavar="TEXT",
        help="of the model's weights, for the manifest (default: the first line of DIR/LICENSE)",
    )
    return parser.parse_args(argv)


def _size(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d{1,5})x(\d{1,5})", text)
    if not match:
        raise argparse.ArgumentTypeError(f"{text!r} is not HEIGHTxWIDTH in pixels, as in 256x384")
    return int(match[1]), int(match[2])


if __name__ == "__main__":
    run_command(main)
