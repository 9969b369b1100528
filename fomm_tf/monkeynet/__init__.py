"""Monkey-Net (arXiv 1812.08861): keypoints with a variance, and no Jacobians."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fomm_tf.kind import Kind

if TYPE_CHECKING:
    from fomm_tf.monkeynet.config import MonkeyNetConfig
    from fomm_tf.monkeynet.exported import ExportedMonkeyNet
    from fomm_tf.monkeynet.model import MonkeyNetModel
    from fomm_tf.monkeynet.step import MonkeyNetTrainingStep


class MonkeyNet(Kind):
    """See `Kind`."""

    def recognises(self, data: dict[str, Any]) -> bool:
        """The file names this kind, or has this generator's keys."""
        model = data.get("model_params")
        generator = model.get("generator_params") if isinstance(model, dict) else None
        return data.get("model") == "monkey-net" or (
            isinstance(generator, dict) and "num_refinement_blocks" in generator
        )

    def config(self) -> type[MonkeyNetConfig]:
        from fomm_tf.monkeynet.config import MonkeyNetConfig

        return MonkeyNetConfig

    def model(self) -> type[MonkeyNetModel]:
        from fomm_tf.monkeynet.model import MonkeyNetModel

        return MonkeyNetModel

    def exported(self) -> type[ExportedMonkeyNet]:
        from fomm_tf.monkeynet.exported import ExportedMonkeyNet

        return ExportedMonkeyNet

    def step(self) -> type[MonkeyNetTrainingStep]:
        from fomm_tf.monkeynet.step import MonkeyNetTrainingStep

        return MonkeyNetTrainingStep
