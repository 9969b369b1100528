"""No output of an exported graph is the very tensor of an input."""

from __future__ import annotations

from functools import partial

import keras
import numpy as np
import pytest
from copart.tiny_copart import tiny_copart_config
from monkeynet.tiny_monkeynet import tiny_monkeynet_config
from tensorflow.lite.python import schema_py_generated as schema
from tiny import save_random_model, tiny_config

import fomm_tf
from export.compiled import compiled_model
from export.conversion import convert

CONFIGS = {
    "plain": tiny_config,
    "blended": partial(tiny_config, **{"model_params.generator_params.blend_source": True}),
    "Monkey-Net": tiny_monkeynet_config,
    "parts": tiny_copart_config,
}


@pytest.fixture(scope="module", params=CONFIGS)
def folder(request, tmp_path_factory):
    root = tmp_path_factory.mktemp("model")
    save_random_model(root / "model", CONFIGS[request.param](), seed=3, gain=2.5, spread=0.02)
    convert(root / "model", root / "exported", "float32")
    keras.backend.clear_session()
    return root


def test_in_every_graph(folder):
    for graph in fomm_tf.load_exported(folder / "exported").manifest.graphs:
        model = schema.Model.GetRootAs((folder / "exported" / graph.file).read_bytes())
        for i in range(model.SignatureDefsLength()):
            signature = model.SignatureDefs(i)
            inputs = {signature.Inputs(j).TensorIndex() for j in range(signature.InputsLength())}
            outputs = {signature.Outputs(j).TensorIndex() for j in range(signature.OutputsLength())}
            assert not inputs & outputs, f"{graph.file}, {signature.SignatureKey()}"


def test_compiled_models_give_the_same(folder):
    """LiteRT's newer interface, which binds buffers to inputs and outputs."""
    exported = fomm_tf.load_exported(folder / "exported")
    compiled = compiled_model(folder / "exported", exported)
    shape = (1, *exported.config.dataset_params.frame_shape)
    pictures = np.random.default_rng(0).random((2, *shape), np.float32)
    for one in pictures:
        for found, expected in zip(compiled.detect(one), exported.detect(one), strict=True):
            if expected is not None:
                np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)
    if not exported.animates:
        return
    encoded, expected = (one.encode(pictures[0]) for one in (compiled, exported))
    assert encoded.keys() == expected.keys()
    for name, value in expected.items():
        assert np.abs(value).max() > 0.01
        np.testing.assert_allclose(encoded[name], value, rtol=0, atol=1e-4, err_msg=name)
    kp = [exported.detect(one) for one in pictures]
    frames = [one.decode(expected, *kp) for one in (compiled, exported)]
    np.testing.assert_allclose(*frames, rtol=0, atol=1e-4)
