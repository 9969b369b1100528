"""A kind of model with three networks, as small as it can be: what docs/adding-a-model.md builds.

A detector finds keypoints, an encoder makes features of the source, a painter makes the frame of
the features and of where the keypoints have gone. Nothing is warped: it is not meant to be good.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fomm_tf.kind import Kind

if TYPE_CHECKING:
    from toy_kind.config import ToyConfig
    from toy_kind.exported import ExportedToy
    from toy_kind.model import ToyModel
    from toy_kind.step import ToyTrainingStep


class Toy(Kind):
    """See `Kind`."""

    def recognises(self, data: dict[str, Any]) -> bool:
        return data.get("model") == "toy"

    def config(self) -> type[ToyConfig]:
        from toy_kind.config import ToyConfig

        return ToyConfig

    def model(self) -> type[ToyModel]:
        from toy_kind.model import ToyModel

        return ToyModel

    def exported(self) -> type[ExportedToy]:
        from toy_kind.exported import ExportedToy

        return ExportedToy

    def step(self) -> type[ToyTrainingStep]:
        from toy_kind.step import ToyTrainingStep

        return ToyTrainingStep
