"""Evaluates how well the parts of a co-part model predict annotated landmarks.

The protocol of arXiv 2004.03234: linear regression from the parts' centres to the landmarks, fitted
on training pictures, and its error on test pictures. The baseline is the error of predicting each
landmark's mean position.
"""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from tqdm import tqdm

from fomm_tf.cli import command_parser, run_command, say, warn
from fomm_tf.copart import CoPart
from fomm_tf.copart.annotations import (
    SPLITS,
    AnnotatedPicture,
    landmarks_in_frame,
    read_annotations,
)
from fomm_tf.copart.landmark_pictures import draw_landmarks
from fomm_tf.copart.pictures import paint_parts
from fomm_tf.errors import DataError
from fomm_tf.files import write_json
from fomm_tf.inference.loading import load_model
from fomm_tf.media.fitting import fit, fit_notice
from fomm_tf.media.pictures import read_picture, side_by_side, to_float, write_picture
from fomm_tf.quiet import import_tensorflow

if TYPE_CHECKING:
    from fomm_tf.copart.model import CoPartModel

DETAILS = """\
example:
  python -m fomm_tf.evaluate_landmarks --model runs/copart --data data/faces \\
      --landmarks faces.csv --out landmarks

The CSV file of landmarks, in pixels of each picture; 0,0 is the centre of the top left pixel:
  picture,nose_x,nose_y,chin_x,chin_y
  train/anna/001.png,120.5,98,118,161
  test/bert/001.png,131,90.25,-1,-1
-1: not annotated. Paths are relative to --data; those under train/ are used for fitting. If they do
not begin with train/ or test/, a second column named split must say which it is.

In --out:
  metrics.json   error: mean absolute errors in pixels of the model's frame size, summed over x
                 and y of all landmarks, as in the paper; the same for each landmark, and as
                 error_mean_place for predicting the mean position
  landmarks.png  test pictures from the best to the worst: the parts; true landmarks (discs) and
                 regressed ones (crosses)

Pictures whose aspect ratio differs from the model's frames are centre-cropped, with their
landmarks.
"""

PICTURE_ROWS = 6


class Located(NamedTuple):
    """The readable pictures of one split, in the model's frame size: the parts' centres [M, N, 2]
    and the landmarks [M, L, 2]."""

    paths: list[Path]
    centers: np.ndarray
    landmarks: np.ndarray


def main(argv: list[str] | None = None) -> None:
    """Runs the command. Raises UserError for invalid arguments or inputs."""
    args = _parse(argv)
    names, pictures = read_annotations(args.landmarks, args.data)
    import_tensorflow()
    from fomm_tf.copart.landmarks import check_annotated, landmark_errors, regress_landmarks

    model = load_model(args.model, CoPart())
    (train, test), skipped = _locate(model, pictures)
    for located, split in zip((train, test), SPLITS, strict=True):
        check_annotated(located.landmarks, names, split)
    _warn_of_few(train)
    predicted = regress_landmarks(train.centers, train.landmarks, test.centers)
    errors = landmark_errors(predicted, test.landmarks).sum(axis=1)
    mean_place = np.nanmean(train.landmarks, axis=0)
    errors_mean_place = landmark_errors(mean_place, test.landmarks).sum(axis=1)
    _write_metrics(args, model, names, (train, test), errors, errors_mean_place, skipped)
    write_picture(args.out / "landmarks.png", _picture(model, test, predicted))
    print(f"{'landmarks':>10}{'train':>8}{'test':>8}{'error':>10}{'mean place':>12}")
    counts = f"{len(names):>10}{len(train.paths):>8}{len(test.paths):>8}"
    print(f"{counts}{errors.sum():>10.2f}{errors_mean_place.sum():>12.2f}")
    print(f"{args.out}: metrics.json, landmarks.png")


def _locate(
    model: CoPartModel, pictures: list[AnnotatedPicture]
) -> tuple[list[Located], dict[str, str]]:
    """Detects the parts in the pictures of both splits; also returns why pictures were skipped."""
    from fomm_tf.copart.landmarks import part_centers

    found: dict[str, list[tuple]] = {split: [] for split in SPLITS}
    skipped: dict[str, str] = {}
    told = False
    for path, split, landmarks in tqdm(pictures, "detecting parts", unit="picture"):
        try:
            image = read_picture(path)
        except (DataError, OSError) as error:
            warn(f"skipped: {error}")
            skipped[str(path)] = str(error)
            continue
        size = image.shape[:2]
        if not told and fit_notice(size, model.frame_size):
            told = True
            notice = f"{size[1]}x{size[0]} is centre-cropped, as are all of another aspect ratio"
            say(path, notice)
        frame = fit(image, model.frame_size)
        segmentation = model.detect(to_float(frame)[None]).segmentation
        centers = part_centers(segmentation, *model.frame_size)[0]
        placed = landmarks_in_frame(landmarks, size, model.frame_size)
        found[split].append((path, centers, placed))
    for split, rows in found.items():
        if not rows:
            raise DataError(f"none of the annotated {split} pictures can be read")
    columns = [tuple(zip(*found[split], strict=True)) for split in SPLITS]
    return [Located(list(p), np.stack(c), np.stack(x)) for p, c, x in columns], skipped


def _warn_of_few(train: Located) -> None:
    """Warns if a regression has fewer pictures than unknowns: it overfits."""
    needed = 1 + train.centers[0].size
    least = int((~np.isnan(train.landmarks)).sum(axis=0).min())
    if least < needed:
        warn(
            f"a landmark is annotated in only {least} training pictures; the regression from "
            f"{len(train.centers[0])} parts has {needed} unknowns"
        )


def _write_metrics(
    args: argparse.Namespace,
    model: CoPartModel,
    names: list[str],
    splits: tuple[Located, Located],
    errors: np.ndarray,
    errors_mean_place: np.ndarray,
    skipped: dict[str, str],
) -> None:
    """errors, errors_mean_place: [L], per landmark."""
    per_landmark = zip(names, errors, errors_mean_place, strict=True)
    metrics = {
        "error": float(errors.sum()),
        "error_mean_place": float(errors_mean_place.sum()),
        "frame_size": list(model.frame_size),
        "train_pictures": len(splits[0].paths),
        "test_pictures": len(splits[1].paths),
        "model": str(args.model),
        "data": str(args.data),
        "landmarks": str(args.landmarks),
        "skipped": skipped,
        "per_landmark": {
            name: {"error": float(error), "error_mean_place": float(mean_place)}
            for name, error, mean_place in per_landmark
        },
    }
    write_json(args.out / "metrics.json", metrics)


def _picture(model: CoPartModel, test: Located, predicted: np.ndarray) -> np.ndarray:
    """Some test pictures from the best to the worst, one per row: the parts, and the landmarks."""
    distances = np.abs(predicted - test.landmarks).reshape(len(predicted), -1)
    annotated = np.flatnonzero(~np.isnan(distances).all(axis=1))
    ranked = annotated[np.argsort(np.nanmean(distances[annotated], axis=1), kind="stable")]
    moments = np.linspace(0, len(ranked) - 1, min(PICTURE_ROWS, len(ranked)))
    rows = []
    for index in ranked[np.rint(moments).astype(int)]:
        frame = fit(read_picture(test.paths[index]), model.frame_size)
        marked = draw_landmarks(frame, test.landmarks[index], predicted[index])
        segmentation = model.detect(to_float(frame)[None]).segmentation[0]
        large = fit(frame, marked.shape[:2])
        parts = paint_parts(large, segmentation, model.config.visualizer_params.colormap)
        rows.append(side_by_side(parts, marked))
    return np.concatenate(rows)


def _parse(argv: list[str] | None) -> argparse.Namespace:
    parser = command_parser("evaluate_landmarks", __doc__, DETAILS)
    add = parser.add_argument
    add("--model", type=Path, required=True, metavar="DIR", help="folder of a co-part model")
    add("--data", type=Path, required=True, metavar="DIR", help="folder of the pictures")
    add("--landmarks", type=Path, required=True, metavar="FILE", help="CSV file, see below")
    add("--out", type=Path, required=True, metavar="DIR", help="folder for the results")
    return parser.parse_args(argv)


command = partial(run_command, main)

if __name__ == "__main__":
    command()
