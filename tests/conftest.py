"""What many tests share: a small untrained model, and videos to train it on."""

import os
import sys
from pathlib import Path

import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
# The tolerances of the golden trajectories are those of TensorFlow's own kernels.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")


@pytest.fixture(autouse=True)
def ordinary_priority():
    """SVT-AV1, which some tests encode with, puts the calling thread under a real-time policy where
    it may. All that the thread starts later would inherit it, and a browser starve the machine."""
    yield
    if sys.platform == "linux" and os.sched_getscheduler(0) != os.SCHED_OTHER:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


@pytest.fixture(scope="session")
def tiny_model_dir(tmp_path_factory) -> Path:
    """A model folder of a small untrained 64 x 64 network with every output."""
    import keras
    from tiny import tiny_config

    from fomm_tf.fomm.model import FirstOrderMotionModel

    keras.utils.set_random_seed(7)
    folder = tmp_path_factory.mktemp("models") / "tiny"
    FirstOrderMotionModel(tiny_config()).save(folder)
    return folder


@pytest.fixture(scope="session")
def moving_squares(tmp_path_factory) -> Path:
    """A dataset in the official layout: four training and two test videos of 32 x 32 pixels."""
    from sample_media import moving_square, write_video

    root = tmp_path_factory.mktemp("data") / "squares"
    for split, count in (("train", 4), ("test", 2)):
        (root / split).mkdir(parents=True)
        for index in range(count):
            write_video(root / split / f"{index}.mp4", moving_square(8 + index, 32, 32), fps=10)
    return root


@pytest.fixture(scope="session")
def official_model_dir(tmp_path_factory) -> Path:
    """A model folder made of an official checkpoint, 64 x 64, with every output."""
    from golden_files import FOMM

    import fomm_tf

    case = FOMM / "inference_vox"
    folder = tmp_path_factory.mktemp("models") / "official"
    fomm_tf.load_official(case / "config.yaml", case / "checkpoint.pth.tar").save(folder)
    return folder


@pytest.fixture(scope="session")
def exported_dir(official_model_dir, tmp_path_factory) -> Path:
    """The same model as TFLite graphs in float32."""
    from export.conversion import convert

    folder = tmp_path_factory.mktemp("exported") / "float32"
    convert(official_model_dir, folder, "float32")
    return folder


@pytest.fixture(scope="session")
def tiny_yaml(tmp_path_factory) -> Path:
    """The tiny config as a file."""
    from tiny import write_tiny_config

    path = tmp_path_factory.mktemp("config") / "tiny.yaml"
    write_tiny_config(path)
    return path


@pytest.fixture(scope="session")
def small_clip(tmp_path_factory) -> tuple[str, Path, str, Path]:
    """A picture and a video of 48 x 48 pixels, as arguments of `animate`."""
    from PIL import Image
    from sample_media import moving_square, write_video

    folder = tmp_path_factory.mktemp("clip")
    Image.fromarray(moving_square(1, 48, 48, seed=2)[0]).save(folder / "me.png")
    write_video(folder / "talk.mp4", moving_square(3, 48, 48, seed=1), fps=10)
    return "--source", folder / "me.png", "--driving", folder / "talk.mp4"
