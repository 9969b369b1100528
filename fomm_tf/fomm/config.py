"""The typed view of a YAML in the official FOMM schema: the only place that knows its keys.

Groups of keys are those of the official code, with its defaults; `problems` of a group reports keys
that are inconsistent together.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from fomm_tf.config.base import BaseConfig, BaseModelParams, PairAnimation, PerceptualTrainParams
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
    Scales,
    TransformParams,
    VideoSuffix,
    VisualizerParams,
    Weight,
    pyramid_problems,
)


@dataclass(frozen=True)
class CommonParams(Section):
    """Parameters shared by all networks."""

    num_kp: Annotated[int, Range(1, 256)]
    num_channels: Annotated[int, Range(1, 16)]
    estimate_jacobian: bool = False


@dataclass(frozen=True, kw_only=True)
class KPDetectorParams(HourglassParams):
    """Keypoint detector; `pad` is the padding of its 7x7 head."""

    temperature: Positive
    single_jacobian_map: bool = False
    pad: Annotated[int, Range(0, 64)] = 0


@dataclass(frozen=True, kw_only=True)
class DenseMotionParams(HourglassParams):
    """Dense motion network; `kp_variance` is the variance of the keypoint heatmaps' Gaussians."""

    kp_variance: Positive = 0.01


@dataclass(frozen=True, kw_only=True)
class GeneratorParams(NetworkParams):
    """Generator; without `dense_motion_params` it neither warps nor uses keypoints.

    `blend_source` (ours, off by default): where the occlusion map marks the source as visible, the
    prediction is the warped source itself; only the rest is decoded. Small generators become sharp
    much sooner.
    """

    num_down_blocks: Annotated[int, Range(0, 10)]
    num_bottleneck_blocks: Annotated[int, Range(0, 64)]
    estimate_occlusion_map: bool = False
    dense_motion_params: DenseMotionParams | None = None
    blend_source: bool = False

    @property
    def downsampling(self) -> int:
        """See `NetworkParams`."""
        return 1 << self.num_down_blocks

    def problems(self) -> Iterator[str]:
        """Options whose prerequisite is missing."""
        yield from super().problems()
        if self.estimate_occlusion_map and not self.dense_motion_params:
            yield (
                "estimate_occlusion_map: needs dense_motion_params, the network that estimates it"
            )
        if self.blend_source and not self.estimate_occlusion_map:
            yield "blend_source: needs estimate_occlusion_map as the blending mask"


@dataclass(frozen=True)
class DiscriminatorParams(Section):
    """One discriminator per scale; `sn` = spectral norm, `use_kp` = keypoint heatmaps as input."""

    scales: Scales
    block_expansion: Features = 64
    max_features: Features = 512
    num_blocks: Blocks = 4
    sn: bool = False
    use_kp: bool = False
    kp_variance: Positive = 0.01


@dataclass(frozen=True)
class ModelParams(BaseModelParams):
    """The architecture. A model trained without GAN loss needs no discriminator.

    `architecture` (ours): "mobile" for the depthwise-separable networks of `fomm_tf.fomm.mobile`,
    with the same keys.
    """

    common_params: CommonParams
    kp_detector_params: KPDetectorParams
    generator_params: GeneratorParams
    discriminator_params: DiscriminatorParams | None = None
    architecture: Literal["official", "mobile"] = "official"

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

    def problems(self) -> Iterator[str]:
        """`single_jacobian_map` without estimated Jacobians; what `mobile` cannot do."""
        if self.architecture == "mobile":
            yield from self._mobile_problems()
        if self.kp_detector_params.single_jacobian_map and not self.common_params.estimate_jacobian:
            yield (
                "kp_detector_params.single_jacobian_map: needs "
                "model_params.common_params.estimate_jacobian"
            )

    def _mobile_problems(self) -> Iterator[str]:
        generator, dense = self.generator_params, self.generator_params.dense_motion_params
        if self.kp_detector_params.pad:
            yield "kp_detector_params.pad: must be 0 in architecture mobile, whose heads are 1x1"
        if generator.num_down_blocks < 2:
            yield "generator_params.num_down_blocks: must be at least 2 in architecture mobile"
        if dense is None or not generator.estimate_occlusion_map:
            yield (
                "generator_params: architecture mobile needs dense_motion_params and "
                "estimate_occlusion_map"
            )
        elif not 2 <= round(1 / dense.scale_factor) <= generator.downsampling:
            yield (
                "generator_params.dense_motion_params.scale_factor: must be between 1/2 and "
                f"1/{generator.downsampling}, the generator's resolutions in architecture mobile"
            )


@dataclass(frozen=True)
class LossWeights(Section):
    """Loss weights. Ours, off by default: `pixel`, the L1 of the image at every scale, and
    `separation`, which keeps keypoints from collapsing onto each other."""

    generator_gan: Weight
    discriminator_gan: Weight
    feature_matching: tuple[Weight, ...]
    perceptual: PerceptualWeights
    equivariance_value: Weight
    equivariance_jacobian: Weight
    pixel: Weight = 0.0
    separation: Weight = 0.0

    def problems(self) -> Iterator[str]:
        """A generator loss without a discriminator loss."""
        if self.generator_gan and not self.discriminator_gan:
            yield (
                "discriminator_gan: must be more than 0 if generator_gan is, or the discriminator "
                "is never trained"
            )


@dataclass(frozen=True)
class TrainParams(PerceptualTrainParams):
    """Training."""

    LEGACY: ClassVar[dict[str, str | None]] = {"crop": None}

    num_epochs: Count
    num_repeats: Count
    epoch_milestones: Milestones
    lr_generator: LearningRate
    lr_discriminator: LearningRate
    lr_kp_detector: LearningRate
    batch_size: Annotated[int, Range(1, 4096)]
    scales: Scales
    checkpoint_freq: Count
    transform_params: TransformParams
    loss_weights: LossWeights

    @property
    def checkpoint_epochs(self) -> int:
        """See `BaseTrainParams`."""
        return self.checkpoint_freq


@dataclass(frozen=True)
class NormalizationParams(Section):
    """Motion transfer; see `fomm_tf.fomm.motion`."""

    adapt_movement_scale: bool = False
    use_relative_movement: bool = False
    use_relative_jacobian: bool = False


@dataclass(frozen=True)
class AnimateParams(Section):
    """Animation of pairs of videos."""

    num_pairs: Count
    format: VideoSuffix
    normalization_params: NormalizationParams


@dataclass(frozen=True)
class FOMMConfig(BaseConfig):
    """A whole configuration file."""

    KIND = "First Order Motion Model"

    dataset_params: DatasetParams
    model_params: ModelParams
    train_params: TrainParams
    reconstruction_params: ReconstructionParams
    animate_params: AnimateParams
    visualizer_params: VisualizerParams

    @property
    def pair_animation(self) -> PairAnimation:
        """`animate_params`."""
        params = self.animate_params
        motion = params.normalization_params
        return PairAnimation(
            params.num_pairs,
            params.format,
            {
                "relative": motion.use_relative_movement,
                "relative_jacobian": motion.use_relative_jacobian,
                "adapt_scale": motion.adapt_movement_scale,
            },
        )

    def problems(self) -> Iterator[str]:
        """Inconsistencies between the architecture, the frames and the training."""
        yield from super().problems()
        height, width, _ = self.dataset_params.frame_shape
        detector = self.model_params.kp_detector_params
        border = 6 - 2 * detector.pad if self.model_params.architecture == "official" else 0
        if min(height, width) * detector.scale_factor - border < 2:
            yield (
                "model_params.kp_detector_params.scale_factor: leaves a heatmap of less than 2 "
                f"pixels for frames of {height}x{width}; raise it, or pad"
            )
        weights = self.train_params.loss_weights
        if weights.equivariance_jacobian and not self.model_params.common_params.estimate_jacobian:
            yield (
                "train_params.loss_weights.equivariance_jacobian: needs "
                "model_params.common_params.estimate_jacobian; set it to 0"
            )
        if weights.generator_gan:
            yield from self._gan_problems()

    def _gan_problems(self) -> Iterator[str]:
        train, weights = self.train_params, self.train_params.loss_weights
        discriminator = self.model_params.discriminator_params
        if not discriminator:
            yield (
                "train_params.loss_weights.generator_gan: needs model_params.discriminator_params; "
                "set it to 0 to train without a GAN"
            )
            return
        for scale in discriminator.scales:
            if scale not in train.scales:
                yield (
                    f"model_params.discriminator_params.scales: {scale:g} is not among "
                    "train_params.scales, the scales that are available"
                )
        blocks, layers = discriminator.num_blocks, weights.feature_matching
        if any(layers) and len(layers) < blocks:
            yield (
                f"train_params.loss_weights.feature_matching: needs {blocks} weights, one per "
                f"block of the discriminator, has {len(layers)}"
            )

    def training_problems(self) -> Iterator[str]:
        """Scales too small for VGG or the discriminator."""
        height, width, channels = self.dataset_params.frame_shape
        yield from pyramid_problems((height, width, channels), self.train_params)
        discriminator = self.model_params.discriminator_params
        if not (self.train_params.loss_weights.generator_gan and discriminator):
            return
        for scale in discriminator.scales:
            left = int(min(height, width) * scale)
            for block in range(discriminator.num_blocks):
                left -= 3
                if block < discriminator.num_blocks - 1:
                    left //= 2
            if left < 1:
                yield (
                    f"model_params.discriminator_params.num_blocks: {discriminator.num_blocks} "
                    f"blocks are too many for frames of {height}x{width} at scale {scale:g}"
                )
