"""Animates a source image with driving frames, one frame at a time. No TensorFlow of its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from fomm_tf.errors import DataError, ModelError
from fomm_tf.inference.inputs import as_batch
from fomm_tf.inference.motion import DEFAULT_MOTION, MotionOptions
from fomm_tf.inference.pose import keypoint_distance


def animate_frames(
    model: Any,
    source: np.ndarray,
    driving_frames: Iterable[np.ndarray],
    motion: MotionOptions = DEFAULT_MOTION,
    kp_initial: Any = None,
) -> Iterator[np.ndarray]:
    """Yields the animated source for each driving frame: float32 [H, W, 3] in [0, 1].

    model: from `load_model` or `load_exported`. source: [H, W, 3] or [1, H, W, 3]; driving_frames:
    any iterable of [H, W, 3], consumed lazily. Both float in [0, 1], or uint8. The source is
    encoded once; memory does not grow with the number of frames.

    motion: see `MotionOptions`; `best_frame` iterates over the frames twice, so it does not accept
    an iterator. kp_initial: the driving keypoints that correspond to the source's pose; default:
    those of the best or the first driving frame.

    Raises ModelError for unsupported shapes, types or motion options.
    """
    source = _batch(source, "the source")
    model.check_motion(motion)
    if motion.best_frame and kp_initial is None:
        if iter(driving_frames) is driving_frames:
            raise ModelError("best_frame needs driving frames that can be iterated over twice")
        _, kp_initial = find_best_frame(model, source, driving_frames)
    frames = animate_sources(model, [source], driving_frames, motion, kp_initial)
    return (results[0] for results in frames)


def animate_sources(
    model: Any,
    sources: Sequence[np.ndarray],
    driving_frames: Iterable[np.ndarray],
    motion: MotionOptions = DEFAULT_MOTION,
    kp_initial: Any = None,
) -> Iterator[list[np.ndarray]]:
    """`animate_frames` for several sources: for each driving frame, whose keypoints are detected
    once, a list of results in the sources' order. kp_initial: default: the first frame's.
    """
    batches = [_batch(source, "a source") for source in sources]
    prepared = [(model.detect(batch), model.encode(batch)) for batch in batches]
    for frame in driving_frames:
        kp_driving = model.detect(_batch(frame, "a driving frame"))
        if kp_initial is None:
            kp_initial = kp_driving
        yield [
            model.decode(
                encoded, kp_source, model.transfer(kp_source, kp_driving, kp_initial, motion)
            )[0]
            for kp_source, encoded in prepared
        ]


def find_best_frame(
    model: Any, source: np.ndarray, driving_frames: Iterable[np.ndarray]
) -> tuple[int, Any]:
    """The index and keypoints of the driving frame whose pose is closest to the source's.

    Compares keypoints normalized for position and size (`keypoint_distance`), in one pass that
    holds one frame; needs no face detector. Arguments as for `animate_frames`. Raises DataError if
    there are no frames, and ModelError for a model that does not support it.
    """
    model.check_motion(MotionOptions(relative=False, best_frame=True))
    kp_source = model.detect(_batch(source, "the source"))
    best: tuple[float, int, Any] | None = None
    for index, frame in enumerate(driving_frames):
        kp = model.detect(_batch(frame, "a driving frame"))
        distance = keypoint_distance(kp_source, kp)
        if best is None or distance < best[0]:
            best = distance, index, kp
    if best is None:
        raise DataError("the driving video has no frames")
    return best[1], best[2]


def _batch(image: np.ndarray, name: str) -> np.ndarray:
    """[H, W, 3] or [1, H, W, 3], uint8 or float in [0, 1] -> float32 [1, H, W, 3]."""
    image = np.asarray(image)
    batch = as_batch(image[None] if image.ndim == 3 else image, 3, name)
    if len(batch) != 1:
        raise ModelError(f"{name} must be one image, not {len(batch)}")
    return batch
