"""The typed view of a YAML in the official FOMM schema: the only place that knows its keys.

Every group of keys is a frozen dataclass whose fields are named as the keys; the defaults are those
of the official code. `load_config` reads a file of any kind of model and refuses, in one line with
the key's path, what is unknown, missing, of the wrong type, out of range or contradictory.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from dataclasses import dataclass, field, fields, replace
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, Self, TypeVar

from fomm_tf.config_checks import contradictions, downsampling, training_contradictions
from fomm_tf.errors import ConfigError
from fomm_tf.kinds import kind_of_yaml
from fomm_tf.media.colormaps import COLORMAPS
from fomm_tf.yaml_schema import Range, Section, load_yaml, parse, reciprocal, save_yaml

# Upper bounds are far above any sensible net and low enough that a slip of the keyboard is an error
# here and not an exhausted memory.
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
Milestones = Annotated[tuple[Count, ...], _ascending]
VGGWeights = Annotated[str, _not_empty]


@dataclass(frozen=True)
class FlipParam(Section):
    """Each with probability 1/2 per clip."""

    horizontal_flip: bool = False
    time_flip: bool = False


@dataclass(frozen=True)
class RotationParam(Section):
    """`degrees`: a pair [low, high], or one number d for [-d, d]."""

    degrees: Annotated[float, Range(0, 360)] | Annotated[tuple[Degrees, Degrees], _low_to_high]


@dataclass(frozen=True)
class ResizeParam(Section):
    """The clip is resized by a factor drawn from `ratio`."""

    ratio: Annotated[tuple[Ratio, Ratio], _low_to_high] = (3 / 4, 4 / 3)
    interpolation: Literal["nearest", "bilinear"] = "nearest"


@dataclass(frozen=True)
class CropParam(Section):
    """`size`: [height, width], or one number for both."""

    size: Side | tuple[Side, Side]


@dataclass(frozen=True)
class JitterParam(Section):
    """Factors from [max(0, 1 - x), 1 + x]; `hue` a shift from [-x, x] of the colour circle."""

    brightness: Jitter = 0.0
    contrast: Jitter = 0.0
    saturation: Jitter = 0.0
    hue: Annotated[float, Range(0, 0.5)] = 0.0


@dataclass(frozen=True)
class AugmentationParams(Section):
    """What is done to a training clip, one draw for all its frames; None leaves a step out."""

    flip_param: FlipParam | None = None
    rotation_param: RotationParam | None = None
    resize_param: ResizeParam | None = None
    crop_param: CropParam | None = None
    jitter_param: JitterParam | None = None


@dataclass(frozen=True)
class DatasetParams(Section):
    """Where the videos are; `frame_shape` is (height, width, channels) of every frame."""

    LEGACY: ClassVar[dict[str, str | None]] = {"image_shape": "frame_shape"}

    root_dir: Annotated[str, _not_empty]
    frame_shape: tuple[Side, Side, Side] = (256, 256, 3)
    id_sampling: bool = False
    pairs_list: str | None = None
    augmentation_params: AugmentationParams | None = None


@dataclass(frozen=True)
class CommonParams(Section):
    """What all networks share."""

    num_kp: Annotated[int, Range(1, 256)]
    num_channels: Annotated[int, Range(1, 16)]
    estimate_jacobian: bool = False


@dataclass(frozen=True)
class KPDetectorParams(Section):
    """Keypoint detector; `pad` is the padding of its 7x7 head."""

    temperature: Positive
    block_expansion: Features
    max_features: Features
    scale_factor: Scale = field(default=1.0, kw_only=True)
    num_blocks: Blocks
    single_jacobian_map: bool = False
    pad: Annotated[int, Range(0, 64)] = 0


@dataclass(frozen=True)
class DenseMotionParams(Section):
    """Dense motion network; `kp_variance` is the variance of the keypoints' Gaussians."""

    block_expansion: Features
    max_features: Features
    num_blocks: Blocks
    scale_factor: Scale = 1.0
    kp_variance: Positive = 0.01


@dataclass(frozen=True)
class GeneratorParams(Section):
    """Generator; without `dense_motion_params` it neither warps nor looks at keypoints.

    `blend_source` (ours, off by default): where the occlusion map says that the source can be seen,
    the prediction is the warped source itself; only the rest is decoded. Small generators become
    sharp much sooner.
    """

    block_expansion: Features
    max_features: Features
    num_down_blocks: Annotated[int, Range(0, 10)]
    num_bottleneck_blocks: Annotated[int, Range(0, 64)]
    estimate_occlusion_map: bool = False
    dense_motion_params: DenseMotionParams | None = None
    blend_source: bool = False


@dataclass(frozen=True)
class DiscriminatorParams(Section):
    """One discriminator per scale; `sn` = spectral norm, `use_kp` = sees keypoint heatmaps."""

    scales: Scales
    block_expansion: Features = 64
    max_features: Features = 512
    num_blocks: Blocks = 4
    sn: bool = False
    use_kp: bool = False
    kp_variance: Positive = 0.01


@dataclass(frozen=True)
class ModelParams(Section):
    """The architecture. A model that was trained without a GAN needs no discriminator."""

    common_params: CommonParams
    kp_detector_params: KPDetectorParams
    generator_params: GeneratorParams
    discriminator_params: DiscriminatorParams | None = None


@dataclass(frozen=True)
class TransformParams(Section):
    """Random transform of the equivariance loss; TPS only where both tps keys are given."""

    sigma_affine: Annotated[float, Range(0, 1)]
    sigma_tps: Annotated[float, Range(0, 1)] | None = None
    points_tps: Annotated[int, Range(2, 64)] | None = None


@dataclass(frozen=True)
class LossWeights(Section):
    """Weights of the losses. Ours, off by default: `pixel`, the L1 of the picture at every scale,
    and `separation`, which keeps keypoints from gathering in one place."""

    generator_gan: Weight
    discriminator_gan: Weight
    feature_matching: tuple[Weight, ...]
    perceptual: tuple[Weight, ...]
    equivariance_value: Weight
    equivariance_jacobian: Weight
    pixel: Weight = 0.0
    separation: Weight = 0.0


@dataclass(frozen=True)
class TrainParams(Section):
    """Training. `vgg_weights` (ours): "imagenet" for the weights Keras ships, "random" for the
    seeded recipe that needs no file, else the path of torchvision's vgg19-*.pth."""

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
    vgg_weights: VGGWeights = "imagenet"


@dataclass(frozen=True)
class ReconstructionParams(Section):
    """Evaluation: at most `num_videos` videos (None: all)."""

    num_videos: Count | None
    format: VideoSuffix


@dataclass(frozen=True)
class NormalizationParams(Section):
    """How driving keypoints become those of the result; see `fomm_tf.motion_transfer`."""

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
class VisualizerParams(Section):
    """Pictures of training; `kp_size` is a keypoint's radius in pixels."""

    kp_size: Annotated[int, Range(1, 256)] = 5
    draw_border: bool = False
    colormap: Annotated[str, _known_colormap] = "gist_rainbow"


class PairAnimation(NamedTuple):
    """How the videos of a dataset animate each other. `motion`: arguments of
    `fomm_tf.animation.animate_frames`."""

    num_pairs: int
    format: VideoSuffix
    motion: dict[str, bool]


class BaseConfig(Section):
    """What the configurations of all kinds of models share."""

    dataset_params: DatasetParams
    model_params: Any
    train_params: Any
    reconstruction_params: ReconstructionParams
    visualizer_params: VisualizerParams

    @classmethod
    def from_dict(cls, data: Any, where: str = "config") -> Self:
        """Checks loaded YAML; `where` (the file) begins every message. Raises: ConfigError."""
        config = parse(cls, data, where)
        for problem in config.contradictions():
            raise ConfigError(f"{where}: {problem}")
        return config

    def contradictions(self) -> Iterator[str]:
        """What is wrong between keys that are each fine."""
        raise NotImplementedError

    def training_contradictions(self) -> Iterator[str]:
        """What only training cannot do."""
        raise NotImplementedError

    @property
    def pair_animation(self) -> PairAnimation | None:
        """What the file says of it, or None where the schema has no such section."""
        return None

    def save(self, path: str | os.PathLike) -> None:
        """Writes the YAML; what was at `path` stays if that fails."""
        save_yaml(self.to_dict(), path)


@dataclass(frozen=True)
class Config(BaseConfig):
    """A whole configuration file."""

    dataset_params: DatasetParams
    model_params: ModelParams
    train_params: TrainParams
    reconstruction_params: ReconstructionParams
    animate_params: AnimateParams
    visualizer_params: VisualizerParams

    def contradictions(self) -> Iterator[str]:
        """What is wrong between keys that are each fine."""
        return contradictions(self)

    def training_contradictions(self) -> Iterator[str]:
        """What only training cannot do: picture pyramids too small for VGG or discriminator."""
        return training_contradictions(self)

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


AnyConfig = TypeVar("AnyConfig", bound=BaseConfig)


def load_config(path: str | os.PathLike) -> Any:
    """Reads a configuration file: a `Config`, or the class of another kind that the file is for.

    Raises: ConfigError (one line); OSError if unreadable.
    """
    data = load_yaml(path)
    return kind_of_yaml(data).config_class.from_dict(data, str(path))


def required_multiple(config: BaseConfig) -> int:
    """The number that height and width of every picture must be a multiple of.

    Each hourglass sees the picture at its `scale_factor` and halves it `num_blocks` times; the
    generator halves it `num_down_blocks` times.
    """
    return math.lcm(*downsampling(config).values())


def check_trainable(config: BaseConfig, where: str = "config") -> None:
    """Refuses what only training cannot do.

    A trained model with such a `train_params` is still good for animation, so loading accepts it.
    Raises: ConfigError.
    """
    for problem in config.training_contradictions():
        raise ConfigError(f"{where}: {problem}")


def with_overrides(config: AnyConfig, **values: Any) -> AnyConfig:
    """The config with some of its train_params replaced; None leaves a value as it is.

    Raises: ConfigError for what this kind of model has not.
    """
    given = {name: value for name, value in values.items() if value is not None}
    for name in given.keys() - {key.name for key in fields(config.train_params)}:
        raise ConfigError(f"train_params.{name}: the training of this kind of model has none")
    changed: dict[str, Any] = {"train_params": replace(config.train_params, **given)}
    return replace(config, **changed)
