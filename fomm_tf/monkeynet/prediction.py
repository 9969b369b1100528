"""Image-to-video: training a keypoint predictor, and continuing a video's first frames."""

from __future__ import annotations

from collections.abc import Iterator
from operator import itemgetter

import numpy as np
import tensorflow as tf
from tqdm import tqdm

from fomm_tf.errors import UserError
from fomm_tf.monkeynet.keypoint_predictor import KeypointPredictor
from fomm_tf.monkeynet.keypoints import GaussianKeypoints
from fomm_tf.monkeynet.model import MonkeyNetModel
from fomm_tf.monkeynet.prediction_params import PredictionParams
from fomm_tf.training.adam import Adam


class PredictorTraining:
    """Trains a predictor on batches of sequences; reduces the learning rate on a loss plateau."""

    def __init__(self, predictor: KeypointPredictor, params: PredictionParams):
        self.predictor = predictor
        self.init_frames = params.init_frames
        self.optimizer = Adam(params.lr, beta_1=0.9)
        self.optimizer.build(predictor.trainable_variables)
        self.plateau = Plateau()

    @tf.function(reduce_retracing=True, autograph=False)
    def step(self, kp: GaussianKeypoints) -> tf.Tensor:
        """One update on kp [N, T, K, ...]; returns the loss before it."""
        with tf.GradientTape() as tape:
            predicted = self.predictor(hidden(kp, self.init_frames), training=True)
            pairs = [(a, b) for a, b in zip(predicted, kp, strict=True) if b is not None]
            loss = tf.add_n(
                [
                    tf.reduce_mean(tf.abs(a[:, self.init_frames :] - b[:, self.init_frames :]))
                    for a, b in pairs
                ]
            )
        self.optimizer.apply(tape.gradient(loss, self.predictor.trainable_variables))
        return loss

    def end_epoch(self, loss: float) -> None:
        """`loss`: the mean over the epoch's batches."""
        factor = self.plateau(loss)
        self.optimizer.learning_rate.assign(self.optimizer.learning_rate * factor)


def train_predictor(
    predictor: KeypointPredictor,
    videos: list[GaussianKeypoints],
    params: PredictionParams,
    rng: np.random.Generator,
) -> float:
    """Trains for all epochs, each on one random window of every video's keypoints [T, K, ...];
    returns the last epoch's loss. Raises UserError if it becomes NaN or infinite."""
    training = PredictorTraining(predictor, params)
    loss = float("nan")
    with tqdm(range(params.num_epochs), "training", unit="epoch") as bar:
        for epoch in bar:
            windows = random_windows(videos, params.num_frames, rng)
            batches = [
                windows.map(itemgetter(slice(start, start + params.batch_size)))
                for start in range(0, len(videos), params.batch_size)
            ]
            loss = float(np.mean([float(training.step(batch)) for batch in batches]))
            if not np.isfinite(loss):
                raise UserError(
                    f"the loss became {loss} in epoch {epoch + 1}; lower prediction_params.lr"
                )
            training.end_epoch(loss)
            bar.set_postfix(loss=f"{loss:.4f}")
    return loss


class Plateau:
    """Divides the learning rate by ten after `patience` + 1 consecutive epochs without a relative
    improvement of 1e-4 (`torch.optim.lr_scheduler.ReduceLROnPlateau`)."""

    def __init__(self, patience: int = 50):
        self.patience = patience
        self.best = float("inf")
        self.waited = 0

    def __call__(self, loss: float) -> float:
        """The factor for the learning rate after an epoch with this loss: 1 or 0.1."""
        if loss < self.best * (1 - 1e-4):
            self.best, self.waited = loss, 0
        else:
            self.waited += 1
        if self.waited <= self.patience:
            return 1.0
        self.waited = 0
        return 0.1


def random_windows(
    videos: list[GaussianKeypoints], frames: int, rng: np.random.Generator
) -> GaussianKeypoints:
    """A random window of `frames` frames of each video's keypoints [T, K, ...], T >= frames:
    [N, frames, K, ...]."""
    starts = [rng.integers(len(kp.value) - frames + 1) for kp in videos]
    windows = [
        [None if part is None else part[start : start + frames] for part in kp]
        for kp, start in zip(videos, starts, strict=True)
    ]
    return GaussianKeypoints(
        *(None if parts[0] is None else np.stack(parts) for parts in zip(*windows, strict=True))
    )


def predict_keypoints(
    predictor: KeypointPredictor, kp: GaussianKeypoints, init_frames: int, predict_variance: bool
) -> GaussianKeypoints:
    """Continues the first `init_frames` frames of kp [N, T, K, ...]; the others are ignored.
    Returns all T frames, the given ones unchanged.

    `predict_variance` has the official meaning: the last given variance is kept for all frames.
    """
    given = hidden(kp, init_frames)
    predicted = predictor(given)
    value, variance = (
        None if part is None else np.concatenate([a[:, :init_frames], part[:, init_frames:]], 1)
        for a, part in zip(given, predicted, strict=True)
    )
    if variance is not None and predict_variance:
        last = np.asarray(given.variance)[:, init_frames - 1 : init_frames]
        variance = np.repeat(last, variance.shape[1], axis=1)
    return GaussianKeypoints(value, variance)


def continue_frames(
    model: MonkeyNetModel,
    predictor: KeypointPredictor,
    predict_variance: bool,
    given: np.ndarray,
    count: int,
) -> Iterator[np.ndarray]:
    """Yields `count` frames, float32 [H, W, 3] in [0, 1]: the model's reconstruction of `given`
    [T, H, W, 3], T <= count, and its predictions. See `predict_keypoints`."""
    found = join_frames([model.detect(frame[None]) for frame in given])
    rest = count - len(given)
    video = found.map(lambda part: np.concatenate([part, np.repeat(part[:1], rest, 0)])[None])
    kp = predict_keypoints(predictor, video, len(given), predict_variance)
    moments = kp.map(lambda part: np.asarray(part)[0])
    encoded, kp_source = model.encode(given[:1]), found.map(itemgetter(slice(1)))
    for index in range(count):
        moment = moments.map(itemgetter(slice(index, index + 1)))
        yield model.decode(encoded, kp_source, moment)[0]


def join_frames(frames: list[GaussianKeypoints]) -> GaussianKeypoints:
    """Concatenates keypoints of single frames, [1, K, ...], to those of a video [T, K, ...]."""
    parts = zip(*frames, strict=True)
    return GaussianKeypoints(*(None if p[0] is None else np.concatenate(p) for p in parts))


def hidden(kp: GaussianKeypoints, init_frames: int) -> GaussianKeypoints:
    """The same keypoints [N, T, K, ...] with zeros in all frames from `init_frames` on."""
    shown = np.arange(kp.value.shape[1]) < init_frames

    def hide(part):
        mask = shown.reshape([-1] + [1] * (len(part.shape) - 2)).astype(np.float32)
        return tf.convert_to_tensor(part, tf.float32) * mask

    return kp.map(hide)
