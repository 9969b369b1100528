"""Motion-supervised co-part segmentation (arXiv 2004.03234), and part swap.

FOMM's detector with an additional head segments an image into parts that move together; a frame is
reconstructed from another one by moving each part as a whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fomm_tf.kind import Kind

if TYPE_CHECKING:
    from fomm_tf.copart.config import CoPartConfig
    from fomm_tf.copart.exported import ExportedSegmentation
    from fomm_tf.copart.model import CoPartModel
    from fomm_tf.copart.step import CoPartTrainingStep


class CoPart(Kind):
    """See `Kind`."""

    def recognises(self, data: dict[str, Any]) -> bool:
        """The file has this segmentation module's keys."""
        model = data.get("model_params")
        return isinstance(model, dict) and "segmentation_module_params" in model

    def config(self) -> type[CoPartConfig]:
        from fomm_tf.copart.config import CoPartConfig

        return CoPartConfig

    def model(self) -> type[CoPartModel]:
        from fomm_tf.copart.model import CoPartModel

        return CoPartModel

    def exported(self) -> type[ExportedSegmentation]:
        from fomm_tf.copart.exported import ExportedSegmentation

        return ExportedSegmentation

    def step(self) -> type[CoPartTrainingStep]:
        from fomm_tf.copart.step import CoPartTrainingStep

        return CoPartTrainingStep
