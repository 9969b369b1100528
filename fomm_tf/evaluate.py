"""Measures how well a model reconstructs the test videos of a dataset from their first frames.

The official protocol: the source is a video's first frame, the keypoints of every frame drive it.
Reported beside it is what showing the first frame unchanged would give.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from tqdm import tqdm

import fomm_tf
from fomm_tf.command_line import command_parser, positive
from fomm_tf.config import DatasetParams, VisualizerParams
from fomm_tf.copart.pictures import paint_parts
from fomm_tf.copart.segments import Segments
from fomm_tf.data.clips import Clip, distinct_names
from fomm_tf.data.dataset import FramesDataset, split_notice
from fomm_tf.errors import DataError, run_command
from fomm_tf.files import replacing
from fomm_tf.media.drawing import draw_keypoints
from fomm_tf.media.pictures import side_by_side
from fomm_tf.media.video_writer import VideoWriter
from fomm_tf.metrics import Reconstruction, Score, reconstruct

DETAILS = """\
In --out:
  metrics.json       l1, psnr (dB, of the mean squared error), ssim: means over all frames of all
                     videos; the same as *_copy_source for the first frame shown unchanged
  NAME.mp4           video and reconstruction side by side (reconstruction_params.format)
  png/NAME.png       the reconstructed frames side by side, as the official code writes them
  pictures/NAME.png  source, frame, reconstruction at some moments, with keypoints or parts

A --data DIR without test/ holds the videos itself; of those it takes the fifth that training on DIR
keeps back, as `animate --data` does. To evaluate on all videos of a folder, put them into DIR/test.

examples:
  python -m fomm_tf.evaluate --model models/cartoon-faces --data data/faces --out results
  python -m fomm_tf.evaluate --model runs/faces --data data/faces --out results --videos 10
"""

# A strip of frames is one picture, so it has to be in memory: longer videos give their beginning.
STRIP_FRAMES = 500
PICTURE_ROWS = 4
TABLE_ROWS = 3


@dataclass
class VideoResult:
    """One video's scores: of the model and of its source shown unchanged."""

    name: str
    model: Score = field(default_factory=Score)
    copy_source: Score = field(default_factory=Score)
    seconds: list[float] = field(default_factory=list)

    def metrics(self) -> dict[str, float]:
        """The numbers as they stand in metrics.json."""
        names = ("l1", "psnr", "ssim")
        metrics: dict[str, float] = {name: getattr(self.model, name) for name in names}
        metrics |= {f"{name}_copy_source": getattr(self.copy_source, name) for name in names}
        metrics["frames"] = self.model.frames
        return metrics


class _Unreadable(Exception):
    """A video that broke while it was read."""


def main(argv: list[str] | None = None) -> None:
    """Parses the command line and does what it says. Raises UserError for what is wrong with it."""
    args = _parse(argv)
    model = fomm_tf.load_model(args.model)
    dataset = FramesDataset(_test_params(model), "test", root=args.data)
    if notice := split_notice(dataset.root):
        print(notice)
    args.out.mkdir(parents=True, exist_ok=True)
    limit = args.videos or model.config.reconstruction_params.num_videos
    results, skipped = evaluate(model, dataset, args.out, limit)
    total = _total(results)
    print(_table(results, total))
    _write_metrics(args, results, total, skipped)
    print(f"{args.out / 'metrics.json'}: {total.model.frames} frames of {len(results)} videos")


def evaluate(
    model: Any, dataset: FramesDataset, out: Path, limit: int | None = None
) -> tuple[list[VideoResult], dict[str, str]]:
    """Reconstructs the first `limit` videos (None: all); pictures and videos of it go to `out`.

    Returns the results, and by their names the reasons why videos were skipped. Holds one frame at
    a time, beside a strip of at most 500. Raises DataError where no video can be read.
    """
    clips = dataset.clips[:limit]
    names = distinct_names([clip.path for clip in clips])
    results = []
    skipped = {path.name: reason for path, reason in dataset.broken.items()}
    with tqdm(total=sum(map(_count, clips)), unit="frame", desc="reconstructing") as bar:
        for index, name in enumerate(names):
            try:
                results.append(_evaluate_video(model, dataset, index, name, out, bar))
            except _Unreadable as error:
                tqdm.write(f"warning: {error} (skipped)", file=sys.stderr)
                skipped[clips[index].path.name] = str(error)
    if not results:
        raise DataError(f"{dataset.root}: none of its videos can be read to the end")
    return results, skipped


def _evaluate_video(
    model: Any, dataset: FramesDataset, index: int, name: str, out: Path, bar: tqdm
) -> VideoResult:
    clip, config = dataset.clips[index], model.config
    result = VideoResult(name)
    strip: list[np.ndarray] = []
    rows: list[np.ndarray] = []
    moments = np.linspace(0, _count(clip) - 1, PICTURE_ROWS + 1)
    shown = set(np.ceil(moments[1:]).astype(int).tolist())
    with _reading():
        fps = clip.fps()
    with VideoWriter(out / f"{name}{config.reconstruction_params.format}", fps) as video:
        first = None
        for step in reconstruct(model, _frames(dataset, index)):
            first = first or step
            if result.model.frames in shown:
                rows.append(_picture_row(first, step, config.visualizer_params))
            result.model.add(step.prediction, step.driving)
            result.copy_source.add(first.driving, step.driving)
            result.seconds.append(step.seconds)
            video.write(side_by_side(step.driving, step.prediction))
            if len(strip) < STRIP_FRAMES:
                strip.append(strip_frame(step.prediction))
            bar.update()
    _save_picture(out / "png" / f"{name}.png", np.concatenate(strip, axis=1))
    if rows:
        _save_picture(out / "pictures" / f"{name}.png", np.concatenate(rows))
    return result


def strip_frame(prediction: np.ndarray) -> np.ndarray:
    """[H, W, 3] in [0, 1] -> uint8 as in the official strips, where fractions are cut off."""
    return (255 * prediction).astype(np.uint8)


def _picture_row(
    first: Reconstruction, step: Reconstruction, params: VisualizerParams
) -> np.ndarray:
    source, driving = (_drawn(item, params) for item in (first, step))
    return side_by_side(source, driving, step.prediction)


def _drawn(step: Reconstruction, params: VisualizerParams) -> np.ndarray:
    """The frame with what the model has detected in it: parts or keypoints."""
    found = step.kp_driving
    if isinstance(found, Segments):
        return paint_parts(step.driving, found.segmentation[0], params.colormap)
    return draw_keypoints(step.driving, found.value[0], params.kp_size, params.colormap)


def _frames(dataset: FramesDataset, index: int) -> Iterator[np.ndarray]:
    with _reading():
        yield from dataset.video(index)


@contextmanager
def _reading() -> Iterator[None]:
    """Tells errors of reading, which cost one video, from errors of writing, which end the run."""
    try:
        yield
    except (DataError, OSError) as error:
        raise _Unreadable(" ".join(str(error).split())) from error


def _test_params(model: Any) -> DatasetParams:
    # Model folders may hold augmentation for another frame size; nothing is augmented here.
    return replace(model.config.dataset_params, augmentation_params=None)


def _count(clip: Clip) -> int:
    """For the progress bar and the choice of pictures: an unreadable video shows later."""
    try:
        return clip.count()
    except (DataError, OSError):
        return 0


def _total(results: list[VideoResult]) -> VideoResult:
    total = VideoResult("all frames")
    for result in results:
        total.model.merge(result.model)
        total.copy_source.merge(result.copy_source)
        total.seconds += result.seconds
    return total


def _table(results: list[VideoResult], total: VideoResult) -> str:
    """The worst and the best videos and the mean, of the model and of the unchanged source."""
    ranked = sorted(results, key=lambda result: -result.model.l1)
    rows = ranked
    if len(ranked) > 2 * TABLE_ROWS:
        rows = [*ranked[:TABLE_ROWS], *ranked[-TABLE_ROWS:]]
    width = max(len(result.name) for result in [*rows, total])
    width = min(max(width, 10), 40)
    head = f"{'L1':>8}{'PSNR':>8}{'SSIM':>8}"
    lines = [
        f"{'':{width}}{'':>8}   {'reconstruction':^24}   {'source unchanged':^24}",
        f"{'video':{width}}{'frames':>8}   {head}   {head}",
    ]
    for result in rows:
        lines.append(_line(result, width))
        if len(rows) < len(ranked) and result is rows[TABLE_ROWS - 1]:
            lines.append("...")
    return "\n".join([*lines, _line(total, width)])


def _line(result: VideoResult, width: int) -> str:
    scores = "".join(
        f"   {score.l1:8.4f}{score.psnr:8.2f}{score.ssim:8.4f}"
        for score in (result.model, result.copy_source)
    )
    return f"{result.name[:width]:{width}}{result.model.frames:>8}{scores}"


def _write_metrics(
    args: argparse.Namespace,
    results: list[VideoResult],
    total: VideoResult,
    skipped: dict[str, str],
) -> None:
    metrics = {
        **total.metrics(),
        "videos": len(results),
        "ms_per_frame": 1000 * statistics.median(total.seconds),
        "model": str(args.model),
        "data": str(args.data),
        "skipped": skipped,
        "per_video": {result.name: result.metrics() for result in results},
    }
    with replacing(args.out / "metrics.json") as temporary:
        temporary.write_text(json.dumps(metrics, indent=1, ensure_ascii=False) + "\n", "utf-8")


def _save_picture(path: Path, picture: np.ndarray) -> None:
    with replacing(path) as temporary:
        Image.fromarray(picture).save(temporary)


def _parse(argv: list[str] | None) -> argparse.Namespace:
    parser = command_parser("evaluate", __doc__, DETAILS)
    add = parser.add_argument
    add("--model", type=Path, required=True, metavar="DIR", help="model folder")
    add("--data", type=Path, required=True, metavar="DIR", help="dataset: the videos of DIR/test")
    add("--out", type=Path, required=True, metavar="DIR", help="folder for the results")
    add(
        "--videos",
        type=positive,
        metavar="N",
        help="at most N videos (default: reconstruction_params.num_videos of the model's config)",
    )
    return parser.parse_args(argv)


if __name__ == "__main__":
    run_command(main)
