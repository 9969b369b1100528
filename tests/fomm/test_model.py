"""The model as its users call it, and its folder."""

import shutil
import zipfile

import numpy as np
import pytest
from tiny import tiny_config

import fomm_tf

RNG = np.random.default_rng(0)


def pictures(batch=1, height=64, width=64):
    return RNG.random((batch, height, width, 3), np.float32)


@pytest.fixture(scope="module")
def model(tiny_model_dir):
    return fomm_tf.load_model(tiny_model_dir)


def test_shapes_and_types_of_everything(model):
    images = pictures(2)
    kp = model.detect(images)
    assert kp.value.shape == (2, 4, 2) and kp.jacobian.shape == (2, 4, 2, 2)
    out = model.generate(images, kp_source=kp, kp_driving=kp)
    shapes = {name: value.shape for name, value in out.items()}
    assert shapes == {
        "prediction": (2, 64, 64, 3),
        "deformed": (2, 64, 64, 3),
        "mask": (2, 32, 32, 5),
        "sparse_deformed": (2, 5, 32, 32, 3),
        "occlusion_map": (2, 32, 32, 1),
        "deformation": (2, 32, 32, 2),
    }
    assert all(value.dtype == np.float32 for value in out.values())
    np.testing.assert_allclose(out["mask"].sum(axis=-1), 1, atol=1e-5)
    assert out["prediction"].min() >= 0 and out["prediction"].max() <= 1


@pytest.mark.parametrize("height, width", [(64, 64), (32, 96), (80, 48), (128, 64)])
def test_any_size_that_the_downsampling_divides(model, height, width):
    images = pictures(1, height, width)
    kp = model.detect(images)
    frame = model.decode(model.encode(images), kp, kp)
    assert frame.shape == images.shape
    whole = model.generate(images, kp, kp)["prediction"]
    np.testing.assert_allclose(frame, whole, atol=1e-6)


def test_the_folder_brings_the_same_model_back(model, tmp_path):
    model.save(tmp_path / "copy")
    images = pictures()
    again = fomm_tf.load_model(tmp_path / "copy")
    np.testing.assert_array_equal(model.detect(images).value, again.detect(images).value)
    assert again.config == model.config and again.frame_size == (64, 64)


@pytest.mark.parametrize("height, width", [(63, 64), (64, 60), (4, 64)])
def test_a_size_that_does_not_fit_is_named(model, height, width):
    assert model.config.required_multiple == 8
    with pytest.raises(fomm_tf.ModelError, match=f"multiples of 8, not {height} x {width}"):
        model.detect(pictures(1, height, width))


@pytest.mark.parametrize(
    "images, message",
    [
        (np.zeros((64, 64, 3), np.float32), "batch, height, width, 3"),
        (np.zeros((1, 64, 64, 1), np.float32), "batch, height, width, 3"),
        (np.full((1, 64, 64, 3), 200, np.float32), "divide by 255"),
    ],
)
def test_pictures_of_the_wrong_kind(model, images, message):
    with pytest.raises(fomm_tf.ModelError, match=message):
        model.detect(images)


def test_keypoints_that_do_not_fit(model):
    images = pictures()
    kp = model.detect(images)
    with pytest.raises(fomm_tf.ModelError, match="values must be"):
        model.generate(images, kp, fomm_tf.Keypoints(kp.value[:, :2], kp.jacobian[:, :2]))
    with pytest.raises(fomm_tf.ModelError, match="Jacobians"):
        model.generate(images, kp, fomm_tf.Keypoints(kp.value))


@pytest.mark.parametrize("jacobian", [np.zeros((2, 2)), np.full((2, 2), np.nan)])
def test_singular_jacobians_give_a_picture_and_no_crash(model, jacobian):
    images = pictures()
    kp = model.detect(images)
    broken = fomm_tf.Keypoints(kp.value, np.broadcast_to(jacobian, kp.jacobian.shape))
    assert model.generate(images, kp, broken)["prediction"].shape == images.shape


def test_without_dense_motion_the_picture_is_only_coded(tmp_path):
    changes = {
        "model_params.generator_params.dense_motion_params": None,
        "model_params.generator_params.estimate_occlusion_map": False,
    }
    from fomm_tf.fomm.model import FirstOrderMotionModel

    model = FirstOrderMotionModel(tiny_config(**changes))
    images = pictures()
    kp = model.detect(images)
    assert set(model.generate(images, kp, kp)) == {"prediction"}


class TestFoldersThatAreNoModel:
    def test_missing(self, tmp_path):
        with pytest.raises(fomm_tf.ModelError, match="no such model folder"):
            fomm_tf.load_model(tmp_path / "nowhere")

    @pytest.mark.parametrize("name", ["config.yaml", "weights.npz"])
    def test_a_file_is_missing(self, tiny_model_dir, tmp_path, name):
        folder = self.copy(tiny_model_dir, tmp_path)
        (folder / name).unlink()
        with pytest.raises(fomm_tf.ModelError, match=f"no {name}"):
            fomm_tf.load_model(folder)

    @pytest.mark.parametrize("name", ["config.yaml", "weights.npz"])
    @pytest.mark.parametrize("keep", [0, 0.02, 0.5, 0.99])
    def test_truncated(self, tiny_model_dir, tmp_path, name, keep):
        folder = self.copy(tiny_model_dir, tmp_path)
        data = (folder / name).read_bytes()
        (folder / name).write_bytes(data[: int(keep * len(data))])
        if name == "config.yaml" and keep == 0.99:
            return  # May still be a whole config.
        with pytest.raises(fomm_tf.ModelError) as error:
            fomm_tf.load_model(folder)
        assert "\n" not in str(error.value)

    def test_weights_of_another_config(self, tiny_model_dir, tmp_path):
        folder = self.copy(tiny_model_dir, tmp_path)
        text = (folder / "config.yaml").read_text()
        (folder / "config.yaml").write_text(text.replace("num_kp: 4", "num_kp: 3"))
        with pytest.raises(fomm_tf.ModelError, match="kp"):
            fomm_tf.load_model(folder)

    def test_entries_are_named(self, tiny_model_dir, tmp_path):
        folder = self.copy(tiny_model_dir, tmp_path)
        with np.load(folder / "weights.npz") as data:
            arrays = dict(data)
        arrays["generator/first.conv.wieght"] = arrays.pop("generator/first.conv.weight")
        np.savez(folder / "weights.npz", **arrays)
        with pytest.raises(fomm_tf.ModelError, match="lacks first.conv.weight .*first.conv.wieght"):
            fomm_tf.load_model(folder)

    def test_a_pickle_in_the_weights_is_not_run(self, tiny_model_dir, tmp_path):
        folder = self.copy(tiny_model_dir, tmp_path)
        np.savez(folder / "weights.npz", evil=np.array([print], dtype=object))
        with pytest.raises(fomm_tf.ModelError, match="damaged or not a weights"):
            fomm_tf.load_model(folder)

    def test_a_bomb_is_not_unpacked(self, tiny_model_dir, tmp_path):
        folder = self.copy(tiny_model_dir, tmp_path)
        with zipfile.ZipFile(folder / "weights.npz", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("generator/x.npy", bytes(50_000_000))
        with pytest.raises(fomm_tf.ModelError, match="larger than the weights"):
            fomm_tf.load_model(folder)

    @staticmethod
    def copy(folder, tmp_path):
        return shutil.copytree(folder, tmp_path / "copy")
