"""Measures what int8 costs and saves in each layer group of a model, one group at a time."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from functools import partial
from pathlib import Path

from fomm_tf.cli import command_parser, positive, run_command
from fomm_tf.errors import DataError
from fomm_tf.files import write_json, write_text
from fomm_tf.quiet import import_tensorflow

DETAILS = """\
Each clip is reconstructed from its first picture, by float32 graphs and by graphs in which one
layer group alone is in int8: static (what it takes and gives is rounded) or dynamic (only its
weights, and for itself what it takes). Then all together, by the two recipes of export.convert.

  PSNR      of the pictures against those of the float32 graphs, over all clips, in dB
  L1        how the reconstruction's L1 against the true pictures changes
  ms saved  per frame, keypoints and picture, by calls that alternate with the float32 graphs'. Of
            each the time that nine in ten frames exceed, which other work on the machine disturbs
            least. The groups first and down run once for each source and save nothing here.
  MB saved  of the two files

In --out: layer_groups.md and layer_groups.json.

examples:
  python -m export.layer_groups --model models/cartoon-faces --out study
  python -m export.layer_groups --model models/vox-256 --calibration data/vox/train \\
      --test data/vox/test --out study
"""


def main(argv: list[str] | None = None) -> None:
    """Parses the command line and does what it says. Raises UserError for what is wrong with it."""
    args = _parse(argv)
    import_tensorflow()
    from export.layer_study import markdown, study

    rows = study(args.model, args.calibration, args.test, args.threads)
    table = markdown(rows)
    data = {"model": str(args.model), "rows": [asdict(row) for row in rows]}
    write_text(args.out / "layer_groups.md", table)
    write_json(args.out / "layer_groups.json", data)
    print(table)
    print(f"the table: {args.out / 'layer_groups.md'}, {args.out / 'layer_groups.json'}")


def _parse(argv: list[str] | None) -> argparse.Namespace:
    parser = command_parser("layer_groups", __doc__, DETAILS, "export")
    add = parser.add_argument
    add("--model", type=Path, required=True, metavar="DIR", help="model folder")
    add("--out", type=Path, required=True, metavar="DIR", help="folder for the table")
    add(
        "--calibration",
        type=Path,
        metavar="PATH",
        help="a video, or a folder of videos or pictures (default: drawn faces)",
    )
    add("--test", type=Path, metavar="PATH", help="the same, to measure on; not of the same videos")
    add("--threads", type=positive, metavar="N", help="of the runtime (default: all)")
    args = parser.parse_args(argv)
    if (args.calibration is None) != (args.test is None):
        parser.error("--calibration and --test go together")
    if args.out.exists() and not args.out.is_dir():
        raise DataError(f"{args.out} is there and no folder; give another --out")
    return args


command = partial(run_command, main)

if __name__ == "__main__":
    command()
