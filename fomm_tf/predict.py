"""Goes on with videos from their first frames: image-to-video by a Monkey-Net.

A recurrent network learns from the keypoints of the training videos how keypoints move on; it is
made anew in every run. The test videos are then continued from their first frames.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image
from tqdm import tqdm

from fomm_tf.command_line import command_parser, not_negative, positive, warn
from fomm_tf.data.clips import distinct_names
from fomm_tf.data.dataset import FramesDataset, split_notice
from fomm_tf.data.pictures import side_by_side, to_float, to_uint8
from fomm_tf.data.video import VideoWriter
from fomm_tf.errors import DataError, run_command
from fomm_tf.files import replacing
from fomm_tf.metrics import Score
from fomm_tf.monkeynet.keypoints import GaussianKeypoints
from fomm_tf.quiet import import_tensorflow

if TYPE_CHECKING:
    from fomm_tf.monkeynet.config import PredictionParams
    from fomm_tf.monkeynet.keypoint_predictor import KeypointPredictor
    from fomm_tf.monkeynet.model import MonkeyNetModel

DETAILS = """\
In --out:
  NAME.gif      a test video's frames beside those that were made of its first ones
                (prediction_params.format; as many as num_frames and the video allow)
  png/NAME.png  the made frames in a row

prediction_params of the model's config says how many frames are given (init_frames) and made
(num_frames), how many videos are learned from (train_size), and how the network is trained.
Training videos with fewer than num_frames frames are left out. A --data DIR without test/ is split
as training on it splits it.

example:
  python -m fomm_tf.predict --model runs/monkeynet-bair --data data/bair --out results --epochs 200
"""


def main(argv: list[str] | None = None) -> None:
    """Parses the command line and does what it says. Raises UserError for what is wrong with it."""
    args = _parse(argv)
    import_tensorflow()
    import keras

    from fomm_tf.monkeynet.keypoint_predictor import KeypointPredictor
    from fomm_tf.monkeynet.model import MonkeyNetModel
    from fomm_tf.monkeynet.prediction import train_predictor

    model = MonkeyNetModel.load(args.model)
    params = model.config.prediction_params
    params = replace(params, num_epochs=args.epochs or params.num_epochs)
    keras.utils.set_random_seed(args.seed)
    predictor = KeypointPredictor(model.config.model_params.common_params, params.rnn_params)
    dataset_params = replace(model.config.dataset_params, augmentation_params=None)
    train, test = (FramesDataset(dataset_params, split, args.data) for split in ("train", "test"))
    if notice := split_notice(args.data):
        print(notice)
    videos = _keypoints_of(model, train, params)
    args.out.mkdir(parents=True, exist_ok=True)
    loss = train_predictor(predictor, videos, params, np.random.default_rng(args.seed))
    print(f"trained on {len(videos)} videos for {params.num_epochs} epochs: loss {loss:.4f}")
    count = _predict_all(model, predictor, params, test, args.out, args.videos)
    print(f"{args.out}: {count} videos")


def _keypoints_of(
    model: MonkeyNetModel, dataset: FramesDataset, params: PredictionParams
) -> list[GaussianKeypoints]:
    """The keypoints of all frames of the training videos that are long enough."""
    videos = []
    bar = tqdm(range(len(dataset.clips[: params.train_size])), "detecting keypoints", unit="video")
    for index in bar:
        try:
            found = [model.detect(frame) for frame in _frames(dataset, index)]
        except (DataError, OSError) as error:
            warn(f"skipped: {error}")
            continue
        if len(found) >= params.num_frames:
            videos.append(_joined(found))
    if not videos:
        raise DataError(
            f"{dataset.root}: no training video has {params.num_frames} frames, which "
            "prediction_params.num_frames of the model's config asks for"
        )
    return videos


def _predict_all(
    model: MonkeyNetModel,
    predictor: KeypointPredictor,
    params: PredictionParams,
    dataset: FramesDataset,
    out: Path,
    limit: int | None,
) -> int:
    """Continues the test videos, tells how close that came, and returns how many there were."""
    clips = dataset.clips[:limit]
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
        if len(frames) <= params.init_frames:
            warn(f"skipped: {clips[index].path}: has no more than {params.init_frames} frames")
            continue
        predicted = predict_video(model, predictor, params, frames)
        with VideoWriter(out / f"{name}{params.format}", fps) as writer:
            for pair in zip(frames, predicted, strict=True):
                writer.write(side_by_side(*pair))
        with replacing(out / "png" / f"{name}.png") as temporary:
            Image.fromarray(to_uint8(np.concatenate(list(predicted), axis=1))).save(temporary)
        for frame, real in list(zip(predicted, frames, strict=True))[params.init_frames :]:
            made.add(frame, real)
            still.add(frames[0], real)
        count += 1
    if not count:
        raise DataError(f"{dataset.root}: none of its test videos could be continued")
    print(f"L1 of the made frames: {made.l1:.4f}; of the first frame unchanged: {still.l1:.4f}")
    return count


def predict_video(
    model: MonkeyNetModel,
    predictor: KeypointPredictor,
    params: PredictionParams,
    frames: np.ndarray,
) -> np.ndarray:
    """The frames that follow from the first `init_frames` of `frames` [T, H, W, 3] in [0, 1]; the
    others are not looked at. The same shape; the given frames come as the model makes them."""
    from fomm_tf.monkeynet.prediction import predict_keypoints

    given = _joined([model.detect(frame[None]) for frame in frames[: params.init_frames]])
    hidden = len(frames) - params.init_frames
    videos = given.map(lambda part: np.concatenate([part, np.repeat(part[:1], hidden, 0)])[None])
    kp = predict_keypoints(predictor, videos, params.init_frames, params.predict_variance)
    moments = kp.map(lambda part: np.asarray(part)[0])
    encoded, kp_source = model.encode(frames[:1]), given.map(lambda part: part[:1])
    made = []
    for index in range(len(frames)):
        moment = moments.map(itemgetter(slice(index, index + 1)))
        made.append(model.decode(encoded, kp_source, moment))
    return np.concatenate(made)


def _frames(dataset: FramesDataset, index: int) -> Iterator[np.ndarray]:
    """The frames of a video as float32 [1, H, W, 3] in [0, 1]."""
    for frame in dataset.video(index):
        yield to_float(frame)[None]


def _joined(frames: list[GaussianKeypoints]) -> GaussianKeypoints:
    """Keypoints of single frames, [1, K, ...] each, as those of a video [T, K, ...]."""
    parts = zip(*frames, strict=True)
    return GaussianKeypoints(*(None if p[0] is None else np.concatenate(p) for p in parts))


def _parse(argv: list[str] | None) -> argparse.Namespace:
    parser = command_parser("predict", __doc__, DETAILS)
    add = parser.add_argument
    add("--model", type=Path, required=True, metavar="DIR", help="folder of a Monkey-Net")
    add("--data", type=Path, required=True, metavar="DIR", help="dataset: train/ and test/ of DIR")
    add("--out", type=Path, required=True, metavar="DIR", help="folder for the results")
    add("--epochs", type=positive, metavar="N", help="instead of prediction_params.num_epochs")
    add("--videos", type=positive, metavar="N", help="at most N test videos (default: all)")
    add("--seed", type=not_negative, default=0, metavar="N", help="of the training (default: 0)")
    return parser.parse_args(argv)


if __name__ == "__main__":
    run_command(main)
