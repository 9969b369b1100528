"""The command: `python -m fomm_tf.data.portraits`."""

from __future__ import annotations

from functools import partial

from fomm_tf.cli import command_parser, run_command
from fomm_tf.data.portraits import MAX_SIZE, MIN_SIZE, write_dataset

_DESCRIPTION = """\
Makes training clips from still photographs of faces: heads that turn, talk, blink and look about,
before their own backdrop or another. Writes mp4 files into OUT/train and OUT/test, the landmarks
of every frame into OUT/landmarks and a contact sheet, OUT/sheet.png: look at it before you train.
Equal seeds yield equal pixels.
"""
_EXAMPLES = """examples:
  python -m fomm_tf.data.portraits --pictures photos --out data/portraits --clips 1500
  python -m fomm_tf.data.portraits --pictures photos --landmarks mesh.npz --out data/small \\
      --clips 40 --frames 16 --fps 8 --size 128 --seed 1
"""


def main(argv: list[str] | None = None) -> None:
    """Parses the command line and writes the clips."""
    parser = command_parser("data.portraits", _DESCRIPTION, _EXAMPLES)
    parser.add_argument("--pictures", required=True, metavar="DIR", help="photographs of faces")
    parser.add_argument(
        "--landmarks",
        metavar="FILE",
        help=".npz file with the pictures' names [N] and MediaPipe's face mesh of each, landmarks"
        " [N, 468, 3] in pixels (default: landmarks.npz in the folder of pictures; without, they"
        " are found with the extra `face`)",
    )
    parser.add_argument("--out", required=True, metavar="DIR", help="a new or empty folder")
    numbers: list[tuple[str, int, str]] = [
        ("--clips", 1500, "how many, at least 2; one in eight is for testing"),
        ("--frames", 32, "of each clip, at least 2"),
        ("--size", 256, f"width and height in pixels, {MIN_SIZE} to {MAX_SIZE}"),
        ("--seed", 0, "of all that is random"),
    ]
    for name, default, text in numbers:
        text = f"{text} (default: %(default)s)"
        parser.add_argument(name, type=int, default=default, metavar="N", help=text)
    parser.add_argument(
        "--fps",
        type=float,
        default=25.0,
        metavar="N",
        help="frames per second; with fewer, as many frames show more of a motion"
        " (default: %(default)s)",
    )
    args = parser.parse_args(argv)
    files = write_dataset(
        args.out,
        args.pictures,
        args.landmarks,
        args.clips,
        args.frames,
        args.size,
        args.fps,
        args.seed,
    )
    test = sum(file.parent.name == "test" for file in files)
    print(
        f"wrote {len(files)} clips: {args.out}/train ({len(files) - test}), {args.out}/test"
        f" ({test}); look at {args.out}/sheet.png"
    )


command = partial(run_command, main)

if __name__ == "__main__":
    command()
