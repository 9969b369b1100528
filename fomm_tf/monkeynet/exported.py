"""Monkey-Net as exported graphs: what goes through them, and how motion does."""

from __future__ import annotations

from fomm_tf.manifest import Signature, Tensor, animating_signatures, picture_of
from fomm_tf.monkeynet.config import MonkeyNetConfig
from fomm_tf.monkeynet.keypoints import GaussianKeypoints
from fomm_tf.monkeynet.motion_transfer import transfer_as_configured
from fomm_tf.runtime import ExportedModel


class ExportedMonkeyNet(ExportedModel):
    """`detect` gives `GaussianKeypoints`: value [1, K, 2], and variance [1, K, 2, 2], [1, K, 1, 1]
    or None."""

    DETECTED = GaussianKeypoints

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

    def transfer(
        self,
        kp_source: GaussianKeypoints,
        kp_driving: GaussianKeypoints,
        kp_initial: GaussianKeypoints,
        relative: bool = True,
        relative_jacobian: bool = True,
        adapt_scale: bool = False,
    ) -> GaussianKeypoints:
        """See `transfer_as_configured`; there are no Jacobians."""
        return transfer_as_configured(
            self.config.transfer_params, kp_source, kp_driving, kp_initial, relative, adapt_scale
        )
