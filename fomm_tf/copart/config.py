"""The typed view of a YAML in the schema of the official co-part segmentation release."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar

from fomm_tf.config.base import BaseConfig, BaseModelParams, PerceptualTrainParams
from fomm_tf.config.schema import Range, Section
from fomm_tf.config.sections import (
    Blocks,
    Count,
    DatasetParams,
    Features,
    HourglassParams,
    LearningRate,
    Milestones,
    NetworkParams,
    PerceptualWeights,
    Positive,
    ReconstructionParams,
    Scale,
    Scales,
    TransformParams,
    VisualizerParams,
    Weight,
    pyramid_problems,
)
from fomm_tf.fomm.config import DenseMotionParams


@dataclass(frozen=True)
class PartParams(Section):
    """Parameters shared by both modules: `num_segments` parts, not counting the background."""

    num_segments: Annotated[int, Range(1, 256)]
    num_channels: Annotated[int, Range(1, 16)]
    estimate_affine_part: bool = False


@dataclass(frozen=True, kw_only=True)
class SegmentationModuleParams(HourglassParams):
    """Segmentation module; it segments images downsampled by `scale_factor`."""

    temperature: Positive


@dataclass(frozen=True, kw_only=True)
class FirstOrderParams(DenseMotionParams):
    """FOMM's dense motion network as an alternative source of motion; the official code's sizes."""

    block_expansion: Features = 64
    max_features: Features = 1024
    num_blocks: Blocks = 5
    scale_factor: Scale = 0.25
    estimate_visibility: bool = True


@dataclass(frozen=True, kw_only=True)
class ReconstructionModuleParams(NetworkParams):
    """Reconstruction module. `dense_motion_params` (ours): the model also holds FOMM's dense motion
    network, which part swap can use for alignment; converting a checkpoint that has one sets it."""

    num_down_blocks: Annotated[int, Range(0, 10)]
    num_bottleneck_blocks: Annotated[int, Range(0, 64)]
    estimate_visibility: bool = False
    dense_motion_params: FirstOrderParams | None = None

    @property
    def downsampling(self) -> int:
        """See `NetworkParams`."""
        return 1 << self.num_down_blocks


@dataclass(frozen=True)
class CoPartModelParams(BaseModelParams):
    """The architecture."""

    common_params: PartParams
    segmentation_module_params: SegmentationModuleParams
    reconstruction_module_params: ReconstructionModuleParams

    @property
    def num_channels(self) -> int:
        """See `BaseModelParams`."""
        return self.common_params.num_channels

    def networks(self) -> Mapping[str, NetworkParams]:
        """See `BaseModelParams`."""
        dense = self.reconstruction_module_params.dense_motion_params
        return {
            "segmentation_module_params": self.segmentation_module_params,
            "reconstruction_module_params": self.reconstruction_module_params,
            **({"reconstruction_module_params.dense_motion_params": dense} if dense else {}),
        }


@dataclass(frozen=True)
class CoPartLossWeights(Section):
    """Loss weights; `equivariance` applies to shifts and affine transforms. `pixel`: see
    `fomm.config.LossWeights`."""

    equivariance: Weight
    perceptual: PerceptualWeights
    pixel: Weight = 0.0


@dataclass(frozen=True)
class CoPartTrainParams(PerceptualTrainParams):
    """Training. The official files and the official code name the learning rates differently; the
    code's names apply. `epoch_milestones` is ours, as in FOMM's configs."""

    LEGACY: ClassVar[dict[str, str | None]] = {
        "lr_segmentation": "lr_segmentation_module",
        "lr_reconstruction": "lr_reconstruction_module",
        "num_workers": None,
    }

    num_epochs: Count
    num_repeats: Count
    lr_segmentation_module: LearningRate
    lr_reconstruction_module: LearningRate
    batch_size: Annotated[int, Range(1, 4096)]
    scales: Scales
    checkpoint_freq: Count
    transform_params: TransformParams
    loss_weights: CoPartLossWeights
    epoch_milestones: Milestones = ()

    @property
    def checkpoint_epochs(self) -> int:
        """See `BaseTrainParams`."""
        return self.checkpoint_freq


@dataclass(frozen=True)
class CoPartConfig(BaseConfig):
    """A whole configuration file. `reconstruction_params` is ours, as in FOMM's configs."""

    KIND = "co-part segmentation model"

    dataset_params: DatasetParams
    model_params: CoPartModelParams
    train_params: CoPartTrainParams
    visualizer_params: VisualizerParams
    reconstruction_params: ReconstructionParams = ReconstructionParams(None, ".mp4")

    def training_problems(self) -> Iterator[str]:
        """Scales too small for VGG, and a network that would not be trained."""
        yield from pyramid_problems(self.dataset_params.frame_shape, self.train_params)
        if self.model_params.reconstruction_module_params.dense_motion_params is not None:
            yield (
                "model_params.reconstruction_module_params.dense_motion_params: a dense motion "
                "network cannot be trained with parts; remove it"
            )
