"""Predicts future frames from a picture or from the first frames of videos, with a Monkey-Net.

A recurrent network, the predictor, predicts the motion of the keypoints.

Train it: --data DIR --out FOLDER
Use it:   --source PICTURE --predictor FOLDER/predictor.npz --out result.mp4
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from tqdm import tqdm

from fomm_tf.cli import (
    command_parser,
    not_negative,
    positive,
    run_command,
    say,
    set_threads,
    warn,
)
from fomm_tf.data.clips import distinct_names
from fomm_tf.data.dataset import FramesDataset, split_notice
from fomm_tf.errors import ConfigError, DataError, ModelError
from fomm_tf.inference.loading import load_model
from fomm_tf.measure.metrics import Score
from fomm_tf.media.arguments import (
    add_picture_arguments,
    check_out,
    fitted_source,
    open_output,
    open_source,
)
from fomm_tf.media.pictures import side_by_side, to_float, write_picture
from fomm_tf.media.video_writer import VideoWriter
from fomm_tf.monkeynet import MonkeyNet
from fomm_tf.monkeynet.keypoints import GaussianKeypoints
from fomm_tf.quiet import import_tensorflow

if TYPE_CHECKING:
    from fomm_tf.monkeynet.keypoint_predictor import KeypointPredictor
    from fomm_tf.monkeynet.model import MonkeyNetModel
    from fomm_tf.monkeynet.prediction_params import PredictionParams

PREDICTOR_FILE = "predictor.npz"

DETAILS = """\
examples:
  # train on the training videos, and continue the test videos from their first frames
  python -m fomm_tf.predict --model runs/monkeynet-bair --data data/bair --out results

  # continue from a picture
  python -m fomm_tf.predict --model runs/monkeynet-bair --predictor results/predictor.npz \\
      --source robot.png --frames 48 --out result.mp4

In --out with --data:
  predictor.npz  the trained predictor, for --predictor; only for this model's keypoints
  NAME.gif       a test video's frames beside those predicted from its first ones
                 (prediction_params.format; as many as num_frames and the video allow)
  png/NAME.png   the predicted frames in a row

prediction_params of the model's config sets the number of given frames (init_frames), of all frames
(num_frames) and of training videos (train_size), and the training of the predictor.
Training videos with fewer than num_frames frames are left out. A --data DIR without test/ is split
as for training on it. With --predictor nothing is trained.

From a picture the result has the model's frame size, and the frame rate of the training videos
(their median). --frames may exceed num_frames, but the predictor is not trained for that.
"""


def main(argv: list[str] | None = None) -> None:
    """Runs the command. Raises UserError for invalid arguments or inputs."""
    args = _parse(argv)
    set_threads(args.threads)
    if args.predictor is not None and not args.predictor.is_file():
        raise ModelError(f"{args.predictor}: no such predictor file; --data DIR trains one")
    if args.source is not None:
        _continue_picture(args)
    else:
        _continue_dataset(args)


def _continue_picture(args: argparse.Namespace) -> None:
    check_out(args.out, args.source)
    source = open_source(args)
    import_tensorflow()
    from fomm_tf.monkeynet.prediction import continue_frames
    from fomm_tf.monkeynet.predictor_file import load_predictor

    model = load_model(args.model, MonkeyNet())
    predictor, fps = load_predictor(args.predictor, model)
    params = model.config.prediction_params
    count = args.frames or params.num_frames
    if count <= params.init_frames:
        raise ConfigError(
            f"--frames {count} leaves nothing to predict: {params.init_frames} are given "
            "(prediction_params.init_frames of the model's config)"
        )
    # Opened first: an output that cannot be written must fail before the work.
    with open_output(args, fps) as writer:
        if params.init_frames > 1:
            say(args.source, f"repeated as the first {params.init_frames} frames")
        picture = to_float(fitted_source(args, source, model.frame_size))
        given = np.repeat(picture[None], params.init_frames, axis=0)
        frames = continue_frames(model, predictor, params.predict_variance, given, count)
        for frame in tqdm(frames, writer.path.name, count, unit="frame"):
            writer.write(frame)
    print(f"{args.out}: {count} frames")


# Datasets


def _continue_dataset(args: argparse.Namespace) -> None:
    import_tensorflow()
    from fomm_tf.monkeynet.predictor_file import load_predictor

    model = load_model(args.model, MonkeyNet())
    predictor = None if args.predictor is None else load_predictor(args.predictor, model)[0]
    dataset_params = replace(model.config.dataset_params, augmentation_params=None)
    test = FramesDataset(dataset_params, "test", args.data)
    if notice := split_notice(args.data):
        print(notice)
    if predictor is None:
        predictor = _train(args, model, FramesDataset(dataset_params, "train", args.data))
    args.out.mkdir(parents=True, exist_ok=True)
    count = _predict_all(model, predictor, test, args.out, args.videos)
    print(f"{args.out}: {count} videos")


def _train(
    args: argparse.Namespace, model: MonkeyNetModel, dataset: FramesDataset
) -> KeypointPredictor:
    """Trains a predictor of the dataset's keypoints and writes it to --out."""
    import keras

    from fomm_tf.monkeynet.keypoint_predictor import KeypointPredictor
    from fomm_tf.monkeynet.prediction import train_predictor
    from fomm_tf.monkeynet.predictor_file import save_predictor

    params = model.config.prediction_params
    params = replace(params, num_epochs=args.epochs or params.num_epochs)
    keras.utils.set_random_seed(args.seed or 0)
    predictor = KeypointPredictor(model.config.model_params.common_params, params.rnn_params)
    videos, fps = _keypoints_of(model, dataset, params)
    # Before minutes of training: an output that cannot be written must fail first.
    args.out.mkdir(parents=True, exist_ok=True)
    loss = train_predictor(predictor, videos, params, np.random.default_rng(args.seed or 0))
    print(f"trained on {len(videos)} videos for {params.num_epochs} epochs: loss {loss:.4f}")
    save_predictor(args.out / PREDICTOR_FILE, predictor, model, fps)
    print(f"{args.out / PREDICTOR_FILE}: the predictor, for --predictor")
    return predictor


def _keypoints_of(
    model: MonkeyNetModel, dataset: FramesDataset, params: PredictionParams
) -> tuple[list[GaussianKeypoints], float]:
    """The keypoints of all frames of sufficiently long training videos, and these videos' median
    frame rate."""
    from fomm_tf.monkeynet.prediction import join_frames

    videos, rates = [], []
    bar = tqdm(dataset.clips[: params.train_size], "detecting keypoints", unit="video")
    for index, clip in enumerate(bar):
        try:
            found = [model.detect(frame) for frame in _frames(dataset, index)]
            fps = clip.fps()
        except (DataError, OSError) as error:
            warn(f"skipped: {error}")
            continue
        if len(found) >= params.num_frames:
            videos.append(join_frames(found))
            rates.append(fps)
    if not videos:
        raise DataError(
            f"{dataset.root}: no training video has {params.num_frames} frames "
            "(prediction_params.num_frames of the model's config)"
        )
    return videos, statistics.median(rates)


def _predict_all(
    model: MonkeyNetModel,
    predictor: KeypointPredictor,
    dataset: FramesDataset,
    out: Path,
    limit: int | None,
) -> int:
    """Continues the test videos, reports the error, and returns their number."""
    from fomm_tf.monkeynet.prediction import continue_frames

    params, clips = model.config.prediction_params, dataset.clips[:limit]
    init = params.init_frames
    made, still = Score(), Score()
    count = 0
    names = distinct_names([clip.path for clip in clips])
    for index, name in enumerate(tqdm(names, "predicting", unit="video")):
        try:
            frames = np.concatenate(list(islice(_frames(dataset, index), params.num_frames)))
            fps = clips[index].fps()
        except (DataError, OSError) as error:
            warn(f"skipped: {error}")
            continue
        if len(frames) <= init:
            warn(f"skipped: {clips[index].path}: has no more than {init} frames")
            continue
        video = (model, predictor, params.predict_variance, frames[:init], len(frames))
        predicted = list(continue_frames(*video))
        with VideoWriter(out / f"{name}{params.format}", fps) as writer:
            for pair in zip(frames, predicted, strict=True):
                writer.write(side_by_side(*pair))
        write_picture(out / "png" / f"{name}.png", np.concatenate(predicted, axis=1))
        for frame, real in list(zip(predicted, frames, strict=True))[init:]:
            made.add(frame, real)
            still.add(frames[0], real)
        count += 1
    if not count:
        raise DataError(f"{dataset.root}: none of its test videos could be continued")
    print(f"L1 of the predicted frames: {made.l1:.4f}; of the unchanged first: {still.l1:.4f}")
    return count


def _frames(dataset: FramesDataset, index: int) -> Iterator[np.ndarray]:
    """The frames of a video as float32 [1, H, W, 3] in [0, 1]."""
    for frame in dataset.video(index):
        yield to_float(frame)[None]


# The command line


def _parse(argv: list[str] | None) -> argparse.Namespace:
    parser = command_parser("predict", __doc__, DETAILS)
    add = parser.add_argument
    add("--model", type=Path, required=True, metavar="DIR", help="folder of a Monkey-Net")
    add("--data", type=Path, metavar="DIR", help="dataset: train/ and test/ of DIR")
    add("--source", type=Path, metavar="PICTURE", help="the picture to continue from")
    add("--predictor", type=Path, metavar="FILE", help="a trained predictor")
    add(
        "--out",
        type=Path,
        required=True,
        metavar="PATH",
        help="a folder; with --source result.mp4, result.gif or a folder",
    )
    add(
        "--frames",
        type=positive,
        metavar="N",
        help="frames of the result, including the picture (default: prediction_params.num_frames)",
    )
    add("--epochs", type=positive, metavar="N", help="overrides prediction_params.num_epochs")
    add("--videos", type=positive, metavar="N", help="at most N test videos (default: all)")
    add("--seed", type=not_negative, metavar="N", help="for training (default: 0)")
    add_picture_arguments(parser)
    args = parser.parse_args(argv)
    _check_combination(parser, args)
    return args


def _check_combination(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    if (args.data is None) == (args.source is None):
        parser.error("give --data, or --source and --predictor")
    if args.source is not None and args.predictor is None:
        parser.error("--source needs --predictor FILE; --data DIR without --source trains one")
    if args.predictor is not None:
        for name in ("epochs", "seed"):
            if getattr(args, name) is not None:
                parser.error(f"--{name} is for training; with --predictor nothing is trained")
    if args.source is not None and args.videos is not None:
        parser.error("--videos goes with --data only")
    if args.data is not None:
        for name in ("frames", "box", "ground", "max_pixels", "no_metadata"):
            if getattr(args, name):
                parser.error(f"--{name.replace('_', '-')} goes with --source only")
        if args.fit != "crop":
            parser.error("--fit letterbox goes with --source only")


command = partial(run_command, main)

if __name__ == "__main__":
    command()
