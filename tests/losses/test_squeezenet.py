"""SqueezeNet's weights from torchvision's file, and what is computed with them."""

from __future__ import annotations

import numpy as np
import pytest
from tiny import tiny_config
from torch_files import write_arrays

from fomm_tf import train
from fomm_tf.config.sections import SMALLEST_SIDES
from fomm_tf.errors import ConfigError, ModelError
from fomm_tf.losses.perceptual import perceptual_features
from fomm_tf.losses.squeezenet import (
    MEANS,
    SqueezeNetFeatures,
    load_squeezenet,
    random_kernels,
)

MEAN = np.array([0.485, 0.456, 0.406], np.float32)
STD = np.array([0.229, 0.224, 0.225], np.float32)


@pytest.fixture(scope="module")
def kernels():
    return random_kernels()


def torchvision_entries(kernels) -> dict[str, np.ndarray]:
    """The state dict of torchvision's network, with the classifier."""
    entries = {"classifier.1.bias": np.ones(1000, np.float32)}
    for name, (kernel, bias) in kernels.items():
        entries[f"features.{name}.weight"] = np.ascontiguousarray(kernel.transpose(3, 2, 0, 1))
        entries[f"features.{name}.bias"] = bias
    return entries


def convolve(images: np.ndarray, kernel: np.ndarray, bias: np.ndarray, stride: int, pad: int):
    """PyTorch's Conv2d and ReLU, window by window."""
    padded = np.pad(images, [(0, 0), (pad, pad), (pad, pad), (0, 0)])
    side = kernel.shape[0]
    rows, columns = ((n - side) // stride + 1 for n in padded.shape[1:3])
    out = np.empty((len(images), rows, columns, kernel.shape[-1]), np.float32)
    for i in range(rows):
        for j in range(columns):
            window = padded[:, i * stride : i * stride + side, j * stride : j * stride + side]
            out[:, i, j] = np.tensordot(window, kernel, 3) + bias
    return np.maximum(out, 0)


def pool(images: np.ndarray) -> np.ndarray:
    """PyTorch's MaxPool2d(3, 2, ceil_mode=True): the last window may be cut off."""
    rows, columns = (-(-(n - 3) // 2) + 1 for n in images.shape[1:3])
    windows = [
        [images[:, 2 * i : 2 * i + 3, 2 * j : 2 * j + 3].max((1, 2)) for j in range(columns)]
        for i in range(rows)
    ]
    return np.moveaxis(np.array(windows), 2, 0)


def reference(images: np.ndarray, kernels) -> list[np.ndarray]:
    out = convolve((images - MEAN) / STD, *kernels["0"], stride=2, pad=0)
    features = [out]
    for position in (3, 4, 6, 7, 9, 10, 11, 12):
        out = pool(out) if position in (3, 6, 9) else out
        squeezed = convolve(out, *kernels[f"{position}.squeeze"], stride=1, pad=0)
        ones = convolve(squeezed, *kernels[f"{position}.expand1x1"], stride=1, pad=0)
        threes = convolve(squeezed, *kernels[f"{position}.expand3x3"], stride=1, pad=1)
        out = np.concatenate([ones, threes], axis=-1)
        if position not in (3, 6):
            features.append(out)
    return features


@pytest.mark.parametrize("size", [(32, 45), (17, 34)])
def test_features_are_pytorch_s_divided_by_their_usual_mean(kernels, size):
    picture = np.random.default_rng(0).random((1, *size, 3), np.float32)
    found, expected = SqueezeNetFeatures(kernels)(picture), reference(picture, kernels)
    assert [feature.shape[-1] for feature in found] == [64, 128, 256, 384, 384, 512, 512]
    for feature, mean, value in zip(found, MEANS, expected, strict=True):
        np.testing.assert_allclose(feature * mean, value, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("depth", range(1, 8))
def test_the_smallest_picture_has_every_feature(kernels, depth):
    side = SMALLEST_SIDES["squeezenet"][depth - 1]
    features = SqueezeNetFeatures(kernels, depth)(np.zeros((1, side, side, 3), np.float32))
    assert len(features) == depth and min(features[-1].shape) == 1


def test_torchvision_s_file(kernels, tmp_path):
    path = write_arrays(tmp_path / "squeezenet.pth", torchvision_entries(kernels))
    loaded = load_squeezenet(str(path))
    assert loaded.keys() == kernels.keys() and len(loaded) == 25
    for name, (kernel, bias) in kernels.items():
        np.testing.assert_array_equal(loaded[name][0], kernel)
        np.testing.assert_array_equal(loaded[name][1], bias)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("features.12.expand3x3.bias", None, "12.expand3x3 is missing"),
        ("features.0.weight", np.ones((96, 3, 7, 7), np.float32), "0 is [96, 3, 7, 7] and [64]"),
    ],
)
def test_a_file_of_another_network_is_refused(kernels, tmp_path, name, value, message):
    path = write_arrays(tmp_path / "other.pth", torchvision_entries(kernels) | {name: value})
    with pytest.raises(ModelError) as caught:
        load_squeezenet(str(path))
    text = str(caught.value)
    assert text.startswith(f"{path} is not torchvision's SqueezeNet 1.1: ") and message in text


def test_a_missing_file_says_what_there_is():
    with pytest.raises(ModelError, match="no-such.pth: no such file; give torchvision's squeeze"):
        load_squeezenet("no-such.pth")


def chosen(**changes):
    options = {"perceptual_network": "squeezenet", "squeezenet_weights": "random"} | changes
    return tiny_config(**{f"train_params.{key}": value for key, value in options.items()})


def test_the_config_chooses_the_network():
    config = chosen(**{"loss_weights.perceptual": [0, 1, 0, 1]})
    features = perceptual_features(config.train_params)
    assert isinstance(features, SqueezeNetFeatures) and features.depth == 4
    with pytest.raises(ConfigError, match="needs the path of torchvision's squeezenet1_1"):
        perceptual_features(
            chosen(**{"loss_weights.perceptual": [1], "squeezenet_weights": None}).train_params
        )
    with pytest.raises(ConfigError, match="at most 7 weights, one per layer of squeezenet"):
        chosen(**{"loss_weights.perceptual": [1] * 8})


def test_weights_of_the_other_network_are_refused(moving_squares, tmp_path):
    path = tmp_path / "c.yaml"
    tiny_config().save(path)
    line = ["--config", path, "--data", moving_squares, "--out", tmp_path / "run"]
    with pytest.raises(ConfigError, match="of squeezenet: the config's perceptual_network is vgg"):
        train.main([*map(str, line), "--squeezenet-weights", "random"])


def test_a_pyramid_too_small_for_the_deep_layers():
    layers = {"loss_weights.perceptual": [10] * 7}
    chosen(**layers, scales=[1, 0.5]).check_trainable()
    with pytest.raises(ConfigError, match="0.25 leaves 16 pixels of 64, .* needs 17"):
        chosen(**layers, scales=[1, 0.25]).check_trainable()
