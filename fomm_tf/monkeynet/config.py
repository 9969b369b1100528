"""The typed view of a YAML in the official Monkey-Net schema: the only place that knows its keys.

Groups of keys are those of the official code, with its defaults; `problems` of a group reports keys
that are inconsistent together.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Literal

from fomm_tf.config import sections
from fomm_tf.config.base import BaseConfig, BaseModelParams, BaseTrainParams, PairAnimation
from fomm_tf.config.schema import Range, Section
from fomm_tf.config.sections import (
    Blocks,
    Count,
    Features,
    HourglassParams,
    LearningRate,
    Milestones,
    NetworkParams,
    Positive,
    ReconstructionParams,
    Scale,
    Side,
    VideoSuffix,
    VisualizerParams,
    Weight,
)
from fomm_tf.monkeynet.prediction_params import PredictionParams


@dataclass(frozen=True)
class DatasetParams(sections.DatasetParams):
    """The dataset; `frame_shape` is (height, width, channels) of every frame."""

    LEGACY: ClassVar[dict[str, str | None]] = {"image_shape": "frame_shape"}

    frame_shape: tuple[Side, Side, Side] = (64, 64, 3)


@dataclass(frozen=True)
class CommonParams(Section):
    """Parameters shared by all networks. `kp_variance`: "matrix" or "single" if the detector
    estimates it, or a constant."""

    num_kp: Annotated[int, Range(1, 256)]
    kp_variance: Literal["matrix", "single"] | Positive
    num_channels: Annotated[int, Range(1, 16)]

    @property
    def variance_side(self) -> int | None:
        """An estimated variance is [..., side, side]; None for a constant."""
        if self.kp_variance == "matrix":
            return 2
        return 1 if self.kp_variance == "single" else None


@dataclass(frozen=True, kw_only=True)
class KPDetectorParams(HourglassParams):
    """Keypoint detector; `clip_variance`: smallest eigenvalue of a matrix variance."""

    temperature: Positive
    clip_variance: Positive | None = None


@dataclass(frozen=True)
class EmbeddingParams(Section):
    """Components of a `MovementEmbedding`. `norm_const`: divisor of heatmaps."""

    use_deformed_source_image: bool = False
    use_difference: bool = False
    use_heatmap: bool = True
    heatmap_type: Literal["gaussian", "difference"] = "gaussian"
    norm_const: Literal["sum"] | Positive = "sum"
    scale_factor: Scale = 1.0

    def problems(self) -> Iterator[str]:
        """An empty embedding."""
        if not (self.use_heatmap or self.use_difference or self.use_deformed_source_image):
            yield "use_heatmap: this embedding is empty without it; set it"


def _own_scale(path: str, params: EmbeddingParams | None) -> Iterator[str]:
    """An embedding whose size is determined by another network."""
    if params and params.scale_factor != 1:
        yield (
            f"{path}.scale_factor: must be 1 here; the network that the embedding is for has its "
            "own"
        )


@dataclass(frozen=True, kw_only=True)
class DenseMotionParams(HourglassParams):
    """Dense motion module; `bg_init` is the initial bias of the background's mask."""

    mask_embedding_params: EmbeddingParams
    use_correction: bool
    use_mask: bool
    bg_init: Annotated[float, Range(-100, 100)] = 2.0
    num_group_blocks: Annotated[int, Range(0, 64)] = 0

    def problems(self) -> Iterator[str]:
        """A module without motion, or an embedding with its own scale."""
        yield from super().problems()
        if not (self.use_mask or self.use_correction):
            yield (
                "use_mask: without it and use_correction there is no motion; remove "
                "dense_motion_params"
            )
        yield from _own_scale("mask_embedding_params", self.mask_embedding_params)


@dataclass(frozen=True, kw_only=True)
class GeneratorParams(NetworkParams):
    """Generator; without `dense_motion_params` nothing moves, without `kp_embedding_params` the
    decoder has no keypoint input. `interpolation_mode`: how both are resized to a level's size."""

    num_blocks: Blocks
    num_refinement_blocks: Annotated[int, Range(0, 64)]
    dense_motion_params: DenseMotionParams | None = None
    kp_embedding_params: EmbeddingParams | None = None
    interpolation_mode: Literal["nearest", "trilinear"] = "nearest"

    @property
    def downsampling(self) -> int:
        """See `NetworkParams`."""
        return 1 << self.num_blocks


@dataclass(frozen=True)
class DiscriminatorParams(Section):
    """Discriminator; keypoints are an input if `kp_embedding_params` is given."""

    block_expansion: Features = 64
    max_features: Features = 512
    num_blocks: Blocks = 4
    scale_factor: Scale = 1.0
    kp_embedding_params: EmbeddingParams | None = None

    def problems(self) -> Iterator[str]:
        """An embedding with its own scale."""
        yield from _own_scale("kp_embedding_params", self.kp_embedding_params)


@dataclass(frozen=True)
class ModelParams(BaseModelParams):
    """The architecture."""

    common_params: CommonParams
    kp_detector_params: KPDetectorParams
    generator_params: GeneratorParams
    discriminator_params: DiscriminatorParams

    @property
    def num_channels(self) -> int:
        """See `BaseModelParams`."""
        return self.common_params.num_channels

    def networks(self) -> Mapping[str, NetworkParams]:
        """See `BaseModelParams`."""
        dense = self.generator_params.dense_motion_params
        return {
            "kp_detector_params": self.kp_detector_params,
            "generator_params": self.generator_params,
            **({"generator_params.dense_motion_params": dense} if dense else {}),
        }


@dataclass(frozen=True)
class LossWeights(Section):
    """Loss weights; `reconstruction`: one for the frame and one per discriminator block, or 0 for
    none."""

    reconstruction: Annotated[float, Range(0, 0)] | tuple[Weight, ...]
    reconstruction_deformed: Weight
    generator_gan: Weight
    discriminator_gan: Weight

    @property
    def layers(self) -> tuple[float, ...]:
        """`reconstruction` as a list."""
        return self.reconstruction if isinstance(self.reconstruction, tuple) else ()


@dataclass(frozen=True)
class LogParams(Section):
    """Intervals of reports (steps) and kept checkpoints (epochs)."""

    log_freq_iter: Count = 100
    cpk_freq_epoch: Count = 100


@dataclass(frozen=True)
class TrainParams(BaseTrainParams):
    """Training. `detach_kp_generator`: no gradient from the generator to the keypoints;
    `detach_kp_discriminator`: none from the discriminator's own loss. `num_repeats` (ours, as in
    FOMM's configs): passes over the dataset per epoch."""

    detach_kp_generator: bool
    detach_kp_discriminator: bool
    num_epochs: Count
    epoch_milestones: Milestones
    lr: LearningRate
    batch_size: Annotated[int, Range(1, 4096)]
    loss_weights: LossWeights
    log_params: LogParams = field(default=LogParams())
    num_repeats: Count = 1

    @property
    def checkpoint_epochs(self) -> int:
        """See `BaseTrainParams`."""
        return self.log_params.cpk_freq_epoch

    def learning_rate(self, network: str) -> float:
        """One learning rate for all networks; FOMM's schema has one for each."""
        return self.lr


@dataclass(frozen=True)
class NormalizationParams(Section):
    """Motion transfer; see `monkeynet.motion`."""

    move_location: bool = False
    movement_mult: bool = False
    adapt_variance: bool = False
    clip_mean: bool = False


@dataclass(frozen=True)
class TransferParams(Section):
    """Animation of pairs of videos."""

    num_pairs: Count
    format: VideoSuffix
    normalization_params: NormalizationParams


@dataclass(frozen=True)
class MonkeyNetConfig(BaseConfig):
    """A whole configuration file. `model` (ours) may name the kind of model."""

    KIND = "Monkey-Net"

    dataset_params: DatasetParams
    model_params: ModelParams
    train_params: TrainParams
    reconstruction_params: ReconstructionParams
    transfer_params: TransferParams
    prediction_params: PredictionParams
    visualizer_params: VisualizerParams
    model: Literal["monkey-net"] = "monkey-net"

    def problems(self) -> Iterator[str]:
        """Inconsistencies between the architecture and the rest.

        A mismatch between the channels of frames and networks is an error for training only.
        """
        yield from self._size_problems()
        model, weights = self.model_params, self.train_params.loss_weights.layers
        blocks = model.discriminator_params.num_blocks
        if weights and len(weights) < blocks + 1:
            yield (
                f"train_params.loss_weights.reconstruction: needs {blocks + 1} weights, one for "
                f"the frame and one per block of the discriminator, has {len(weights)}"
            )
        if self.transfer_params.normalization_params.adapt_variance:
            if model.common_params.kp_variance == "single":
                yield (
                    "transfer_params.normalization_params.adapt_variance: needs "
                    "model_params.common_params.kp_variance 'matrix'"
                )

    def training_problems(self) -> Iterator[str]:
        """Frames with the wrong number of channels or too small for the discriminator, and losses
        that are all 0."""
        yield from self._channel_problems()
        height, width, _ = self.dataset_params.frame_shape
        discriminator = self.model_params.discriminator_params
        left = int(min(height, width) * discriminator.scale_factor)
        for _ in range(discriminator.num_blocks):
            left = (left - 3) // 2
        if left < 1:
            yield (
                f"model_params.discriminator_params.num_blocks: {discriminator.num_blocks} blocks "
                f"are too many for frames of {height}x{width}"
            )
        weights = self.train_params.loss_weights
        if not (any(weights.layers) or weights.reconstruction_deformed or weights.generator_gan):
            yield "train_params.loss_weights: all of them are 0; nothing is left to learn"

    @property
    def pair_animation(self) -> PairAnimation:
        """`transfer_params`; their variance options apply to every animation."""
        params = self.transfer_params
        motion = params.normalization_params
        return PairAnimation(
            params.num_pairs,
            params.format,
            {"relative": motion.move_location, "adapt_scale": motion.movement_mult},
        )
