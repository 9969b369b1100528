"""The command: `python -m fomm_tf.data.cartoon_faces`."""

from __future__ import annotations

from functools import partial

from fomm_tf.cli import command_parser, run_command
from fomm_tf.data.cartoon_faces import MAX_SIZE, MIN_SIZE, write_dataset

_DESCRIPTION = """\
Renders videos of moving cartoon faces for training and testing: mp4 files in OUT/train and
OUT/test, each of a different person. Equal seeds yield equal pixels.
"""
_EXAMPLES = """examples:
  python -m fomm_tf.data.cartoon_faces --out data/cartoon-faces
  python -m fomm_tf.data.cartoon_faces --out data/small --videos 40 --frames 64 --size 64 --seed 1
"""


def main(argv: list[str] | None = None) -> None:
    """Parses the command line and writes the videos."""
    parser = command_parser("data.cartoon_faces", _DESCRIPTION, _EXAMPLES)
    parser.add_argument("--out", required=True, metavar="DIR", help="a new or empty folder")
    parser.add_argument(
        "--videos",
        type=int,
        default=400,
        metavar="N",
        help="how many, at least 2; one in eight is for testing (default: %(default)s)",
    )
    parser.add_argument(
        "--frames",
        type=int,
        default=128,
        metavar="N",
        help="of each video, at 25 a second, at least 2 (default: %(default)s)",
    )
    parser.add_argument(
        "--size",
        type=int,
        default=128,
        metavar="S",
        help=f"width and height in pixels, {MIN_SIZE} to {MAX_SIZE} (default: %(default)s)",
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="default: %(default)s")
    args = parser.parse_args(argv)
    files = write_dataset(args.out, args.videos, args.frames, args.size, args.seed)
    test = sum(file.parent.name == "test" for file in files)
    train = len(files) - test
    print(
        f"wrote videos of {len(files)} people: {args.out}/train ({train}), {args.out}/test ({test})"
    )


command = partial(run_command, main)

if __name__ == "__main__":
    command()
