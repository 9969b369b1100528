"""What a part swap does, told by its edges: nothing, all, and what it refuses."""

import keras
import numpy as np
import pytest
from copart.tiny_copart import tiny_copart_config

from fomm_tf.copart.model import CoPartModel
from fomm_tf.copart.part_swap import PartSwap
from fomm_tf.errors import ModelError

SOURCE = np.random.default_rng(0).uniform(size=(1, 32, 32, 3)).astype(np.float32)
TARGET = np.random.default_rng(1).uniform(size=(1, 32, 32, 3)).astype(np.float32)


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(11)
    return CoPartModel(tiny_copart_config())


def parser_of(share):
    """A face parser of two classes that is sure of the second to the degree `share`."""

    def parse(images):
        scores = np.zeros((1, *images.shape[1:3], 2), np.float32)
        scores[..., 1] = np.log(share / (1 - share))
        return scores

    return parse


def test_swapping_nothing_gives_the_target_back(model):
    """A mask of zero leaves the target's features: what the target alone is painted as."""
    swap = PartSwap(model, SOURCE, [1], face_parser=parser_of(0.4), hard=True)
    reconstruction = model.reconstruction_module
    alone = reconstruction.paint(reconstruction.encode(TARGET)["features"])
    np.testing.assert_allclose(swap(TARGET).prediction, alone, atol=1e-6)


def test_swapping_all_gives_the_moved_source(model):
    """All shares of a pixel are one, also for the background."""
    segments = [model.detect(picture) for picture in (SOURCE, TARGET)]
    moved = model.decode(model.encode(SOURCE), *segments)
    swapped = PartSwap(model, SOURCE, [0, 1, 2, 3, 4])(TARGET).prediction
    np.testing.assert_allclose(swapped, moved, atol=1e-5)
    assert np.abs(swapped - PartSwap(model, SOURCE, [1])(TARGET).prediction).max() > 1e-4


def test_hard_is_all_beyond_one_half(model):
    """As if the parser were sure, for the parts and against them."""
    for share, sure in ((0.4, 1e-6), (0.6, 1 - 1e-6)):
        hard = PartSwap(model, SOURCE, [1], face_parser=parser_of(share), hard=True)
        soft = PartSwap(model, SOURCE, [1], face_parser=parser_of(sure))
        np.testing.assert_allclose(hard(TARGET).prediction, soft(TARGET).prediction, atol=1e-5)


def test_the_target_segmentation_comes_along(model):
    swapped = PartSwap(model, SOURCE, [1, 2])(TARGET)
    assert swapped.prediction.shape == (1, 32, 32, 3)
    expected = model.detect(TARGET).segmentation
    np.testing.assert_allclose(swapped.segmentation, expected, atol=1e-6)


def test_a_mask_of_another_aspect_is_resized():
    """Of frames that are not square no whole number takes the parser's square to the features."""
    config = tiny_copart_config(**{"dataset_params.image_shape": [32, 48, 3]})
    source = np.concatenate([SOURCE, SOURCE[:, :, :16]], axis=2)
    swap = PartSwap(CoPartModel(config), source, [1], face_parser=parser_of(0.6))
    assert swap(source).prediction.shape == (1, 32, 48, 3)


def test_what_is_refused(model):
    for parts, words in (
        ([5], "there is no part 5: parts are 1 to 4"),
        ([1, 1], "the parts 1, 1 contain a duplicate"),
        ([], "no"),
    ):
        with pytest.raises(ModelError, match=words):
            PartSwap(model, SOURCE, parts)
    with pytest.raises(ModelError, match="there is no part 2"):
        PartSwap(model, SOURCE, [2], face_parser=parser_of(0.5))(TARGET)
    with pytest.raises(ModelError, match="no dense motion network"):
        PartSwap(model, SOURCE, [1], first_order=True)
    with pytest.raises(ModelError, match="one source picture, not 2"):
        PartSwap(model, np.concatenate([SOURCE, SOURCE]), [1])
    with pytest.raises(ModelError, match="as the source is"):
        PartSwap(model, SOURCE, [1])(TARGET[:, :24])
