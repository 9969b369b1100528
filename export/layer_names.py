"""Names operators of exported graphs after their layer group."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import keras
import tensorflow as tf

from fomm_tf.inference.model import BaseModel

ANY_GROUP = r"\w+"
"""For `pattern`."""


def pattern(group: str) -> str:
    """A regular expression that matches a group's operators by the names of their outputs.

    Keras' own names are unsuitable: they count the layers created in the process.
    """
    # Excludes nested groups. The name of fused operators joins theirs with ;.
    return rf"(^|[/;])group\.{group}(_\d+)?/(?![^;]*group\.)"


@contextmanager
def named_groups(model: BaseModel) -> Iterator[None]:
    """Within the block, traced layers carry the name of their group."""
    with ExitStack() as stack:
        for group in model.layer_groups():
            for layer in group.layers:
                stack.enter_context(_named(layer, f"group.{group.name}"))
        yield


@contextmanager
def _named(layer: keras.layers.Layer, name: str) -> Iterator[None]:
    # `call` may already have been replaced, as in `phase_upsampling`.
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
