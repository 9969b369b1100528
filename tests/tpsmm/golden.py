"""The golden vectors of the official code (tests/golden/tpsmm), in this project's layouts.

Weights are not stored but drawn by a recipe: tests/golden/tpsmm/README.md.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

FOLDER = Path(__file__).parents[1] / "golden" / "tpsmm"

Entries = list[tuple[str, tuple[int, ...]]]


def raw(case: str, name: str) -> dict[str, np.ndarray]:
    """All arrays of one .npz as stored."""
    with np.load(FOLDER / case / f"{name}.npz") as data:
        return dict(data)


def pictures(case: str, name: str) -> dict[str, np.ndarray]:
    """All arrays of one .npz, [..., C, H, W] as [..., H, W, C]."""
    return {key: np.moveaxis(value, -3, -1) for key, value in raw(case, name).items()}


def load_json(case: str, name: str) -> Any:
    return json.loads((FOLDER / case / f"{name}.json").read_text())


def state_dicts(case: str, networks: dict[str, Any]) -> dict[str, dict[str, np.ndarray]]:
    """The weights of a case for some of its networks, as in an official checkpoint."""
    recipe = load_json(case, "recipe")
    path = FOLDER / case / "state_dict_keys.json"
    stored = json.loads(path.read_text()) if path.exists() else {}
    modules = {}
    for module, network in networks.items():
        if module in stored:
            entries = [(key, tuple(shape)) for _, key, shape in stored[module]]
        else:
            entries = official_entries(network)
        modules[module] = draw(recipe, module, entries)
    return modules


def official_entries(network: Any) -> Entries:
    """Names and shapes of a network's official state dict, where its order is ours."""
    from fomm_tf.weights.state_dict import named_weights

    entries: Entries = []
    for name, weight in named_weights(network).items():
        entries.append((name, weight.shape))
        if name.endswith("running_var"):
            entries.append((name.replace("running_var", "num_batches_tracked"), ()))
    return entries


def draw(recipe: dict, module: str, entries: Entries) -> dict[str, np.ndarray]:
    """One module's weights by the recipe."""
    scales = recipe.get("scales", {}).get(module, {})
    literals = recipe.get("literals", {}).get(module, {})
    norms = {name.removesuffix(".weight") for name, shape in entries if len(shape) == 1}
    drawn = {}
    for index, (name, shape) in enumerate(entries):
        rng = np.random.default_rng([recipe["seed"], recipe["module_numbers"][module], index])
        layer, _, kind = name.rpartition(".")
        if kind == "running_mean":
            value = 0.1 * rng.standard_normal(shape)
        elif kind == "running_var":
            value = rng.uniform(0.5, 1.5, shape)
        elif kind == "num_batches_tracked" or name == "down.weight":
            value = np.zeros(shape)
        elif kind == "weight" and len(shape) == 1:
            value = rng.uniform(0.5, 1.5, shape)
        elif kind == "weight":
            value = rng.standard_normal(shape) * np.sqrt(2 / np.prod(shape[1:]))
        else:
            value = (0.1 if layer in norms else 0.05) * rng.standard_normal(shape)
        value = literals.get(name, value * scales.get(name, 1))
        drawn[name] = np.asarray(value, np.float32)
    return drawn
