"""Training state in files: networks, optimizers and the step, read back exactly."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from fomm_tf.arrays import read_arrays, save_arrays, section
from fomm_tf.base_model import load_official_module
from fomm_tf.errors import ModelError
from fomm_tf.files import replacing
from fomm_tf.models.state_dict import (
    Weight,
    load_state_dict,
    named_weights,
    state_dict,
    without_time,
)
from fomm_tf.torch_checkpoint import read_checkpoint
from fomm_tf.training.base_step import BaseStep

KEEP = 2
_PATTERN = "step-*.npz"


def save_checkpoint(state: Mapping[str, np.ndarray], folder: Path, number: int) -> Path:
    """Writes a `training_state` as `step-NNNNNNNN.npz`, then keeps the folder's newest `KEEP`.

    A kill at any moment leaves the earlier files whole.
    """
    path = folder / f"step-{number:08d}.npz"
    with replacing(path) as temporary:
        save_arrays(temporary, state)
    for old in list_checkpoints(folder)[:-KEEP]:
        old.unlink(missing_ok=True)
    return path


def check_finite(state: Mapping[str, np.ndarray]) -> None:
    """Raises ModelError if a weight or a moment is no finite number: not a state to keep."""
    for name, value in state.items():
        if not np.isfinite(value).all():
            raise ModelError(f"{name} is not finite")


def list_checkpoints(folder: Path) -> list[Path]:
    """The checkpoints of a folder, oldest first."""
    return sorted(folder.glob(_PATTERN))


def checkpoint_number(path: Path) -> int:
    """The number of steps done when `path` was written."""
    return int(path.stem.removeprefix("step-"))


def restore_checkpoint(step: BaseStep, path: Path) -> None:
    """Sets networks and optimizers from a file that `save_checkpoint` wrote; raises ModelError."""
    expected = {name: np.shape(value) for name, value in training_state(step).items()}
    entries = read_arrays(path, expected)
    shapes = {name: np.shape(value) for name, value in entries.items()}
    if shapes != expected:
        name = next(n for n in (*expected, *shapes) if expected.get(n) != shapes.get(n))
        raise ModelError(f"{path} is no checkpoint of this config: it differs in {name}")
    for module, network in step.networks.items():
        load_state_dict(network, section(entries, module), f"{path} ({module})")
        optimizer = step.optimizers[module]
        state = section(entries, f"optimizer_{module}")
        optimizer.iterations.assign(int(state["iterations"]))
        for name, (first, second) in _moments(step, module).items():
            first.variable.assign(first.inward(state[f"m/{name}"]))
            second.variable.assign(second.inward(state[f"v/{name}"]))


def training_state(step: BaseStep) -> dict[str, np.ndarray]:
    """Everything that the next step depends on, as flat named arrays."""
    entries: dict[str, np.ndarray] = {}
    for module, network in step.networks.items():
        entries |= {f"{module}/{name}": value for name, value in state_dict(network).items()}
        prefix = f"optimizer_{module}"
        entries[f"{prefix}/iterations"] = np.asarray(step.optimizers[module].iterations)
        for name, (first, second) in _moments(step, module).items():
            entries[f"{prefix}/m/{name}"] = first.read()
            entries[f"{prefix}/v/{name}"] = second.read()
    return entries


def load_official_state(step: BaseStep, path: str | os.PathLike) -> int:
    """Starts from an official `.pth.tar`: networks, and Adam's state where the file has it.

    A discriminator that the file lacks keeps its fresh weights, as in the official code. Returns
    the number of epochs that the file has seen. Raises ModelError.
    """
    modules = read_checkpoint(path)
    for module, network in step.networks.items():
        if module == "discriminator" and module not in modules:
            continue
        load_official_module(network, modules, module, path)
    load_official_optimizers(step, modules, path)
    epoch = modules.get("epoch", -1)
    return epoch + 1 if isinstance(epoch, int) else 0


def load_official_optimizers(step: BaseStep, modules: Mapping, path: str | os.PathLike) -> None:
    """Adam's states from a checkpoint that `read_checkpoint` has read, where it has them; `path` is
    for messages. Raises ModelError."""
    for module in step.networks:
        state = modules.get(f"optimizer_{module}")
        if isinstance(state, Mapping) and state.get("state"):
            _load_official_optimizer(step, module, modules[module], state["state"], path)


def _load_official_optimizer(step: BaseStep, module: str, entries, state, path) -> None:
    """PyTorch numbers parameters in the order of the state dict, buffers left out."""
    moments = _moments(step, module)
    names = [name for name in (key.removeprefix("module.") for key in entries) if name in moments]
    where = f"{path} (optimizer_{module})"
    iterations = 0
    for position, name in enumerate(names):
        slot = state.get(position)
        if not isinstance(slot, Mapping):
            continue  # A parameter that never had a gradient.
        for weight, key in zip(moments[name], ("exp_avg", "exp_avg_sq"), strict=True):
            value = slot.get(key)
            value = without_time(value) if isinstance(value, np.ndarray) else None
            if value is None or value.shape != weight.shape:
                raise ModelError(f"{where}: {key} of {name} is missing or misshaped")
            weight.variable.assign(weight.inward(value.astype(np.float32)))
        iterations = max(iterations, int(slot.get("step", 0)))
    step.optimizers[module].iterations.assign(iterations)


def _moments(step: BaseStep, module: str) -> dict[str, tuple[Weight, Weight]]:
    """Adam's two moments of every trainable weight, under the weight's name and layout."""
    network, optimizer = step.networks[module], step.optimizers[module]
    slots = {
        id(variable): (optimizer._momentums[index], optimizer._velocities[index])
        for index, variable in enumerate(network.trainable_variables)
    }
    moments = {}
    for name, weight in named_weights(network).items():
        if id(weight.variable) in slots:
            first, second = slots[id(weight.variable)]
            moments[name] = (Weight(first, weight.is_kernel), Weight(second, weight.is_kernel))
    return moments
