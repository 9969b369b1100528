"""Training checkpoints: networks, optimizers and the step, restored exactly."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from fomm_tf.errors import ModelError
from fomm_tf.files import replacing
from fomm_tf.training.optimizer_state import averages_of, moments_of
from fomm_tf.training.step import BaseStep
from fomm_tf.weights.arrays import read_arrays, save_arrays, section
from fomm_tf.weights.state_dict import load_state_dict, state_dict

_PATTERN = "step-*.npz"


def save_checkpoint(state: Mapping[str, np.ndarray], folder: Path, number: int, keep: int) -> Path:
    """Writes a `training_state` as `step-NNNNNNNN.npz`, then keeps the folder's newest `keep`.

    Earlier files stay intact if the process is killed at any moment.
    """
    path = folder / f"step-{number:08d}.npz"
    with replacing(path) as temporary:
        save_arrays(temporary, state)
    for old in list_checkpoints(folder)[:-keep]:
        old.unlink(missing_ok=True)
    return path


def check_finite(state: Mapping[str, np.ndarray]) -> None:
    """Raises ModelError if a weight or a moment is NaN or infinite."""
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
    """Restores networks and optimizers from a `save_checkpoint` file; raises ModelError."""
    expected = {name: np.shape(value) for name, value in training_state(step).items()}
    entries = read_arrays(path, expected)
    shapes = {name: np.shape(value) for name, value in entries.items()}
    if shapes != expected:
        name = next(n for n in (*expected, *shapes) if expected.get(n) != shapes.get(n))
        raise ModelError(f"{path} is not a checkpoint of this config: it differs in {name}")
    for module, network in step.networks.items():
        load_state_dict(network, section(entries, module), f"{path} ({module})")
        optimizer = step.optimizers[module]
        state = section(entries, f"optimizer_{module}")
        optimizer.iterations.assign(int(state["iterations"]))
        for name, (first, second) in moments_of(network, optimizer).items():
            first.variable.assign(first.inward(state[f"m/{name}"]))
            second.variable.assign(second.inward(state[f"v/{name}"]))
        for name, average in averages_of(network, optimizer).items():
            average.variable.assign(average.inward(state[f"average/{name}"]))


def training_state(step: BaseStep) -> dict[str, np.ndarray]:
    """Everything that the next step depends on, as flat named arrays."""
    entries: dict[str, np.ndarray] = {}
    for module, network in step.networks.items():
        entries |= {f"{module}/{name}": value for name, value in state_dict(network).items()}
        prefix = f"optimizer_{module}"
        optimizer = step.optimizers[module]
        entries[f"{prefix}/iterations"] = np.asarray(optimizer.iterations)
        for name, (first, second) in moments_of(network, optimizer).items():
            entries[f"{prefix}/m/{name}"] = first.read()
            entries[f"{prefix}/v/{name}"] = second.read()
        for name, average in averages_of(network, optimizer).items():
            entries[f"{prefix}/average/{name}"] = average.read()
    return entries
