"""The typed view of a YAML in the schema of the official co-part segmentation release."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from fomm_tf.config import (
    BaseConfig,
    Blocks,
    Count,
    DatasetParams,
    DenseMotionParams,
    Features,
    LearningRate,
    Milestones,
    Positive,
    ReconstructionParams,
    Scale,
    Scales,
    TransformParams,
    VGGWeights,
    VisualizerParams,
    Weight,
)
from fomm_tf.config_checks import (
    augmentation_contradictions,
    channel_contradictions,
    loss_contradictions,
    pyramid_contradictions,
    size_contradictions,
)
from fomm_tf.yaml_schema import Range, Section


@dataclass(frozen=True)
class PartParams(Section):
    """What both modules share: `num_segments` parts, the background not counted."""

    num_segments: Annotated[int, Range(1, 256)]
    num_channels: Annotated[int, Range(1, 16)]
    estimate_affine_part: bool = False


@dataclass(frozen=True)
class SegmentationModuleParams(Section):
    """Segmentation module; parts are found in pictures of `scale_factor` of the size."""

    temperature: Positive
    block_expansion: Features
    max_features: Features
    num_blocks: Blocks
    scale_factor: Scale = 1.0


@dataclass(frozen=True)
class FirstOrderParams(DenseMotionParams):
    """FOMM's dense motion network as another source of motion; the official code's sizes."""

    block_expansion: Features = 64
    max_features: Features = 1024
    num_blocks: Blocks = 5
    scale_factor: Scale = 0.25
    estimate_visibility: bool = True


@dataclass(frozen=True)
class ReconstructionModuleParams(Section):
    """Reconstruction module. `dense_motion_params` (ours): the model also keeps FOMM's dense motion
    network, which part swap can align by; converting a checkpoint that holds one sets it."""

    block_expansion: Features
    max_features: Features
    num_down_blocks: Annotated[int, Range(0, 10)]
    num_bottleneck_blocks: Annotated[int, Range(0, 64)]
    estimate_visibility: bool = False
    dense_motion_params: FirstOrderParams | None = None


@dataclass(frozen=True)
class CoPartModelParams(Section):
    """The architecture."""

    common_params: PartParams
    segmentation_module_params: SegmentationModuleParams
    reconstruction_module_params: ReconstructionModuleParams


@dataclass(frozen=True)
class CoPartLossWeights(Section):
    """Weights of the losses; `equivariance` weighs shifts and affine maps alike. `pixel`: see
    `config.LossWeights`."""

    equivariance: Weight
    perceptual: tuple[Weight, ...]
    pixel: Weight = 0.0


@dataclass(frozen=True)
class CoPartTrainParams(Section):
    """Training. The official files name the learning rates otherwise than the official code, which
    is right here. `epoch_milestones` and `vgg_weights` are ours, as in FOMM's configs."""

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
    vgg_weights: VGGWeights = "imagenet"


@dataclass(frozen=True)
class CoPartConfig(BaseConfig):
    """A whole configuration file. `reconstruction_params` is ours, as in FOMM's configs."""

    dataset_params: DatasetParams
    model_params: CoPartModelParams
    train_params: CoPartTrainParams
    visualizer_params: VisualizerParams
    reconstruction_params: ReconstructionParams = ReconstructionParams(None, ".mp4")

    def contradictions(self) -> Iterator[str]:
        """What is wrong between keys that are each fine."""
        yield from channel_contradictions(self)
        yield from size_contradictions(self)
        yield from loss_contradictions(self.train_params)
        yield from augmentation_contradictions(self.dataset_params)

    def training_contradictions(self) -> Iterator[str]:
        """What only training cannot do: pyramids too small for VGG, and a network that it would
        leave behind."""
        yield from pyramid_contradictions(self)
        if self.model_params.reconstruction_module_params.dense_motion_params is not None:
            yield (
                "model_params.reconstruction_module_params.dense_motion_params: a dense motion "
                "network cannot be trained with parts; remove it"
            )


def is_copart(data: Any) -> bool:
    """Whether loaded YAML is of this model: its schema is known by the segmentation module."""
    model = data.get("model_params") if isinstance(data, dict) else None
    return isinstance(model, dict) and "segmentation_module_params" in model
