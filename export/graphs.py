"""The networks of a model as TFLite graphs: static shapes, a batch of one, built-in operators."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from typing import Literal

import keras
import tensorflow as tf

from export.inspect_graph import check_operators
from export.layer_names import layers_of, named_groups
from export.phases import phase_upsampling
from fomm_tf.base_model import BaseModel
from fomm_tf.config import BaseConfig
from fomm_tf.manifest import Signature, signatures_of
from fomm_tf.quiet import stderr_shut

Tensors = dict[str, tf.Tensor]
Converted = Literal["float32", "float16", "dynamic"]
"""The precisions that the converter gives; int8 is made of float32 by `quantize`."""


def build_graphs(
    model: BaseModel, config: BaseConfig, precision: Converted
) -> Iterator[tuple[str, bytes]]:
    """Yields the name and the content of each file.

    config: the model's, with the frame shape to export for. Raises ModelError for a graph that the
    oldest supported runtime could not run.
    """
    for name, signatures in signatures_of(config).items():
        content = _convert(model, signatures, precision)
        check_operators(content, name)
        yield name, content


def _convert(model: BaseModel, signatures: tuple[Signature, ...], precision: Converted) -> bytes:
    functions = _functions(model)
    module = tf.Module()
    # Only variables that are tracked reach the graph, and those inside Keras layers are not:
    # without this line the weights would silently be missing.
    module.weights = [variable.value for variable in _variables(model, signatures)]
    # The generator's last blocks only: the others have most weights and least pixels.
    with phase_upsampling(layers_of(model).get("up", [])[-2:]), named_groups(model):
        concrete = {
            signature.name: tf.function(functions[signature.name]).get_concrete_function(
                **{
                    one.name: tf.TensorSpec(one.shape, one.type, one.name)
                    for one in signature.inputs
                }
            )
            for signature in signatures
        }
    # One saved model for all signatures of a file: they share one copy of the weights.
    with tempfile.TemporaryDirectory() as folder, stderr_shut():
        tf.saved_model.save(module, folder, signatures=concrete)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=list(concrete))
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
        if precision != "float32":
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if precision == "float16":
            converter.target_spec.supported_types = [tf.float16]
        return converter.convert()


def _functions(model: BaseModel) -> Mapping[str, Callable[..., Tensors]]:
    """What each signature computes, with the tensors' names as in `signatures_of`."""
    detector, generator = model.networks.values()
    detected = model.KIND.exported_class.DETECTED

    def detect(picture: tf.Tensor) -> Tensors:
        found = detector(picture)
        return {name: value for name, value in found._asdict().items() if value is not None}

    def encode(picture: tf.Tensor) -> Tensors:
        return generator.encode(picture)

    def animate(**inputs: tf.Tensor) -> Tensors:
        kp_source, kp_driving = (
            detected(*(inputs.get(f"kp_{role}_{name}") for name in detected._fields))
            for role in ("source", "driving")
        )
        encoded = {name: value for name, value in inputs.items() if not name.startswith("kp_")}
        return {"frame": generator.decode(encoded, kp_source, kp_driving)["prediction"]}

    return {"detect": detect, "encode": encode, "animate": animate}


def _variables(model: BaseModel, signatures: tuple[Signature, ...]) -> list[keras.Variable]:
    detector, generator = model.networks.values()
    return (detector if signatures[0].name == "detect" else generator).variables
