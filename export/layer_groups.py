"""Measures the quality cost and the savings of int8 per layer group, one group at a time."""

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
Each clip is reconstructed from its first frame, by float32 graphs and by graphs with only one layer
group in int8: static (input and output activations are int8) or dynamic (int8 weights; the input is
quantized inside the layer). Then all groups together, by the two recipes of export.convert.

  PSNR      of the frames against those of the float32 graphs, over all clips, in dB
  L1        relative change of the reconstruction's L1 against the true frames
  ms saved  per frame, detect and animate, by calls that alternate with the float32 graphs'. The
            10th percentile of each, which other load on the machine disturbs least. The groups
            first and down run once per source and save nothing here.
  MB saved  of the two files

In --out: layer_groups.md and layer_groups.json.

examples:
  python -m export.layer_groups --model models/cartoon-faces --out study
  python -m export.layer_groups --model models/vox-256 --calibration data/vox/train \\
      --test data/vox/test --out study
"""


def main(argv: list[str] | None = None) -> None:
    """Runs the command. Raises UserError for invalid arguments or inputs."""
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
    add("--test", type=Path, metavar="PATH", help="the same, for testing; must be other videos")
    add("--threads", type=positive, metavar="N", help="of the runtime (default: all)")
    args = parser.parse_args(argv)
    if (args.calibration is None) != (args.test is None):
        parser.error("--calibration and --test go together")
    if args.out.exists() and not args.out.is_dir():
        raise DataError(f"{args.out} exists and is not a folder; give another --out")
    return args


command = partial(run_command, main)

if __name__ == "__main__":
    command()
