"""Monkey-Net as exported graphs: signatures and motion transfer."""

from __future__ import annotations

from fomm_tf.inference.exported import ExportedModel, Output
from fomm_tf.inference.manifest import Signature, Tensor, animating_signatures, picture_of
from fomm_tf.monkeynet.config import MonkeyNetConfig
from fomm_tf.monkeynet.motion import MonkeyNetMotion


class ExportedMonkeyNet(MonkeyNetMotion, ExportedModel):
    """`detect` returns `GaussianKeypoints`: value [1, K, 2], and variance [1, K, 2, 2],
    [1, K, 1, 1] or None."""

    OUTPUTS = {
        "value": Output("keypoints"),
        # Their rounding error grows with the image size, and shows in the frames.
        "variance": Output("variances", is_judged=False),
    }

    config: MonkeyNetConfig

    @staticmethod
    def signatures(config: MonkeyNetConfig) -> dict[str, tuple[Signature, ...]]:
        """See `ExportedModel`."""
        params = config.model_params
        common, generator = params.common_params, params.generator_params
        picture = picture_of(config)
        _, height, width, channels = picture.shape
        detected: tuple[Tensor, ...] = (Tensor("value", (1, common.num_kp, 2)),)
        if common.variance_side:
            side = common.variance_side
            detected += (Tensor("variance", (1, common.num_kp, side, side)),)
        encoded = []
        for level in range(generator.num_blocks + 1):
            last = level == generator.num_blocks
            depth = min(generator.max_features, generator.block_expansion << level)
            shape = (1, height >> level, width >> level, depth if level else channels)
            encoded.append(Tensor("features" if last else f"skip_{level}", shape))
        return animating_signatures(picture, detected, tuple(encoded), detected)
