"""Converts a network's weights to and from the names and layouts of the official state dicts.

Our layers have the official modules' attribute names, so a weight's name is its attribute path.
Model folders, training checkpoints and official files all use these names.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import keras
import numpy as np

from fomm_tf.errors import ModelError
from fomm_tf.layers.antialias import AntiAliasDownsample
from fomm_tf.layers.batch_norm import BatchNorm
from fomm_tf.layers.spectral_norm import SpectralNormConv2D

_OIHW = (3, 2, 0, 1)
# One kernel per input channel: [h, w, channels, 1] here, [channels, 1, h, w] stored.
_DEPTHWISE = (2, 3, 0, 1)
_OUT_IN = (1, 0)
# Entries that carry no information: they are determined by the config or never read.
_DERIVED = ("num_batches_tracked",)


class Weight(NamedTuple):
    """A variable and its stored axis order: convolution kernels are stored OIHW and used HWIO;
    None for unchanged."""

    variable: Any
    axes: tuple[int, ...] | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """In the stored layout."""
        shape = tuple(self.variable.shape)
        return tuple(shape[axis] for axis in self.axes) if self.axes else shape

    def read(self) -> np.ndarray:
        """The value in the stored layout."""
        value = self.variable.numpy()
        return np.ascontiguousarray(value.transpose(self.axes)) if self.axes else value

    def inward(self, value: np.ndarray) -> np.ndarray:
        """Converts a stored value to the variable's layout."""
        return value.transpose(np.argsort(self.axes)) if self.axes else value


def named_weights(network: keras.layers.Layer) -> dict[str, Weight]:
    """All weights of a network by official name. Raises TypeError for a layer whose weights have
    none: every file would lack them."""
    weights = dict(_walk(network, ""))
    named = {id(weight.variable) for weight in weights.values()}
    for variable in network.variables:
        if id(variable) not in named:
            raise TypeError(f"{variable.path} has no name in a state dict; see weights.state_dict")
    return weights


def state_dict(network: keras.layers.Layer) -> dict[str, np.ndarray]:
    """All weights of a network as float32 arrays in the official layout."""
    return {name: weight.read() for name, weight in named_weights(network).items()}


def load_state_dict(
    network: keras.layers.Layer, entries: Mapping[str, np.ndarray], where: str
) -> None:
    """Sets all weights of `network`, or none.

    3-D convolution kernels of temporal size 1 are accepted (`without_time`). Raises ModelError,
    naming entries that are missing, unknown, or of another shape; `where` names the file and module
    in messages.
    """
    odd = [
        f"{name!r:.60}"
        for name, value in entries.items()
        if not isinstance(name, str) or not isinstance(value, np.ndarray)
    ]
    if odd:
        raise ModelError(f"{where}: {_some(odd)} is not a named tensor")
    entries = {name: without_time(v) for name, v in _without_prefix(entries).items()}
    weights = named_weights(network)
    derived = {f"{name}.weight" for name, _ in _downsamplers(network, "")}
    missing = [name for name in weights if name not in entries]
    extra = [
        name
        for name in entries
        if name not in weights and name not in derived and not name.endswith(_DERIVED)
    ]
    if missing or extra:
        lacks = f"it lacks {_some(missing)}" if missing else ""
        unknown = f"it has unknown {_some(extra)}" if extra else ""
        problem = " and ".join(filter(None, (lacks, unknown)))
        raise ModelError(f"{where} does not fit the config: {problem}")
    wrong = [
        f"{name} is {list(np.shape(entries[name]))}, not {list(weight.shape)}"
        for name, weight in weights.items()
        if np.shape(entries[name]) != weight.shape
    ]
    if wrong:
        raise ModelError(f"{where} does not fit the config: {_some(wrong)}")
    values = {name: _finite(entries[name], name, where) for name in weights}
    for name, weight in weights.items():
        weight.variable.assign(weight.inward(values[name]))


def without_time(value: np.ndarray) -> np.ndarray:
    """A 3-D kernel, or its Adam moment, [o, i, 1, k, k] as [o, i, k, k]: Monkey-Net's temporal
    kernel size is 1. Anything else is returned unchanged."""
    return value[:, :, 0] if value.ndim == 5 and value.shape[2] == 1 else value


def _finite(value: np.ndarray, name: str, where: str) -> np.ndarray:
    if value.dtype.kind in "fiu":
        with np.errstate(over="ignore"):
            value = value.astype(np.float32)
        if np.isfinite(value).all():
            return value
    raise ModelError(f"{where}: {name} contains NaN or infinite values")


def _walk(layer: keras.layers.Layer, path: str) -> Iterator[tuple[str, Weight]]:
    own = _own_weights(layer)
    if own is not None:
        yield from ((f"{path}{name}", weight) for name, weight in own.items())
        return
    for name, child in _children(layer):
        yield from _walk(child, f"{path}{name}.")


def _own_weights(layer: keras.layers.Layer) -> dict[str, Weight] | None:
    match layer:
        case keras.layers.Conv2D():
            weight = {"weight": Weight(layer.kernel, _OIHW)}
            return weight | {"bias": Weight(layer.bias)} if layer.use_bias else weight
        case keras.layers.DepthwiseConv2D():
            return {"weight": Weight(layer.kernel, _DEPTHWISE)}
        case keras.layers.Dense():
            return {"weight": Weight(layer.kernel, _OUT_IN), "bias": Weight(layer.bias)}
        case SpectralNormConv2D():
            return {
                "bias": Weight(layer.bias),
                "weight_orig": Weight(layer.kernel, _OIHW),
                "weight_u": Weight(layer.u),
                "weight_v": Weight(layer.v),
            }
        case BatchNorm():
            return {
                "weight": Weight(layer.gamma),
                "bias": Weight(layer.beta),
                "running_mean": Weight(layer.moving_mean),
                "running_var": Weight(layer.moving_variance),
            }
        case keras.layers.GroupNormalization():
            return {"weight": Weight(layer.gamma), "bias": Weight(layer.beta)}
    return None


def _children(layer: keras.layers.Layer) -> Iterator[tuple[str, keras.layers.Layer]]:
    for name, value in vars(layer).items():
        if name.startswith("_"):
            continue
        if isinstance(value, keras.layers.Layer):
            yield name, value
        elif isinstance(value, dict):
            yield from ((f"{name}.{key}", item) for key, item in value.items())
        elif isinstance(value, list):
            for index, item in enumerate(value):
                if isinstance(item, keras.layers.Layer):
                    yield f"{name}.{index}", item


def _downsamplers(layer: keras.layers.Layer, path: str) -> Iterator[tuple[str, keras.layers.Layer]]:
    for name, child in _children(layer):
        if isinstance(child, AntiAliasDownsample):
            yield f"{path}{name}", child
        else:
            yield from _downsamplers(child, f"{path}{name}.")


def _without_prefix(entries: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
    """Strips the `module.` prefix that PyTorch's DataParallel adds to every name."""
    if entries and all(name.startswith("module.") for name in entries):
        return {name.removeprefix("module."): value for name, value in entries.items()}
    return entries


def _some(names: list[str]) -> str:
    shown = ", ".join(names[:4])
    return shown if len(names) <= 4 else f"{shown} and {len(names) - 4} more"
