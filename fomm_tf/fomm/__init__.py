"""The First Order Motion Model (arXiv 2003.00196): keypoints with local affine transforms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fomm_tf.kind import Kind

if TYPE_CHECKING:
    from fomm_tf.fomm.config import FOMMConfig
    from fomm_tf.fomm.distillation import FOMMDistillationStep
    from fomm_tf.fomm.exported import ExportedFOMM
    from fomm_tf.fomm.model import FirstOrderMotionModel
    from fomm_tf.fomm.step import FOMMTrainingStep


class FOMM(Kind):
    """See `Kind`."""

    def recognises(self, data: dict[str, Any]) -> bool:
        model = data.get("model_params")
        return isinstance(model, dict) and "kp_detector_params" in model

    def config(self) -> type[FOMMConfig]:
        from fomm_tf.fomm.config import FOMMConfig

        return FOMMConfig

    def model(self) -> type[FirstOrderMotionModel]:
        from fomm_tf.fomm.model import FirstOrderMotionModel

        return FirstOrderMotionModel

    def exported(self) -> type[ExportedFOMM]:
        from fomm_tf.fomm.exported import ExportedFOMM

        return ExportedFOMM

    def step(self) -> type[FOMMTrainingStep]:
        from fomm_tf.fomm.step import FOMMTrainingStep

        return FOMMTrainingStep

    def distillation(self) -> type[FOMMDistillationStep]:
        from fomm_tf.fomm.distillation import FOMMDistillationStep

        return FOMMDistillationStep
