"""The First Order Motion Model as exported graphs: signatures and motion transfer."""

from __future__ import annotations

from fomm_tf.fomm.config import FOMMConfig
from fomm_tf.fomm.motion import FOMMMotion
from fomm_tf.inference.exported import ExportedModel, Output
from fomm_tf.inference.manifest import Signature, Tensor, animating_signatures, picture_of


class ExportedFOMM(FOMMMotion, ExportedModel):
    """`detect` returns `Keypoints`: value [1, K, 2], jacobian [1, K, 2, 2] or None."""

    OUTPUTS = {
        "value": Output("keypoints"),
        # Their rounding error grows with the image size, and shows in the frames.
        "jacobian": Output("jacobians", is_judged=False),
    }

    config: FOMMConfig

    @staticmethod
    def signatures(config: FOMMConfig) -> dict[str, tuple[Signature, ...]]:
        """See `ExportedModel`."""
        params = config.model_params
        common, generator = params.common_params, params.generator_params
        dense = generator.dense_motion_params
        picture = picture_of(config)
        _, height, width, channels = picture.shape
        detected: tuple[Tensor, ...] = (Tensor("value", (1, common.num_kp, 2)),)
        if common.estimate_jacobian:
            detected += (Tensor("jacobian", (1, common.num_kp, 2, 2)),)

        def features(name: str, halvings: int) -> Tensor:
            depth = min(generator.max_features, generator.block_expansion << halvings)
            return Tensor(name, (1, height >> halvings, width >> halvings, depth))

        encoded = [features("features", generator.num_down_blocks)]
        if params.architecture == "mobile":
            encoded.append(features("detail", generator.num_down_blocks - 1))
        if dense is not None:
            stride = round(1 / dense.scale_factor)
            encoded.append(Tensor("source", (1, height // stride, width // stride, channels)))
        if generator.blend_source:
            encoded.append(picture)
        return animating_signatures(picture, detected, tuple(encoded), detected if dense else ())
