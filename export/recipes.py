"""Which layers of an int8 model compute how."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from export.layer_names import GROUPS, Group
from fomm_tf.manifest import Recipe

Mode = Literal["static", "dynamic"]
"""What a convolution takes and gives; its weights are in 8 bits for each output channel.

static: pictures in 8 bits, their range known from calibration. dynamic: floats, which it rounds to
8 bits for itself by the range they have in each picture; what it gives is not rounded.
"""

# Coordinates follow from these by a sharp softmax or a weighted mean: what they give must be fine,
# and they are few and thin layers (docs/quantization.md has what each group costs).
_HEADS: tuple[Group, ...] = (
    *("keypoint_head", "jacobian_head", "segmentation_head", "mask_head", "occlusion_head"),
)
# The same of Monkey-Net: its motion head gives displacements themselves. Its refinement carries the
# picture beside features of a much wider range, and 8 bits for both leave few to the picture.
_MONKEYNET: Mapping[Group, Mode] = {"motion_head": "dynamic", "refinement": "dynamic"}
_FAST: Mapping[Group, Mode] = {**dict.fromkeys(GROUPS, "static"), **_MONKEYNET}

RECIPES: Mapping[Recipe, Mapping[Group, Mode]] = {
    # What is not there stays in floats.
    "quality": {
        group: "dynamic" if group in _HEADS else mode
        for group, mode in _FAST.items()
        if group != "refinement"
    },
    "fast": _FAST,
}
