"""The typed view of a toy's YAML."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from fomm_tf.config.base import BaseConfig, BaseModelParams, BaseTrainParams
from fomm_tf.config.schema import Range
from fomm_tf.config.sections import (
    Count,
    DatasetParams,
    Features,
    HourglassParams,
    LearningRate,
    Milestones,
    NetworkParams,
    ReconstructionParams,
    VisualizerParams,
)


@dataclass(frozen=True)
class ToyModelParams(BaseModelParams):
    """The architecture."""

    num_kp: Annotated[int, Range(1, 256)]
    detector_params: HourglassParams
    features: Features
    num_channels: Annotated[int, Range(1, 16)]

    def networks(self) -> Mapping[str, NetworkParams]:
        """See `BaseModelParams`: encoder and painter need no more than the detector does."""
        return {"detector_params": self.detector_params}


@dataclass(frozen=True)
class ToyTrainParams(BaseTrainParams):
    """Training."""

    num_epochs: Count
    num_repeats: Count
    batch_size: Annotated[int, Range(1, 4096)]
    lr: LearningRate
    epoch_milestones: Milestones = ()

    @property
    def checkpoint_epochs(self) -> int:
        """See `BaseTrainParams`."""
        return 1000

    def learning_rate(self, network: str) -> float:
        """One for all networks."""
        return self.lr


@dataclass(frozen=True)
class ToyConfig(BaseConfig):
    """A whole configuration file."""

    KIND = "toy model"

    model: Literal["toy"]
    dataset_params: DatasetParams
    model_params: ToyModelParams
    train_params: ToyTrainParams
    reconstruction_params: ReconstructionParams = ReconstructionParams(None, ".mp4")
    visualizer_params: VisualizerParams = VisualizerParams()

    def training_problems(self) -> Iterator[str]:
        """Nothing to learn."""
        if not self.train_params.lr:
            yield "train_params.lr: is 0; nothing is learned"
