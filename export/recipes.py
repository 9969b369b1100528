"""The quantization mode of a model's layer groups in a recipe."""

from __future__ import annotations

from collections.abc import Mapping

from fomm_tf.inference.manifest import Recipe
from fomm_tf.inference.model import BaseModel
from fomm_tf.layers.groups import Mode


def recipe_modes(model: BaseModel, recipe: Recipe) -> Mapping[str, Mode]:
    """The mode of each quantized layer group, by name."""
    modes = {group.name: getattr(group, recipe) for group in model.layer_groups()}
    return {name: mode for name, mode in modes.items() if mode != "float"}
