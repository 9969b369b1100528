"""Adam's moments and averages by weight name; moments also from PyTorch's checkpoints."""

from __future__ import annotations

import os
from collections.abc import Mapping

import keras
import numpy as np

from fomm_tf.errors import ModelError
from fomm_tf.training.adam import Adam
from fomm_tf.weights.state_dict import Weight, named_weights, without_time


def moments_of(network: keras.Model, optimizer: Adam) -> dict[str, tuple[Weight, Weight]]:
    """Both moments of every trainable weight, with the weight's name and layout."""
    slots = {
        id(variable): (optimizer._momentums[index], optimizer._velocities[index])
        for index, variable in enumerate(network.trainable_variables)
    }
    moments = {}
    for name, weight in named_weights(network).items():
        if id(weight.variable) in slots:
            first, second = slots[id(weight.variable)]
            moments[name] = (weight._replace(variable=first), weight._replace(variable=second))
    return moments


def averages_of(network: keras.Model, optimizer: Adam) -> dict[str, Weight]:
    """The moving average of every trainable weight, with its name and layout; {} without `ema`."""
    averages = {id(v): average for v, average in optimizer.averages(network.trainable_variables)}
    return {
        name: weight._replace(variable=averages[id(weight.variable)])
        for name, weight in named_weights(network).items()
        if id(weight.variable) in averages
    }


def load_official_optimizers(
    networks: Mapping[str, keras.Model],
    optimizers: Mapping[str, Adam],
    modules: Mapping,
    path: str | os.PathLike,
) -> None:
    """Adam's states from the result of `read_checkpoint`, where present; `path` is for messages.
    Raises ModelError."""
    for name, network in networks.items():
        state = modules.get(f"optimizer_{name}")
        if isinstance(state, Mapping) and state.get("state"):
            where = f"{path} (optimizer_{name})"
            _load(network, optimizers[name], modules[name], state["state"], where)


def _load(network: keras.Model, optimizer: Adam, entries: Mapping, state: Mapping, where: str):
    """PyTorch numbers parameters in state dict order, without buffers."""
    moments = moments_of(network, optimizer)
    names = [name for name in (key.removeprefix("module.") for key in entries) if name in moments]
    iterations = 0
    for position, name in enumerate(names):
        slot = state.get(position)
        if not isinstance(slot, Mapping):
            continue  # A parameter that never had a gradient.
        for weight, key in zip(moments[name], ("exp_avg", "exp_avg_sq"), strict=True):
            value = slot.get(key)
            value = without_time(value) if isinstance(value, np.ndarray) else None
            if value is None or value.shape != weight.shape:
                raise ModelError(f"{where}: {key} of {name} is missing or has the wrong shape")
            weight.variable.assign(weight.inward(value.astype(np.float32)))
        iterations = max(iterations, int(slot.get("step", 0)))
    optimizer.iterations.assign(iterations)
