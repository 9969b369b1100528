"""Compares exported graphs with the Keras model that they were exported from."""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path

from export.thresholds import THRESHOLDS
from fomm_tf.cli import command_parser, run_command
from fomm_tf.errors import DataError
from fomm_tf.files import write_json
from fomm_tf.quiet import import_tensorflow

DETAILS = """\
Each output is compared on equal inputs, those of the Keras model. A clip is animated by each model
with its own keypoints and relative motion, like `animate`, so that all errors accumulate; then its
driving video is reconstructed from the first frame. PSNR is in dB; the peak value is 1 for frames,
and the value range for other outputs.

Thresholds, on equal inputs and over each whole clip:
{thresholds}
For a model without frames they apply to its segmentation, on equal inputs.

Operators are counted as assigned by the installed runtime. Unsupported by GPU means not listed for
the GPU delegate in TensorFlow's documentation; newer devices may support more.

Exit code: 0 if all thresholds are met, 1 if one is missed, 2 if nothing could be compared.

examples:
  python -m export.verify --model models/cartoon-faces --exported exported
  python -m export.verify --model models/vox-256 --exported exported/vox --driving talk.mp4 \\
      --source me.png --json difference.json
"""


def main(argv: list[str] | None = None) -> None:
    """Runs the command. Raises UserError for invalid arguments or inputs; exits with 1 if a
    threshold is missed."""
    args = _parse(argv)
    if args.json is not None and args.json.is_dir():
        raise DataError(f"--json: {args.json} is a folder; give a file")
    import_tensorflow()
    from export.verification import verify

    report = verify(args.model, args.exported, args.driving, args.source)
    print("\n".join(report.lines()))
    if args.json is not None:
        write_json(args.json, report.to_dict())
        print(f"\nthe same as JSON: {args.json}")
    if report.missed:
        print(f"missed: {'; '.join(report.missed)}", file=sys.stderr)
        sys.exit(1)


def _parse(argv: list[str] | None) -> argparse.Namespace:
    table = "\n".join(f"  {name:14}{limits}" for name, limits in THRESHOLDS.items())
    details = DETAILS.format(thresholds=table)
    parser = command_parser("verify", __doc__, details, "export")
    add = parser.add_argument
    add("--model", type=Path, required=True, metavar="DIR", help="model folder")
    add("--exported", type=Path, required=True, metavar="DIR", help="folder exported from it")
    add(
        "--driving",
        type=Path,
        metavar="VIDEO",
        help="driving video (default: drawn faces not in the bundled model's training data)",
    )
    add("--source", type=Path, metavar="PICTURE", help="to animate (default: VIDEO's first frame)")
    add("--json", type=Path, metavar="FILE", help="write the report to FILE too")
    args = parser.parse_args(argv)
    if args.source is not None and args.driving is None:
        parser.error("--source goes with --driving only")
    return args


command = partial(run_command, main)

if __name__ == "__main__":
    command()
