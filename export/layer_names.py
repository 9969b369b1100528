"""The layers of a model in groups, and operators that are named after the group they come from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any, Literal, get_args

import keras
import tensorflow as tf

from fomm_tf.model import FirstOrderMotionModel

Group = Literal[
    "detector_encoder",
    "detector_decoder",
    "keypoint_head",
    "jacobian_head",
    "motion_encoder",
    "motion_decoder",
    "mask_head",
    "occlusion_head",
    "first",
    "down",
    "bottleneck",
    "up",
    "final",
]
GROUPS: tuple[Group, ...] = get_args(Group)


def layers_of(model: FirstOrderMotionModel) -> dict[Group, list[keras.layers.Layer]]:
    """The layers with weights, by group, in the order of the data; absent layers have no group."""
    detector, generator = model.kp_detector, model.generator
    layers: dict[Group, Sequence[keras.layers.Layer | None]] = {
        "detector_encoder": [detector.predictor.encoder],
        "detector_decoder": [detector.predictor.decoder],
        "keypoint_head": [detector.kp],
        "jacobian_head": [detector.jacobian],
    }
    if (motion := generator.dense_motion_network) is not None:
        layers |= {
            "motion_encoder": [motion.hourglass.encoder],
            "motion_decoder": [motion.hourglass.decoder],
            "mask_head": [motion.mask],
            "occlusion_head": [motion.occlusion],
        }
    layers |= {
        "first": [generator.first],
        "down": generator.down_blocks,
        "bottleneck": list(generator.bottleneck.values()),
        "up": generator.up_blocks,
        "final": [generator.final],
    }
    found = {
        group: [layer for layer in members if layer is not None]
        for group, members in layers.items()
    }
    return {group: members for group, members in found.items() if members}


def pattern(group: Group) -> str:
    """A regular expression that finds the operators of a group by the names of their outputs.

    Keras' own names do not serve: they count the layers that a process has made.
    """
    return rf"(^|[/;])group\.{group}(_\d+)?/"


@contextmanager
def named_groups(model: FirstOrderMotionModel) -> Iterator[None]:
    """While the block runs, what is traced through layers carries the name of their group."""
    with ExitStack() as stack:
        for group, layers in layers_of(model).items():
            for layer in layers:
                stack.enter_context(_named(layer, f"group.{group}"))
        yield


@contextmanager
def _named(layer: keras.layers.Layer, name: str) -> Iterator[None]:
    # Another call may have been put in its place already, as in `phase_upsampling`.
    own = vars(layer).get("call")
    layer.call = partial(_call_named, layer.call, name)  # type: ignore[method-assign]
    try:
        yield
    finally:
        if own is None:
            del layer.call
        else:
            layer.call = own  # type: ignore[method-assign]


def _call_named(call: Callable[..., Any], name: str, *args: Any, **options: Any) -> Any:
    with tf.name_scope(name):
        return call(*args, **options)
