"""Official checkpoints as our training expects them: one optimizer for each network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# In the order of the official optimizer's parameters.
_TOGETHER = ("inpainting_network", "dense_motion_network", "kp_detector")
# State dict entries that are not parameters.
_BUFFERS = (".running_mean", ".running_var", ".num_batches_tracked")
_KERNEL = "down.weight"


def our_layout(modules: Mapping[Any, Any]) -> dict[Any, Any]:
    """The modules of a checkpoint with the state of `optimizer`, which has the parameters of three
    networks in a row, as `optimizer_NETWORK` for each of them. All else is unchanged."""
    ours = dict(modules)
    optimizer = ours.pop("optimizer", None)
    if not isinstance(optimizer, Mapping) or not isinstance(optimizer.get("state"), Mapping):
        return ours
    start = 0
    for name in _TOGETHER:
        entries = modules.get(name)
        count = sum(map(_is_parameter, entries)) if isinstance(entries, Mapping) else 0
        own = {index: optimizer["state"].get(start + index) for index in range(count)}
        ours[f"optimizer_{name}"] = {"state": own}
        start += count
    return ours


def _is_parameter(name: Any) -> bool:
    name = str(name).removeprefix("module.")
    return name != _KERNEL and not name.endswith(_BUFFERS)
