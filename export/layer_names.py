"""The layers of a model in groups, and operators that are named after the group they come from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any, Literal, get_args

import keras
import tensorflow as tf

from fomm_tf.base_model import BaseModel
from fomm_tf.copart.model import CoPartModel
from fomm_tf.kinds import COPART, FOMM, MONKEYNET, Kind
from fomm_tf.model import FirstOrderMotionModel
from fomm_tf.models.keypoint_detector import KeypointDetector
from fomm_tf.monkeynet.model import MonkeyNetModel

Group = Literal[
    "detector_encoder",
    "detector_decoder",
    "keypoint_head",
    "jacobian_head",
    "segmentation_head",
    "motion_encoder",
    "motion_decoder",
    "mask_head",
    "occlusion_head",
    "motion_head",
    "first",
    "down",
    "bottleneck",
    "up",
    "final",
    "refinement",
]
GROUPS: tuple[Group, ...] = get_args(Group)
_Layers = dict[Group, Sequence[keras.layers.Layer | None]]


def layers_of(model: BaseModel) -> dict[Group, list[keras.layers.Layer]]:
    """The layers with weights that are exported, by group; absent layers have no group.

    A layer inside one of another group belongs to its own.
    """
    found = {
        group: [layer for layer in members if layer is not None]
        for group, members in _LAYERS[model.KIND](model).items()
    }
    return {group: members for group, members in found.items() if members}


def _detector(detector: KeypointDetector) -> _Layers:
    return {
        "detector_encoder": [detector.predictor.encoder],
        "detector_decoder": [detector.predictor.decoder],
        "keypoint_head": [detector.kp],
        "jacobian_head": [detector.jacobian],
    }


def _fomm(model: FirstOrderMotionModel) -> _Layers:
    generator = model.generator
    layers = _detector(model.kp_detector)
    if (motion := generator.dense_motion_network) is not None:
        layers |= {
            "motion_encoder": [motion.hourglass.encoder],
            "motion_decoder": [motion.hourglass.decoder],
            "mask_head": [motion.mask],
            "occlusion_head": [motion.occlusion],
        }
    return layers | {
        "first": [generator.first],
        "down": generator.down_blocks,
        "bottleneck": list(generator.bottleneck.values()),
        "up": generator.up_blocks,
        "final": [generator.final],
    }


def _copart(model: CoPartModel) -> _Layers:
    module = model.segmentation_module
    return _detector(module) | {"segmentation_head": [module.semantic_seg]}


def _monkeynet(model: MonkeyNetModel) -> _Layers:
    hourglass, generator = model.kp_detector.predictor, model.generator
    layers: _Layers = {
        "detector_encoder": [hourglass.encoder],
        "detector_decoder": [hourglass.decoder],
        "keypoint_head": [hourglass.decoder.conv],
    }
    if (motion := generator.dense_motion_module) is not None:
        layers |= {
            "motion_encoder": [*motion.group_blocks, motion.hourglass.encoder],
            "motion_decoder": [motion.hourglass.decoder],
            "motion_head": [motion.hourglass.decoder.conv],
        }
    return layers | {
        "down": [generator.appearance_encoder],
        "up": generator.video_decoder.up_blocks,
        "refinement": list(generator.refinement_module.values()),
    }


_LAYERS: dict[Kind, Callable[[Any], _Layers]] = {
    FOMM: _fomm,
    COPART: _copart,
    MONKEYNET: _monkeynet,
}


def pattern(group: Group) -> str:
    """A regular expression that finds the operators of a group by the names of their outputs.

    Keras' own names do not serve: they count the layers that a process has made.
    """
    # Not of a group inside it. A name may be of several operators in one, with ; between.
    return rf"(^|[/;])group\.{group}(_\d+)?/(?![^;]*group\.)"


@contextmanager
def named_groups(model: BaseModel) -> Iterator[None]:
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
