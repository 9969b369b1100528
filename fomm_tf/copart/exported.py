"""The segmentation module as an exported graph. The reconstruction module is not exported."""

from __future__ import annotations

from fomm_tf.copart.config import CoPartConfig
from fomm_tf.copart.motion import CoPartMotion
from fomm_tf.inference.exported import ExportedModel, Output
from fomm_tf.inference.manifest import Signature, Tensor, picture_of

SEGMENTATION = "segmentation.tflite"


class ExportedSegmentation(CoPartMotion, ExportedModel):
    """`detect` returns `Segments`: segmentation [1, h, w, 1 + N], shift [1, N, 2], affine
    [1, N, 2, 2] or None. `encode` and `decode` raise ModelError."""

    FILES = (SEGMENTATION,)
    OUTPUTS = {
        "segmentation": Output("segmentation", is_picture=True),
        "shift": Output("keypoints"),
        "affine": Output("jacobians", is_judged=False),
    }

    config: CoPartConfig

    @staticmethod
    def signatures(config: CoPartConfig) -> dict[str, tuple[Signature, ...]]:
        """See `ExportedModel`."""
        params = config.model_params
        common, module = params.common_params, params.segmentation_module_params
        picture = picture_of(config)
        _, height, width, _ = picture.shape
        stride, parts = round(1 / module.scale_factor), common.num_segments
        detected: tuple[Tensor, ...] = (
            Tensor("segmentation", (1, height // stride, width // stride, 1 + parts)),
            Tensor("shift", (1, parts, 2)),
        )
        if common.estimate_affine_part:
            detected += (Tensor("affine", (1, parts, 2, 2)),)
        return {SEGMENTATION: (Signature("detect", (picture,), detected),)}
