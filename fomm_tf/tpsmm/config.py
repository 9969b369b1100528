"""The typed view of a YAML in the official TPSMM schema: the only place that knows its keys."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar, Self

from fomm_tf.config.base import (
    BaseConfig,
    BaseModelParams,
    BaseTrainParams,
    PerceptualTrainParams,
)
from fomm_tf.config.schema import Range, Section
from fomm_tf.config.sections import (
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

Probability = Annotated[float, Range(0, 1)]
Epoch = Annotated[int, Range(0, 1_000_000)]
BatchSize = Annotated[int, Range(1, 4096)]


@dataclass(frozen=True)
class CommonParams(Section):
    """Parameters shared by all networks.

    num_tps: splines, of five keypoints each. bg: whether a network estimates the background's
    motion. multi_mask: occlusion maps at four resolutions instead of one.
    """

    num_tps: Annotated[int, Range(1, 50)]
    num_channels: Annotated[int, Range(1, 16)]
    bg: bool = False
    multi_mask: bool = True


@dataclass(frozen=True, kw_only=True)
class InpaintingParams(NetworkParams):
    """Inpainting network; its section is called `generator_params`."""

    num_down_blocks: Annotated[int, Range(1, 10)]

    @property
    def downsampling(self) -> int:
        """See `NetworkParams`."""
        return 1 << self.num_down_blocks

    @property
    def widths(self) -> list[int]:
        """Features of every resolution, from the picture's own to the deepest."""
        levels = range(self.num_down_blocks + 1)
        return [min(self.max_features, self.block_expansion << level) for level in levels]


@dataclass(frozen=True, kw_only=True)
class DenseMotionParams(HourglassParams):
    """Dense motion network; `kp_variance` is the variance of the keypoint heatmaps' Gaussians."""

    scale_factor: Scale = 0.25
    kp_variance: Positive = 0.01

    @property
    def widths(self) -> list[int]:
        """Features of the hourglass's resolutions, from its input's own to the deepest."""
        levels = range(self.num_blocks + 1)
        return [min(self.max_features, self.block_expansion << level) for level in levels]

    @property
    def upsamplings(self) -> int:
        """How often the hourglass's resolution is doubled to give the picture's."""
        return round(1 / self.scale_factor).bit_length() - 1


@dataclass(frozen=True)
class AVDParams(Section):
    """AVD network: lengths of the vectors that stand for identity and pose."""

    id_bottle_size: Features = 64
    pose_bottle_size: Features = 64


@dataclass(frozen=True)
class TPSMMModelParams(BaseModelParams):
    """The architecture. A model without `avd_network_params` has no AVD network."""

    common_params: CommonParams
    generator_params: InpaintingParams
    dense_motion_params: DenseMotionParams
    avd_network_params: AVDParams | None = None

    @property
    def num_channels(self) -> int:
        """See `BaseModelParams`."""
        return self.common_params.num_channels

    def networks(self) -> Mapping[str, NetworkParams]:
        """See `BaseModelParams`."""
        return {
            "generator_params": self.generator_params,
            "dense_motion_params": self.dense_motion_params,
        }

    def problems(self) -> Iterator[str]:
        """Sizes that four occlusion maps do not fit."""
        if not self.common_params.multi_mask:
            return
        if self.generator_params.num_down_blocks != 3:
            yield (
                "generator_params.num_down_blocks: must be 3 with common_params.multi_mask, whose "
                f"occlusion maps are for 4 resolutions; is {self.generator_params.num_down_blocks}"
            )
        dense = self.dense_motion_params
        if dense.scale_factor not in (1, 0.5, 0.25, 0.125):
            yield (
                "dense_motion_params.scale_factor: must be 1, 0.5, 0.25 or 0.125 with "
                f"common_params.multi_mask, is {dense.scale_factor:g}"
            )
        elif dense.num_blocks + dense.upsamplings < 4:
            yield (
                f"dense_motion_params.num_blocks: must be at least {4 - dense.upsamplings} with "
                "common_params.multi_mask and this scale_factor"
            )


@dataclass(frozen=True)
class LossWeights(Section):
    """Loss weights; `bg` has an effect only with `common_params.bg`. `pixel` (ours, off by
    default): the L1 of the picture at every scale."""

    perceptual: PerceptualWeights
    equivariance_value: Weight
    warp_loss: Weight
    bg: Weight
    pixel: Weight = 0.0


@dataclass(frozen=True)
class TPSMMTrainParams(PerceptualTrainParams):
    """Training. Before epoch `dropout_epoch` motions are dropped, each with a probability that
    grows from `dropout_startp` by `dropout_maxp` in `dropout_inc_epoch` epochs, up to
    `dropout_maxp`. From epoch `bg_start` on the background's motion is estimated."""

    LEGACY: ClassVar[dict[str, str | None]] = {"dataloader_workers": None}

    num_epochs: Count
    num_repeats: Count
    epoch_milestones: Milestones
    lr_generator: LearningRate
    batch_size: BatchSize
    scales: Scales
    dropout_epoch: Epoch
    dropout_maxp: Probability
    dropout_startp: Probability
    dropout_inc_epoch: Count
    bg_start: Epoch
    transform_params: TransformParams
    loss_weights: LossWeights
    checkpoint_freq: Count = 50

    @property
    def checkpoint_epochs(self) -> int:
        """See `BaseTrainParams`."""
        return self.checkpoint_freq

    def learning_rate(self, network: str) -> float:
        """One for all networks."""
        return self.lr_generator

    def dropout(self, epoch: int) -> float:
        """The probability with which a motion is dropped in an epoch, counted from 0."""
        if epoch >= self.dropout_epoch:
            return 0.0
        grown = epoch / self.dropout_inc_epoch * self.dropout_maxp + self.dropout_startp
        return min(grown, self.dropout_maxp)


@dataclass(frozen=True)
class AVDTrainParams(BaseTrainParams):
    """Training of the AVD network. `random_scale`: x and y of the driving keypoints are scaled by
    factors up to this far from 1; `lambda_shift`: the loss's weight."""

    LEGACY: ClassVar[dict[str, str | None]] = {"dataloader_workers": None, "lambda_affine": None}

    num_epochs: Count
    num_repeats: Count
    batch_size: BatchSize
    epoch_milestones: Milestones
    lr: LearningRate
    lambda_shift: Weight
    random_scale: Annotated[float, Range(0, 1)]
    checkpoint_freq: Count = 50

    @property
    def checkpoint_epochs(self) -> int:
        """See `BaseTrainParams`."""
        return self.checkpoint_freq

    def learning_rate(self, network: str) -> float:
        """There is one network."""
        return self.lr

    def problems(self) -> Iterator[str]:
        """A batch that has no statistics."""
        yield from super().problems()
        if self.batch_size < 2:
            yield "batch_size: must be at least 2 for the network's batch norm"


@dataclass(frozen=True)
class TPSMMConfig(BaseConfig):
    """A whole configuration file. `reconstruction_params` is ours, as in FOMM's configs."""

    KIND = "Thin-Plate-Spline Motion Model"

    dataset_params: DatasetParams
    model_params: TPSMMModelParams
    train_params: TPSMMTrainParams
    visualizer_params: VisualizerParams
    train_avd_params: AVDTrainParams | None = None
    reconstruction_params: ReconstructionParams = ReconstructionParams(None, ".mp4")

    @classmethod
    def from_dict(cls, data: Any, where: str = "config") -> Self:
        """See `BaseConfig`. `frame_shape: null`, in official files, leaves the frames as they are;
        here a model has a size, and it stands for the one that the official demo animates in."""
        dataset = data.get("dataset_params") if isinstance(data, dict) else None
        if isinstance(dataset, dict) and dataset.get("frame_shape", 0) is None:
            shape = list(DatasetParams.frame_shape)
            data = {**data, "dataset_params": {**dataset, "frame_shape": shape}}
        return super().from_dict(data, where)

    def problems(self) -> Iterator[str]:
        """Frames that leave the deepest layers a single pixel, which instance norm sets to 0."""
        yield from super().problems()
        height, width, _ = self.dataset_params.frame_shape
        deepest = self.model_params.generator_params.downsampling
        if height == width == deepest:
            yield (
                f"dataset_params.frame_shape: {height}x{width} leaves the inpainting network 1 "
                "pixel; instance norm needs more"
            )

    def training_problems(self) -> Iterator[str]:
        """Scales too small for VGG, and losses without what they need."""
        yield from pyramid_problems(self.dataset_params.frame_shape, self.train_params)
        weights = self.train_params.loss_weights
        if weights.warp_loss and not self.model_params.common_params.multi_mask:
            yield (
                "train_params.loss_weights.warp_loss: needs model_params.common_params.multi_mask; "
                "set it to 0"
            )
        if not any((*weights.perceptual, weights.pixel)):
            yield "train_params.loss_weights: nothing compares frames; set perceptual or pixel"

    def without_avd(self) -> Self:
        """The config of the same model without an AVD network."""
        return replace(self, model_params=replace(self.model_params, avd_network_params=None))


@dataclass(frozen=True)
class AVDTrainingConfig(BaseConfig):
    """What the training of the AVD network alone has for a config; `whole` is what it saves.

    Its learning rate falls one epoch later than `epoch_milestones` say, as in the official code.
    """

    KIND = TPSMMConfig.KIND

    dataset_params: DatasetParams
    model_params: TPSMMModelParams
    train_params: AVDTrainParams
    whole: TPSMMConfig

    @classmethod
    def of(cls, config: TPSMMConfig) -> Self:
        """For a config that has `train_avd_params`."""
        train = config.train_avd_params
        assert train is not None
        later = tuple(milestone + 1 for milestone in train.epoch_milestones)
        train = replace(train, epoch_milestones=later)
        return cls(config.dataset_params, config.model_params, train, config)

    def training_problems(self) -> Iterator[str]:
        """None that `problems` has not found."""
        return iter(())

    def save(self, path: str | os.PathLike) -> None:
        """Writes the whole config's YAML."""
        self.whole.save(path)
