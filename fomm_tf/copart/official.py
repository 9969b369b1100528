"""Converts the two layouts of co-part checkpoints, and FOMM's, to the layout of our networks.

The official code writes `segmentation_module` and `reconstruction_module`, with `shift`, `affine`
and `segmentation` heads. The published weights have FOMM's module and head names instead:
`kp_detector` with `kp`, `jacobian` and `semantic_seg`, and `generator`. A FOMM checkpoint is the
latter without `semantic_seg`, and with a dense motion network and perhaps a discriminator.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fomm_tf.copart.config import FirstOrderParams

_HEADS = {"shift.": "kp.", "affine.": "jacobian.", "segmentation.": "semantic_seg."}
_FOMM_MODULES = {"segmentation_module": "kp_detector", "reconstruction_module": "generator"}
_DENSE_MOTION = "dense_motion_network."


def our_layout(modules: Mapping[Any, Any]) -> dict[Any, Any]:
    """The modules of a checkpoint under our networks' names: `segmentation_module`,
    `reconstruction_module`, and `dense_motion_network` if there is one.

    Other entries, such as optimizers, are unchanged. Entries keep their order.
    """
    ours = dict(modules)
    for module, fomm_module in _FOMM_MODULES.items():
        if isinstance(modules.get(fomm_module), Mapping):
            ours[module] = _without_prefix(ours.pop(fomm_module))
        elif isinstance(modules.get(module), Mapping):
            ours[module] = _without_prefix(modules[module])
    segmentation, reconstruction = (ours.get(module) for module in _FOMM_MODULES)
    if isinstance(segmentation, Mapping):
        ours["segmentation_module"] = {_renamed(name): v for name, v in segmentation.items()}
    if isinstance(reconstruction, Mapping):
        dense = {
            name.removeprefix(_DENSE_MOTION): value
            for name, value in reconstruction.items()
            if _is_dense_motion(name)
        }
        ours["reconstruction_module"] = {
            name: value for name, value in reconstruction.items() if not _is_dense_motion(name)
        }
        if dense:
            ours["dense_motion_network"] = dense
    return ours


def is_fomm_layout(modules: Mapping[Any, Any]) -> bool:
    """Whether a checkpoint's modules have FOMM's names: then its optimizer states do not fit."""
    return any(name in modules for name in _FOMM_MODULES.values())


def lacks_segmentation(modules: Mapping[Any, Any]) -> bool:
    """Whether modules of `our_layout` are those of a FOMM checkpoint: keypoints but no parts."""
    entries = modules.get("segmentation_module", {})
    return "kp.weight" in entries and "semantic_seg.weight" not in entries


def dense_motion_params(entries: Mapping[str, Any]) -> FirstOrderParams | None:
    """The sizes of a FOMM dense motion network, from its weights; None if its layers are missing.

    The weights do not reveal the variance of its Gaussians: 0.01, as in all official configs.
    """
    encoder = "hourglass.encoder.down_blocks"
    shapes = {
        name: value.shape for name, value in entries.items() if len(getattr(value, "shape", ())) > 1
    }
    num_blocks = sum(name.startswith(encoder) for name in shapes)
    smallest = shapes.get(f"hourglass.decoder.up_blocks.{num_blocks - 1}.conv.weight")
    largest = shapes.get(f"{encoder}.{num_blocks - 1}.conv.weight")
    if smallest is None or largest is None:
        return None
    return FirstOrderParams(
        block_expansion=smallest[0],
        max_features=largest[0],
        num_blocks=num_blocks,
        scale_factor=_scale(shapes.get("down.weight")),
        estimate_visibility="occlusion.weight" in shapes,
    )


def _scale(kernel: tuple[int, ...] | None) -> float:
    """The scale of an anti-aliasing kernel of this shape: 5, 13, 29 taps for 1/2, 1/4, 1/8."""
    if kernel is None:
        return 1.0
    # The kernel has 2 * round(4 * sigma) + 1 taps, sigma = (1 / scale - 1) / 2.
    return 1 / round((kernel[-1] - 1) / 4 + 1)


def _is_dense_motion(name: Any) -> bool:
    return isinstance(name, str) and name.startswith(_DENSE_MOTION)


def _renamed(name: Any) -> Any:
    for theirs, ours in _HEADS.items():
        if isinstance(name, str) and name.startswith(theirs):
            return ours + name.removeprefix(theirs)
    return name


def _without_prefix(entries: Mapping[Any, Any]) -> dict[Any, Any]:
    """Strips the `module.` prefix that PyTorch's DataParallel adds to every name."""
    return {
        name.removeprefix("module.") if isinstance(name, str) else name: value
        for name, value in entries.items()
    }
