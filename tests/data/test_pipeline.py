"""The stream of training batches: its order, that it can be taken up anywhere, and its errors."""

from __future__ import annotations

import itertools
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from fomm_tf.config.sections import AugmentationParams, DatasetParams, FlipParam, JitterParam
from fomm_tf.data.dataset import FramesDataset
from fomm_tf.data.pipeline import iterate, steps_per_epoch, training_batches
from fomm_tf.errors import DataError

SHAPE = (16, 24, 3)
VIDEOS, FRAMES = 5, 6

EVERYTHING = AugmentationParams(
    flip_param=FlipParam(time_flip=True, horizontal_flip=True),
    jitter_param=JitterParam(0.1, 0.1, 0.1, 0.1),
)


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    """Strips of frames in flat colours: red is the video, green the frame."""
    root = tmp_path_factory.mktemp("flat")
    for split in ("train", "test"):
        (root / split).mkdir()
        for video in range(VIDEOS):
            strip = np.zeros((SHAPE[0], FRAMES, SHAPE[1], 3), np.uint8)
            strip[..., 0] = 10 * video
            strip[..., 1] = 20 * np.arange(FRAMES)[:, None]
            strip = strip.reshape(SHAPE[0], -1, 3)
            Image.fromarray(strip).save(root / split / f"{video}.png")
    return root


def dataset(root: Path, augmentation: AugmentationParams | None = None) -> FramesDataset:
    return FramesDataset(DatasetParams(str(root), SHAPE, augmentation_params=augmentation))


def take(data: FramesDataset, steps: int, *args, **keywords) -> list[dict[str, np.ndarray]]:
    batches = iterate(training_batches(data, *args, **keywords), data)
    found = itertools.islice(batches, steps)
    return [{name: value.numpy() for name, value in batch.items()} for batch in found]


def videos(batches: list[dict[str, np.ndarray]]) -> list[int]:
    red = np.concatenate([batch["source"][:, 0, 0, 0] for batch in batches])
    return np.rint(red * 25.5).astype(int).tolist()


def test_shapes_are_static(root):
    batches = training_batches(dataset(root), 4, 3, seed=0)
    spec = tf.TensorSpec((4, *SHAPE), tf.float32)
    assert batches.element_spec == {"source": spec, "driving": spec}


def test_an_epoch_shows_every_video_as_often_as_it_is_repeated(root):
    data = dataset(root)
    assert steps_per_epoch(data, 5, 3) == 3
    order = videos(take(data, 9, 5, 3, seed=0))
    epochs = [order[start : start + 15] for start in (0, 15, 30)]
    assert all(sorted(epoch) == sorted(3 * list(range(VIDEOS))) for epoch in epochs)
    assert epochs[0] != epochs[1] != epochs[2]


def test_the_last_partial_batch_of_an_epoch_is_dropped(root):
    data = dataset(root)
    assert steps_per_epoch(data, 4, 2) == 2
    order = videos(take(data, 20, 4, 2, seed=1))
    for epoch in range(10):
        shown = order[8 * epoch : 8 * epoch + 8]
        assert all(shown.count(video) <= 2 for video in range(VIDEOS))
    assert set(order) == set(range(VIDEOS))


def test_source_and_driving_are_of_one_video_in_order_of_time(root):
    for batch in take(dataset(root), 10, 4, 2, seed=0):
        np.testing.assert_array_equal(batch["source"][..., 0], batch["driving"][..., 0])
        assert (batch["source"][..., 1] <= batch["driving"][..., 1]).all()


@pytest.mark.parametrize("start", [1, 2, 3, 7])
def test_the_stream_can_be_taken_up_at_any_step(root, start):
    undisturbed = take(dataset(root, EVERYTHING), 9, 4, 3, seed=2)
    resumed = take(dataset(root, EVERYTHING), 9 - start, 4, 3, seed=2, start_step=start)
    for expected, found in zip(undisturbed[start:], resumed, strict=True):
        np.testing.assert_array_equal(found["source"], expected["source"])
        np.testing.assert_array_equal(found["driving"], expected["driving"])


def test_draws_depend_on_seed_epoch_and_position(root):
    data = dataset(root)
    first, again, other = (videos(take(data, 6, 5, 3, seed=seed)) for seed in (0, 0, 1))
    assert first == again != other
    frames = np.concatenate([batch["driving"][:, 0, 0, 1] for batch in take(data, 6, 5, 3, seed=0)])
    assert len(set(frames.tolist())) == FRAMES


def test_too_few_videos_for_a_batch(root):
    with pytest.raises(DataError, match=r"5 videos x 3 repeats.*batch of 16; raise .*num_repeats"):
        training_batches(dataset(root), 16, 3, seed=0)
    assert steps_per_epoch(dataset(root), 15, 3) == 1


def test_distributed(root):
    devices = tf.config.list_logical_devices("CPU")
    strategy = tf.distribute.MirroredStrategy([devices[0].name])
    data = dataset(root)
    batches = training_batches(data, 4, 2, seed=3)
    distributed = iterate(strategy.experimental_distribute_dataset(batches), data)
    for expected in take(data, 3, 4, 2, seed=3):
        np.testing.assert_array_equal(next(distributed)["source"].numpy(), expected["source"])
    distributed.close()


def test_errors_of_the_dataset_arrive_as_they_are(tmp_path):
    for split in ("train", "test"):
        (tmp_path / split).mkdir()
        Image.fromarray(np.zeros((16, 48, 3), np.uint8)).save(tmp_path / split / "a.png")
    data = dataset(tmp_path)
    (tmp_path / "train" / "a.png").write_bytes(b"gone")
    with pytest.raises(DataError, match="can be read anymore"):
        next(iterate(training_batches(data, 2, 4, seed=0), data))


def test_other_errors_are_not_hidden(root):
    data = dataset(root)
    data.sample = lambda index, rng: 1 / 0  # type: ignore[method-assign,assignment]
    with pytest.raises(ZeroDivisionError):
        next(iterate(training_batches(data, 2, 4, seed=0), data))


LEFT_RUNNING = """
import sys
from fomm_tf.config.sections import DatasetParams
from fomm_tf.data.dataset import FramesDataset
from fomm_tf.data.pipeline import iterate, training_batches
data = FramesDataset(DatasetParams(sys.argv[1], (16, 24, 3)))
batches = iterate(training_batches(data, 4, 100, seed=0), data)
for _ in range(50):
    next(batches)
"""


def test_a_process_that_leaves_a_stream_running_ends(root):
    command = [sys.executable, "-c", LEFT_RUNNING, str(root)]
    project = Path(__file__).parents[2]
    running = [subprocess.Popen(command, cwd=project, stderr=subprocess.DEVNULL) for _ in range(2)]
    try:
        assert [process.wait(timeout=120) for process in running] == [0, 0]
    finally:
        for process in running:
            process.kill()
