"""Makes a training set from raw videos: clips of one face each, cropped to it.

As the official crop-video.py: a face is cut out by one box for as long as it stays there; where it
leaves, a new clip begins.
"""

from __future__ import annotations

import argparse
import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import islice
from pathlib import Path

from tqdm import tqdm

from fomm_tf.cli import command_parser, ignore_interrupts, positive, run_command, say, warn
from fomm_tf.data.clips import distinct_names, list_videos
from fomm_tf.errors import DataError
from fomm_tf.face.crop import Shot, crop_box, find_shots
from fomm_tf.files import replacing_folder
from fomm_tf.media.fitting import fit_frames
from fomm_tf.media.frames import TimedFrame
from fomm_tf.media.video_reader import Video, open_video
from fomm_tf.media.video_writer import VideoWriter

DETAILS = """\
In --out: VIDEO#000.mp4, VIDEO#001.mp4, ..., without sound. Clips of one video count as one person
where a config has id_sampling. Faces are looked for in every fifth frame; of several the largest is
taken. How large a clip's face is, is as in the pictures of VoxCeleb: half of the height.

examples:
  python -m fomm_tf.data.crop_videos --videos raw --out data/faces
  python -m fomm_tf.data.crop_videos --videos raw --out data/faces --size 128 --seconds 1 --jobs 4
  python -m fomm_tf.train --config configs/vox-256.yaml --data data/faces --out runs/faces
"""


def main(argv: list[str] | None = None) -> None:
    """Runs the command. Raises UserError for invalid arguments or inputs."""
    args = _parse(argv)
    videos = list_videos(args.videos)
    if args.out.exists() and (not args.out.is_dir() or any(args.out.iterdir())):
        raise DataError(f"{args.out}: exists and is not an empty folder; give a new one")
    with replacing_folder(args.out) as folder:
        clips = _crop_all(videos, folder, args)
        if not clips:
            raise DataError(f"{args.videos}: no face stays in place for {args.seconds:g} seconds")
    print(f"{args.out}: {clips} clips of {len(videos)} videos")


def _crop_all(videos: list[Path], folder: Path, args: argparse.Namespace) -> int:
    """The number of clips written."""
    crop = partial(crop_video, size=(args.size, args.size), seconds=args.seconds)
    outs = [folder / name for name in distinct_names(videos)]
    if args.jobs == 1:
        pairs = zip(tqdm(videos, unit="video"), outs, strict=True)
        return sum(crop(path, out) for path, out in pairs)
    # Spawned, not forked: PyAV and the networks' runtime hold threads.
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(args.jobs, spawn, ignore_interrupts) as pool:
        done = pool.map(crop, videos, outs)
        try:
            return sum(tqdm(done, total=len(videos), unit="video"))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def crop_video(path: Path, out: Path, size: tuple[int, int], seconds: float) -> int:
    """Writes the clips of a video, OUT#000.mp4 and so on, of (height, width); returns their number.

    Shorter clips than `seconds` are left out. A video that cannot be read is reported and skipped.
    """
    try:
        video = open_video(path)
        shots = [shot for shot in find_shots(video) if shot.end - shot.start >= seconds * video.fps]
        for number, (shot, frames) in enumerate(_with_frames(video, shots)):
            box = crop_box(shot.faces, (video.height, video.width), size)
            clip = out.with_name(f"{out.name}#{number:03d}.mp4")
            with VideoWriter(clip, video.fps) as writer:
                start = None
                for time, duration, image in fit_frames(frames, size, "crop", {0: box}):
                    start = time if start is None else start
                    writer.write(image, time - start, duration)
    except DataError as error:
        warn(f"skipped: {error}")
        return 0
    warn(video.problem)
    if not shots:
        say(path, f"no face stays in place for {seconds:g} seconds")
    return len(shots)


def _with_frames(video: Video, shots: list[Shot]) -> Iterator[tuple[Shot, Iterator[TimedFrame]]]:
    """Each shot with its frames, in one pass over the video: take them before the next shot."""
    frames, index = video.timed(), 0
    for shot in shots:
        yield shot, islice(frames, shot.start - index, shot.end - index)
        index = shot.end


def _parse(argv: list[str] | None) -> argparse.Namespace:
    parser = command_parser("data.crop_videos", __doc__, DETAILS)
    add = parser.add_argument
    add("--videos", type=Path, required=True, metavar="DIR", help="the raw videos")
    add("--out", type=Path, required=True, metavar="DIR", help="a new or empty folder")
    add(
        "--size",
        type=positive,
        default=256,
        metavar="S",
        help="width and height of the clips in pixels, even (default: %(default)s)",
    )
    add(
        "--seconds",
        type=float,
        default=2.0,
        metavar="T",
        help="shorter clips are left out (default: %(default)s)",
    )
    add("--jobs", type=positive, default=1, metavar="N", help="processes (default: %(default)s)")
    args = parser.parse_args(argv)
    if args.size % 2:
        parser.error("--size must be even: H.264 stores no odd sizes")
    return args


command = partial(run_command, main)

if __name__ == "__main__":
    command()
