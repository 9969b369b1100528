"""Converts a model's networks to TFLite graphs: static shapes, batch size 1, built-in operators."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from typing import Literal

import tensorflow as tf

from export.inspect_graph import check_operators
from export.layer_names import named_groups
from export.phases import phase_upsampling
from fomm_tf.config.base import BaseConfig
from fomm_tf.inference.loading import signatures_of
from fomm_tf.inference.manifest import Signature
from fomm_tf.inference.model import BaseModel
from fomm_tf.quiet import suppress_stderr

Converted = Literal["float32", "float16", "dynamic"]
"""The precisions of the converter; int8 is made from float32 by `quantize`."""


def build_graphs(
    model: BaseModel, config: BaseConfig, precision: Converted
) -> Iterator[tuple[str, bytes]]:
    """Yields the name and the content of each file.

    config: the model's, with the frame shape to export. Raises ModelError for a graph that the
    oldest supported runtime cannot run.
    """
    for name, signatures in signatures_of(config).items():
        content = _convert(model, signatures, precision)
        check_operators(content, name)
        yield name, content


def _convert(model: BaseModel, signatures: tuple[Signature, ...], precision: Converted) -> bytes:
    functions = model.signature_functions()
    module = tf.Module()
    with phase_upsampling(model.phase_blocks()), named_groups(model):
        concrete = {
            signature.name: tf.function(
                functions[signature.name], autograph=False
            ).get_concrete_function(
                **{
                    one.name: tf.TensorSpec(one.shape, one.type, one.name)
                    for one in signature.inputs
                }
            )
            for signature in signatures
        }
    # Only tracked variables are exported, and those inside Keras layers are not tracked: without
    # this line the weights would silently be missing.
    module.weights = [variable for one in concrete.values() for variable in one.variables]
    # One SavedModel for all signatures of a file: they share one copy of the weights.
    with tempfile.TemporaryDirectory() as folder, suppress_stderr():
        tf.saved_model.save(module, folder, signatures=concrete)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=list(concrete))
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
        if precision != "float32":
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if precision == "float16":
            converter.target_spec.supported_types = [tf.float16]
        return converter.convert()
