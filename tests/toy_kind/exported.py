"""A toy as exported graphs."""

from __future__ import annotations

from fomm_tf.inference.exported import ExportedModel, Output
from fomm_tf.inference.manifest import Signature, Tensor, animating_signatures, picture_of
from toy_kind.config import ToyConfig
from toy_kind.motion import ToyMotion


class ExportedToy(ToyMotion, ExportedModel):
    """`detect` gives `Keypoints`: value [1, K, 2]."""

    OUTPUTS = {"value": Output("keypoints")}

    config: ToyConfig

    @staticmethod
    def signatures(config: ToyConfig) -> dict[str, tuple[Signature, ...]]:
        """See `ExportedModel`."""
        params, picture = config.model_params, picture_of(config)
        _, height, width, _ = picture.shape
        detected = (Tensor("value", (1, params.num_kp, 2)),)
        encoded = (Tensor("features", (1, height // 2, width // 2, params.features)),)
        return animating_signatures(picture, detected, encoded, detected)
