"""Creates the app's test data: models, pictures, and Python's results for them.

    python tools/test_data.py target      (with the project's Python, from this folder)

Each folder of target/test-models holds an exported model in `model`, and as plain numbers the
source picture and 20 driving frames (`pictures.rgb`, uint8), their keypoints (`keypoints.f32`) and
the animated frames (`frames.f32`).
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402

from export.conversion import convert  # noqa: E402
from fomm_tf.fomm.config import FOMMConfig  # noqa: E402
from fomm_tf.inference.animation import animate_frames  # noqa: E402
from fomm_tf.inference.exported import ExportedModel  # noqa: E402
from fomm_tf.inference.loading import load_exported  # noqa: E402
from fomm_tf.keypoints import Keypoints  # noqa: E402
from fomm_tf.media.fitting import fit  # noqa: E402
from fomm_tf.media.pictures import read_picture, to_float  # noqa: E402
from fomm_tf.media.video_reader import open_video  # noqa: E402
from fomm_tf.registry import load_config  # noqa: E402

BUNDLED = ROOT / "models" / "cartoon-faces"
FRAMES = 20


def main() -> None:
    """Argument: the build folder, with `assets`."""
    target = Path(sys.argv[1])
    done = target / "test-models"
    shutil.rmtree(done, ignore_errors=True)
    with tempfile.TemporaryDirectory() as temporary:
        unfinished = target / "test-models.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        for name in ("bundled", "float32", "plain"):
            (unfinished / name).mkdir(parents=True)
        shutil.copytree(target / "assets" / "model", unfinished / "bundled" / "model")
        convert(BUNDLED, unfinished / "float32" / "model", "float32")
        convert(_plain_model(Path(temporary) / "plain"), unfinished / "plain" / "model", "float32")
        for folder in sorted(unfinished.iterdir()):
            _write_expected(folder, target / "assets")
        unfinished.rename(done)
    _make_assets(target / "assets", done / "float32" / "model", target / "test-assets")
    print(f"test models: {done}")


def _make_assets(assets: Path, model: Path, folder: Path) -> None:
    """The app's assets with the float32 model: on the JVM int8 is far slower."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(assets, folder, ignore=shutil.ignore_patterns("model"))
    shutil.copytree(model, folder / "model")


def _plain_model(folder: Path) -> Path:
    """An untrained model without Jacobians, not square, and different in every dimension."""
    import keras

    from fomm_tf.fomm.model import FirstOrderMotionModel

    data = load_config(BUNDLED / "config.yaml").to_dict()
    data["dataset_params"]["frame_shape"] = [64, 96, 3]
    params = data["model_params"]
    params["common_params"] |= {"num_kp": 4, "estimate_jacobian": False}
    params["kp_detector_params"]["scale_factor"] = 0.5
    params["generator_params"] |= {"blend_source": False, "max_features": 32}
    params["generator_params"]["dense_motion_params"]["scale_factor"] = 0.5
    data["train_params"]["loss_weights"]["equivariance_jacobian"] = 0
    keras.utils.set_random_seed(3)
    FirstOrderMotionModel(FOMMConfig.from_dict(data, "plain")).save(folder)
    return folder


def _write_expected(folder: Path, assets: Path) -> None:
    model = load_exported(folder / "model")
    source = fit(read_picture(assets / "source.png"), model.frame_size)
    driving = [fit(frame, model.frame_size) for frame in _frames(assets / "driving.mp4")]
    (folder / "pictures.rgb").write_bytes(np.stack([source, *driving]).tobytes())
    keypoints = [_numbers(_detect(model, picture)) for picture in [source, *driving]]
    (folder / "keypoints.f32").write_bytes(np.concatenate(keypoints).astype("<f4").tobytes())
    frames = np.stack(list(animate_frames(model, source, driving)))
    (folder / "frames.f32").write_bytes(frames.astype("<f4").tobytes())


def _frames(path: Path) -> list[np.ndarray]:
    """Spread over the whole video, for more variety."""
    frames = list(open_video(path))
    return frames[:: max(1, len(frames) // FRAMES)][:FRAMES]


def _detect(model: ExportedModel, picture: np.ndarray) -> Keypoints:
    return model.detect(to_float(picture)[None])


def _numbers(keypoints: Keypoints) -> np.ndarray:
    parts = [part for part in keypoints if part is not None]
    return np.concatenate([np.ravel(part) for part in parts])


if __name__ == "__main__":
    main()
