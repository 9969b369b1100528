"""Visualization for training and evaluation: one row per example, one column per model output.

Columns (those of the official Visualizer): source and driving frame with their keypoints, the
deformed source, the prediction, the occlusion map, for the background and each keypoint the source
warped by it and its mask, and finally all masks combined.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from fomm_tf.config.sections import VisualizerParams
from fomm_tf.keypoints import Keypoints
from fomm_tf.media.colormaps import colors
from fomm_tf.media.drawing import draw_keypoints, in_columns


def visualize(
    out: Mapping[str, np.ndarray],
    source: np.ndarray,
    driving: np.ndarray,
    kp_source: Any,
    kp_driving: Any,
    params: VisualizerParams,
    transformed: np.ndarray | None = None,
    kp_transformed: Keypoints | None = None,
) -> np.ndarray:
    """One image, uint8 [B * H, columns * W, 3], of a batch and the generator's outputs for it.

    out: the generator's dict: `prediction` and any of `deformed`, `occlusion_map`, `mask` and
    `sparse_deformed`; columns without data are left out. source, driving, transformed: float
    [B, H, W, C] in [0, 1]; the transformed frame of the equivariance loss comes second, with its
    keypoints. Maps of another resolution are upsampled by nearest neighbour. Only `value` of the
    keypoints is used, for any kind of model.
    """
    height, width = source.shape[1:3]

    def with_keypoints(images: np.ndarray, kp: Keypoints) -> np.ndarray:
        drawn = zip(images, kp.value, strict=True)
        return np.stack([draw_keypoints(*pair, params.kp_size, params.colormap) for pair in drawn])

    columns = [with_keypoints(source, kp_source)]
    if transformed is not None and kp_transformed is not None:
        columns.append(with_keypoints(transformed, kp_transformed))
    columns.append(with_keypoints(driving, kp_driving))
    columns += [out[name] for name in ("deformed", "prediction", "occlusion_map") if name in out]
    columns += _motion_columns(out, params.colormap)
    return in_columns(columns, height, width, params.draw_border)


def _motion_columns(out: Mapping[str, np.ndarray], colormap: str) -> list[np.ndarray]:
    """The warped source and the mask of the background and of each keypoint, then all masks."""
    sparse, mask = out.get("sparse_deformed"), out.get("mask")
    if mask is None:
        return []
    num_kp = mask.shape[-1] - 1
    tinted = mask[..., None] * np.concatenate([np.ones((1, 3)), colors(colormap, num_kp)])
    columns = []
    for index in range(num_kp + 1):
        if sparse is not None:
            columns.append(sparse[:, index])
        columns.append(tinted[..., index, :])
    # The background stays black here, so that the keypoints' colours stand out.
    return [*columns, tinted[..., 1:, :].sum(axis=-2)]
