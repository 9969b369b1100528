"""The Thin-Plate-Spline Motion Model (arXiv 2203.14367): five keypoints each bend the plane."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fomm_tf.kind import Kind

if TYPE_CHECKING:
    from fomm_tf.tpsmm.config import TPSMMConfig
    from fomm_tf.tpsmm.exported import ExportedTPSMM
    from fomm_tf.tpsmm.model import TPSMotionModel
    from fomm_tf.tpsmm.step import TPSMMTrainingStep


class TPSMM(Kind):
    """See `Kind`."""

    def recognises(self, data: dict[str, Any]) -> bool:
        model = data.get("model_params")
        common = model.get("common_params") if isinstance(model, dict) else None
        return isinstance(common, dict) and "num_tps" in common

    def config(self) -> type[TPSMMConfig]:
        from fomm_tf.tpsmm.config import TPSMMConfig

        return TPSMMConfig

    def model(self) -> type[TPSMotionModel]:
        from fomm_tf.tpsmm.model import TPSMotionModel

        return TPSMotionModel

    def exported(self) -> type[ExportedTPSMM]:
        from fomm_tf.tpsmm.exported import ExportedTPSMM

        return ExportedTPSMM

    def step(self) -> type[TPSMMTrainingStep]:
        from fomm_tf.tpsmm.step import TPSMMTrainingStep

        return TPSMMTrainingStep
