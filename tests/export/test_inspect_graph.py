"""Graphs that the oldest supported runtime could not run are refused."""

from __future__ import annotations

import flatbuffers
import pytest
import tensorflow as tf
from tensorflow.lite.python import schema_py_generated as schema

from export.inspect_graph import check_operators, operators
from fomm_tf.errors import ModelError


def convert(function, shape, **attributes) -> bytes:
    module = tf.Module()
    for name, value in attributes.items():
        setattr(module, name, value)
    concrete = tf.function(function).get_concrete_function(tf.TensorSpec(shape, tf.float32))
    converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete], module)
    return converter.convert()


def test_operators_are_listed_in_order():
    (graph,) = operators(convert(lambda x: tf.exp(x) / 3, [2, 2])).values()
    first, second = graph
    assert (first.name, first.version, second.name) == ("EXP", 1, "MUL")
    assert first.outputs[0] in second.inputs


def test_what_depends_on_a_variable_is_refused():
    state = tf.Variable(tf.zeros([2]))

    def count(x):
        state.assign_add(x)
        return state.read_value()

    with pytest.raises(ModelError, match="some.tflite contains the unexpected operator CALL_ONCE"):
        check_operators(convert(count, [2], state=state), "some.tflite")


def test_a_version_that_is_too_new_is_refused():
    model = schema.ModelT.InitFromPackedBuf(convert(tf.exp, [2]), 0)
    check_operators(packed(model), "some.tflite")
    model.operatorCodes[0].version = 3
    with pytest.raises(ModelError, match="EXP in version 3, which TensorFlow Lite 2.14.0 cannot"):
        check_operators(packed(model), "some.tflite")


def test_too_many_dimensions_are_refused():
    with pytest.raises(ModelError, match="a tensor of 6 dimensions"):
        check_operators(convert(lambda x: x[..., 0] + 1, [1, 2, 1, 2, 1, 2]), "some.tflite")


def packed(model) -> bytes:
    builder = flatbuffers.Builder()
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())
