"""The cheaper upsampling gives the same numbers, and leaves the layer as it was."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from export.phases import phase_upsampling
from fomm_tf.layers.blocks import UpBlock2d


@pytest.mark.parametrize("shape", [(1, 5, 7, 3), (2, 1, 4, 3)])
def test_it_equals_upsampling_and_convolution(shape):
    rng = np.random.default_rng(0)
    block = UpBlock2d(3, 6)
    for variable in block.norm.variables:
        variable.assign(rng.uniform(0.5, 2, variable.shape))
    inputs = rng.normal(size=shape).astype(np.float32)
    expected = block(inputs).numpy()
    with phase_upsampling([block]):
        actual = block(inputs).numpy()
    assert not np.array_equal(actual, expected)  # it did go the other way
    np.testing.assert_allclose(actual, expected, atol=1e-5)
    np.testing.assert_array_equal(block(inputs).numpy(), expected)


def test_the_layer_is_restored_after_an_error():
    block = UpBlock2d(3, 6)
    with pytest.raises(RuntimeError), phase_upsampling([block]):
        raise RuntimeError
    assert "call" not in vars(block) and isinstance(block, keras.layers.Layer)
