"""VGG19's weights from each of their sources, and what is computed with them."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf
from torch_files import write_arrays

from fomm_tf.errors import ModelError
from fomm_tf.losses.vgg19 import (
    VGG19Features,
    load_vgg19,
    random_kernels,
    rescale_caffe_kernels,
    torchvision_kernels,
)

# Where torchvision has its convolutions among activations and pooling, up to relu5_1.
POSITIONS = [0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28]
# How many convolutions come up to relu1_1, relu2_1, ... relu5_1.
CONVOLUTIONS = [1, 3, 5, 9, 13]
# What Caffe's network subtracts from blue, green and red in 0..255.
CAFFE_MEAN = np.array([103.939, 116.779, 123.68], np.float32)
MEAN = np.array([0.485, 0.456, 0.406], np.float32)
STD = np.array([0.229, 0.224, 0.225], np.float32)


@pytest.fixture(scope="module")
def kernels():
    return random_kernels()


@pytest.fixture
def picture():
    return np.random.default_rng(0).random((1, 32, 48, 3), np.float32)


def torchvision_entries(kernels) -> dict[str, np.ndarray]:
    """The state dict of torchvision's network, with what comes behind relu5_1."""
    entries = {}
    for position, (kernel, bias) in zip(POSITIONS, kernels, strict=True):
        entries[f"features.{position}.weight"] = np.ascontiguousarray(kernel.transpose(3, 2, 0, 1))
        entries[f"features.{position}.bias"] = bias
    entries["features.30.weight"] = np.ones((512, 512, 3, 3), np.float32)
    entries["classifier.0.bias"] = np.ones(4096, np.float32)
    return entries


def test_torchvision_s_file(kernels, tmp_path):
    path = write_arrays(tmp_path / "vgg19.pth", torchvision_entries(kernels))
    loaded = load_vgg19(str(path))
    assert len(loaded) == len(kernels) == 13
    for found, expected in zip(loaded, kernels, strict=True):
        np.testing.assert_array_equal(found[0], expected[0])
        np.testing.assert_array_equal(found[1], expected[1])


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("features.28.bias", None, "features.28 is missing"),
        ("features.0.weight", None, "features.0 is missing"),
        ("features.10.weight", "text", "features.10 is missing"),
        ("features.2.weight", np.ones((64, 3, 3, 3), np.float32), "features.2 is [64, 3, 3, 3]"),
        ("features.5.bias", np.ones(64, np.float32), "features.5 is [128, 64, 3, 3] and [64]"),
    ],
)
def test_a_file_of_another_network_is_refused(kernels, tmp_path, name, value, message):
    entries = torchvision_entries(kernels) | {name: value}
    path = write_arrays(tmp_path / "other.pth", entries)
    with pytest.raises(ModelError) as caught:
        torchvision_kernels(path)
    text = str(caught.value)
    assert text.startswith(f"{path} is not torchvision's VGG19: ") and "\n" not in text
    assert message in text


def test_a_missing_file_says_what_there_is():
    with pytest.raises(ModelError, match="no-such.pth: no such file; give .*imagenet, or random"):
        load_vgg19("no-such.pth")


def caffe_features(images: np.ndarray, kernels) -> list[np.ndarray]:
    """What Caffe's network gives of RGB pictures in [0, 1]."""
    out = 255 * images[..., ::-1] - CAFFE_MEAN
    features = []
    for index, (kernel, bias) in enumerate(kernels, 1):
        out = tf.nn.relu(tf.nn.conv2d(out, kernel, 1, "SAME") + bias)
        if index in CONVOLUTIONS:
            features.append(out.numpy())
        if index in (2, 4, 8, 12):
            out = tf.nn.max_pool2d(out, 2, 2, "VALID")
    return features


def test_caffe_s_network_keeps_its_features_in_torchvision_s_size(kernels, picture):
    # Biases as large as activations, so that their part shows.
    caffe = [(kernel, 3000 * bias) for kernel, bias in kernels]
    expected = caffe_features(picture, caffe)
    ours = VGG19Features(rescale_caffe_kernels(caffe))
    scale = 255 * STD.mean()
    assert scale == pytest.approx(57.6, abs=0.1)

    # The two means differ a little. With a picture moved by that difference all else is exact.
    moved = picture + MEAN - CAFFE_MEAN[::-1] / 255
    for found, feature in zip(ours(moved), expected, strict=True):
        np.testing.assert_allclose(found * scale, feature, rtol=1e-3, atol=1e-4 * feature.max())

    # Left out, it is half a level of 255 at most, less than one part in a hundred of the inputs'
    # deviation, and stays one of about that size in a network that keeps the size of what it sees.
    assert np.abs(255 * MEAN - CAFFE_MEAN[::-1]).max() < 0.5
    for found, feature in zip(ours(picture), expected, strict=True):
        assert np.abs(found * scale - feature).mean() < 0.01 * feature.mean()


def test_keras_layers_are_found_by_their_names(monkeypatch, kernels):
    network = keras.applications.VGG19(include_top=False, weights=None)
    convolutions = [layer for layer in network.layers if isinstance(layer, keras.layers.Conv2D)]
    for layer, weights in zip(convolutions[:13], kernels, strict=True):
        layer.set_weights(weights)
    monkeypatch.setattr(keras.applications, "VGG19", lambda **options: network)
    loaded = load_vgg19("imagenet")
    for found, expected in zip(loaded, rescale_caffe_kernels(kernels), strict=True):
        np.testing.assert_allclose(found[0], expected[0], rtol=1e-6)
        np.testing.assert_allclose(found[1], expected[1], rtol=1e-6)


def test_imagenet_without_a_network_is_one_line(monkeypatch):
    def no_network(**options):
        raise Exception(
            "URL fetch failure on https://example.org/vgg19_notop.h5: None -- "
            "[Errno -3] Temporary failure in name resolution\nand more"
        )

    monkeypatch.setattr(keras.applications, "VGG19", no_network)
    with pytest.raises(ModelError) as caught:
        load_vgg19("imagenet")
    text = str(caught.value)
    assert "\n" not in text
    assert "could not be downloaded" in text and "name resolution" in text
    assert "--vgg-weights vgg19-" in text and "--vgg-weights random" in text


def test_features_have_the_official_sizes_and_normalisation(kernels, picture):
    features = VGG19Features(kernels)(picture)
    shapes = [(1, 32, 48, 64), (1, 16, 24, 128), (1, 8, 12, 256), (1, 4, 6, 512), (1, 2, 3, 512)]
    assert [feature.shape for feature in features] == shapes
    kernel, bias = kernels[0]
    normalised = (picture[0, :3, :3] - MEAN) / STD
    expected = np.maximum(np.tensordot(normalised, kernel, 3) + bias, 0)
    np.testing.assert_allclose(features[0][0, 1, 1], expected, atol=1e-4)


@pytest.mark.parametrize("depth", [1, 2, 3, 4, 5])
def test_no_layer_is_computed_that_is_not_wanted(kernels, picture, depth):
    """The convolutions behind the last wanted feature are not even there."""
    shallow = VGG19Features(kernels[: CONVOLUTIONS[depth - 1]], depth)(picture)
    whole = VGG19Features(kernels)(picture)
    assert len(shallow) == depth
    for a, b in zip(shallow, whole, strict=False):
        np.testing.assert_array_equal(a, b)
