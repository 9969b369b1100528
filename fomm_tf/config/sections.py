"""Groups of keys shared by several kinds of models, and the types of single keys.

Every group is a frozen dataclass whose fields are the keys; defaults are those of the official
code.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from fomm_tf.config.schema import Range, Section, reciprocal
from fomm_tf.media.colormaps import COLORMAPS

# Upper bounds are far above any sensible network, and low enough that a typo is an error here and
# not an out-of-memory failure.
Count = Annotated[int, Range(1, 1_000_000)]
Features = Annotated[int, Range(1, 4096)]
Blocks = Annotated[int, Range(1, 10)]
Side = Annotated[int, Range(1, 4096)]
Scale = Annotated[float, reciprocal]
Positive = Annotated[float, Range(0, 1e6, open_low=True)]
Weight = Annotated[float, Range(0, 1e6)]
LearningRate = Annotated[float, Range(0, 1)]
Degrees = Annotated[float, Range(-360, 360)]
Ratio = Annotated[float, Range(0.05, 20)]
Jitter = Annotated[float, Range(0, 10)]
# Those that `fomm_tf.media.video_writer` can write.
VideoSuffix = Literal[".mp4", ".gif"]


def _not_empty(value: tuple | str) -> str | None:
    return None if value else "must not be empty"


def _distinct(value: tuple) -> str | None:
    return None if len(set(value)) == len(value) else "must not repeat a value"


def _ascending(value: tuple) -> str | None:
    return None if list(value) == sorted(set(value)) else "must be ascending"


def _known_colormap(value: str) -> str | None:
    return None if value in COLORMAPS else f"must be one of {', '.join(map(repr, COLORMAPS))}"


def _low_to_high(value: tuple) -> str | None:
    return None if value[0] <= value[1] else "must be [low, high]"


Scales = Annotated[tuple[Scale, ...], _not_empty, _distinct]
PerceptualWeights = tuple[Weight, ...]
PerceptualNetwork = Literal["vgg19", "squeezenet"]
Milestones = Annotated[tuple[Count, ...], _ascending]
VGGWeights = Annotated[str, _not_empty]
SqueezeNetWeights = Annotated[str, _not_empty]

SMALLEST_SIDES: dict[PerceptualNetwork, tuple[int, ...]] = {
    # VGG19 halves the resolution before each of its levels but the first.
    "vgg19": (1, 2, 4, 8, 16),
    # SqueezeNet's convolution and pooling have windows of 3 without padding.
    "squeezenet": (3, 5, 9, 17, 17, 17, 17),
}
"""The smallest side of an image that has the n-th feature of a perceptual network."""


@dataclass(frozen=True)
class FlipParam(Section):
    """Each is applied with probability 1/2 per clip."""

    horizontal_flip: bool = False
    time_flip: bool = False


@dataclass(frozen=True)
class RotationParam(Section):
    """`degrees`: a pair [low, high], or one number d for [-d, d]."""

    degrees: Annotated[float, Range(0, 360)] | Annotated[tuple[Degrees, Degrees], _low_to_high]


@dataclass(frozen=True)
class ResizeParam(Section):
    """The clip is resized by a random factor from `ratio`."""

    ratio: Annotated[tuple[Ratio, Ratio], _low_to_high] = (3 / 4, 4 / 3)
    interpolation: Literal["nearest", "bilinear"] = "nearest"


@dataclass(frozen=True)
class CropParam(Section):
    """`size`: [height, width], or one number for both."""

    size: Side | tuple[Side, Side]


@dataclass(frozen=True)
class JitterParam(Section):
    """Factors from [max(0, 1 - x), 1 + x]; `hue`: a shift from [-x, x] of the colour circle."""

    brightness: Jitter = 0.0
    contrast: Jitter = 0.0
    saturation: Jitter = 0.0
    hue: Annotated[float, Range(0, 0.5)] = 0.0


@dataclass(frozen=True)
class AugmentationParams(Section):
    """Augmentation of a training clip, one draw for all its frames; None disables a step."""

    flip_param: FlipParam | None = None
    rotation_param: RotationParam | None = None
    resize_param: ResizeParam | None = None
    crop_param: CropParam | None = None
    jitter_param: JitterParam | None = None

    def problems(self) -> Iterator[str]:
        """Steps that cannot be combined."""
        if self.resize_param and not self.crop_param:
            yield "resize_param: needs crop_param, or the frames of a batch differ in size"


@dataclass(frozen=True)
class DatasetParams(Section):
    """The dataset; `frame_shape` is (height, width, channels) of every frame."""

    LEGACY: ClassVar[dict[str, str | None]] = {"image_shape": "frame_shape"}

    root_dir: Annotated[str, _not_empty]
    frame_shape: tuple[Side, Side, Side] = (256, 256, 3)
    id_sampling: bool = False
    pairs_list: str | None = None
    augmentation_params: AugmentationParams | None = None


@dataclass(frozen=True, kw_only=True)
class NetworkParams(Section):
    """A network whose features double per layer, from `block_expansion` up to `max_features`."""

    block_expansion: Features
    max_features: Features

    @property
    def downsampling(self) -> int:
        """Downsampling factor of the deepest layers."""
        raise NotImplementedError

    def problems(self) -> Iterator[str]:
        """A first layer that exceeds `max_features`."""
        if self.max_features < self.block_expansion:
            yield (
                f"max_features: must be at least block_expansion ({self.block_expansion}), "
                f"is {self.max_features}"
            )


@dataclass(frozen=True, kw_only=True)
class HourglassParams(NetworkParams):
    """An hourglass on an image scaled by `scale_factor`, which it halves `num_blocks` times."""

    num_blocks: Blocks
    scale_factor: Scale = 1.0

    @property
    def downsampling(self) -> int:
        """See `NetworkParams`."""
        return round(1 / self.scale_factor) << self.num_blocks


def pyramid_problems(frame_shape: tuple[int, int, int], train: Any) -> Iterator[str]:
    """Scales too small for the perceptual loss; train: has `scales`, `perceptual_network` and
    `loss_weights.perceptual`."""
    side = min(frame_shape[:2])
    weights = train.loss_weights.perceptual
    depth = max((layer for layer, weight in enumerate(weights) if weight), default=0)
    needed = SMALLEST_SIDES[train.perceptual_network][depth]
    for scale in train.scales:
        if int(side * scale) < needed:
            yield (
                f"train_params.scales: {scale:g} leaves {int(side * scale)} pixels of {side}, "
                f"and the perceptual loss needs {needed}"
            )


@dataclass(frozen=True)
class TransformParams(Section):
    """Random transform of the equivariance loss; TPS only if both tps keys are given."""

    sigma_affine: Annotated[float, Range(0, 1)]
    sigma_tps: Annotated[float, Range(0, 1)] | None = None
    points_tps: Annotated[int, Range(2, 64)] | None = None

    def problems(self) -> Iterator[str]:
        """An incomplete thin plate spline."""
        if (self.sigma_tps is None) != (self.points_tps is None):
            yield "sigma_tps and points_tps go together; one is missing"


@dataclass(frozen=True)
class ReconstructionParams(Section):
    """Evaluation: at most `num_videos` videos (None: all)."""

    num_videos: Count | None
    format: VideoSuffix


@dataclass(frozen=True)
class VisualizerParams(Section):
    """Visualization of training; `kp_size` is a keypoint's radius in pixels."""

    kp_size: Annotated[int, Range(1, 256)] = 5
    draw_border: bool = False
    colormap: Annotated[str, _known_colormap] = "gist_rainbow"
