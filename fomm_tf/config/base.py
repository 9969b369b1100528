"""Base classes of the configurations of all kinds of models.

`fomm_tf.registry.load_config` reads a file of any kind.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, NamedTuple, Self, TypeVar

from fomm_tf.config.schema import Range, Section, parse, save_yaml, show
from fomm_tf.config.sections import (
    SMALLEST_SIDES,
    DatasetParams,
    NetworkParams,
    PerceptualNetwork,
    Positive,
    ReconstructionParams,
    SqueezeNetWeights,
    VGGWeights,
    VideoSuffix,
    VisualizerParams,
)
from fomm_tf.errors import ConfigError


class PairAnimation(NamedTuple):
    """Settings for animating a dataset's videos with each other. `motion`: fields of
    `inference.motion.MotionOptions`."""

    num_pairs: int
    format: VideoSuffix
    motion: dict[str, bool]


class BaseModelParams(Section):
    """The architecture: a section for each network, and the shared `common_params`."""

    if TYPE_CHECKING:
        # For type checking only: a dataclass field of this name would take the property as default.
        @property
        def num_channels(self) -> int:
            """Number of image channels: a key, or a property."""

    def networks(self) -> Mapping[str, NetworkParams]:
        """The sections of networks that downsample, by their path below `model_params`."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class BaseTrainParams(Section):
    """Training. A kind's own section declares the keys `num_epochs`, `num_repeats`, `batch_size`
    and `epoch_milestones`, and `lr_NETWORK` for every network that is trained.

    These keys (ours) every kind has, by default as the official code is without them:

    warmup_steps: the learning rates rise linearly from zero over the first so many steps.
    decay: "milestones" divides them by ten at each of `epoch_milestones`; "cosine" lets them fall
    along half a cosine to zero at the run's end.
    clip_norm: the most that the gradients of one network may have as their common L2 norm.
    ema: decay of an exponential moving average of the weights, which then is the saved model.
    accumulation_steps: a batch is processed in so many parts, one after the other, for less memory.
    freeze: networks, or parts of them by the names of their weights, that are not trained.
    """

    USES_VGG: ClassVar[bool] = False
    """Whether this kind has a perceptual loss: it then derives from `PerceptualTrainParams`."""

    warmup_steps: Annotated[int, Range(0, 1_000_000)] = 0
    decay: Literal["milestones", "cosine"] = "milestones"
    clip_norm: Positive | None = None
    ema: Annotated[float, Range(0, 0.999999)] | None = None
    accumulation_steps: Annotated[int, Range(1, 4096)] = 1
    freeze: tuple[str, ...] = ()

    if TYPE_CHECKING:
        # Not fields: a kind declares them with its own types, in its files' order.
        @property
        def num_epochs(self) -> int: ...
        @property
        def num_repeats(self) -> int: ...
        @property
        def batch_size(self) -> int: ...
        @property
        def epoch_milestones(self) -> tuple[int, ...]: ...
        @property
        def checkpoint_epochs(self) -> int:
            """Epochs between saved model folders: a key, or a property."""

    def learning_rate(self, network: str) -> float:
        """For the network with this name in checkpoints."""
        return getattr(self, f"lr_{network}")

    def problems(self) -> Iterator[str]:
        """Milestones that a cosine would ignore, and parts of a batch that are not equal."""
        if self.decay == "cosine" and self.epoch_milestones:
            yield "epoch_milestones: have no effect with decay: cosine; set them to []"
        if self.batch_size % self.accumulation_steps:
            yield (
                f"accumulation_steps: {self.accumulation_steps} parts do not divide a batch of "
                f"{self.batch_size} evenly"
            )


@dataclass(frozen=True, kw_only=True)
class PerceptualTrainParams(BaseTrainParams):
    """Training with a perceptual loss. A kind's own section declares `scales` and
    `loss_weights.perceptual`.

    These keys are ours. perceptual_network: whose features are compared. vgg_weights: "imagenet"
    for Keras' weights, "random" for seeded random weights without a file, else the path of
    torchvision's vgg19-*.pth. squeezenet_weights: "random" or the path of torchvision's
    squeezenet1_1-*.pth.
    """

    USES_VGG = True

    perceptual_network: PerceptualNetwork = "vgg19"
    vgg_weights: VGGWeights = "imagenet"
    squeezenet_weights: SqueezeNetWeights | None = None

    if TYPE_CHECKING:

        @property
        def loss_weights(self) -> Any: ...

    def problems(self) -> Iterator[str]:
        """More weights than the perceptual network has features."""
        yield from super().problems()
        most = len(SMALLEST_SIDES[self.perceptual_network])
        if len(self.loss_weights.perceptual) > most:
            yield (
                f"loss_weights.perceptual: must be at most {most} weights, one per layer of "
                f"{self.perceptual_network}, is {show(list(self.loss_weights.perceptual))}"
            )

    def perceptual_weights(self) -> str:
        """The weights of the network in use. Raises ConfigError if the config names none."""
        if self.perceptual_network == "vgg19":
            return self.vgg_weights
        if self.squeezenet_weights is None:
            raise ConfigError(
                "train_params.squeezenet_weights: perceptual_network squeezenet needs the path of "
                "torchvision's squeezenet1_1-*.pth; give it there or with --squeezenet-weights"
            )
        return self.squeezenet_weights


class BaseConfig(Section):
    """A whole configuration file: the five sections that every kind has, `dataset_params`,
    `model_params`, `train_params`, `reconstruction_params` and `visualizer_params`, and a kind's
    own. A kind declares all of them, with its types."""

    KIND: ClassVar[str]
    """Name of this kind of model in messages."""

    dataset_params: DatasetParams
    model_params: Any
    train_params: Any
    reconstruction_params: ReconstructionParams
    visualizer_params: VisualizerParams

    @classmethod
    def from_dict(cls, data: Any, where: str = "config") -> Self:
        """Checks loaded YAML; `where` (the file) begins every message. Raises: ConfigError."""
        return parse(cls, data, where)

    def problems(self) -> Iterator[str]:
        """Frame shapes that do not fit the networks."""
        yield from self._channel_problems()
        yield from self._size_problems()

    def _channel_problems(self) -> Iterator[str]:
        channels, expected = self.dataset_params.frame_shape[2], self.model_params.num_channels
        if channels != expected:
            yield (
                f"dataset_params.frame_shape: has {channels} channels, but "
                f"num_channels is {expected} in model_params"
            )

    def _size_problems(self) -> Iterator[str]:
        height, width, _ = self.dataset_params.frame_shape
        for path, network in self.model_params.networks().items():
            multiple = network.downsampling
            if height % multiple or width % multiple:
                yield (
                    f"dataset_params.frame_shape: height {height} and width {width} must be "
                    f"multiples of {multiple}, which model_params.{path} downsamples by"
                )

    def training_problems(self) -> Iterator[str]:
        """Problems for training only: a trained model with such `train_params` can still animate,
        so loading accepts it."""
        raise NotImplementedError

    @property
    def pair_animation(self) -> PairAnimation | None:
        """Settings of `animate --data`, or None where the schema has no such section."""
        return None

    @property
    def required_multiple(self) -> int:
        """The number that every image's height and width must be a multiple of."""
        return math.lcm(*(one.downsampling for one in self.model_params.networks().values()))

    def check_trainable(self, where: str = "config") -> None:
        """Checks for problems that affect training only. Raises: ConfigError."""
        for problem in self.training_problems():
            raise ConfigError(f"{where}: {problem}")

    def save(self, path: str | os.PathLike) -> None:
        """Writes the YAML; what was at `path` stays if that fails."""
        save_yaml(self.to_dict(), path)


AnyConfig = TypeVar("AnyConfig", bound=BaseConfig)


def with_overrides(config: AnyConfig, **values: Any) -> AnyConfig:
    """The config with some train_params replaced; None keeps a value.

    Raises: ConfigError for a key that this kind of model does not have, or values that do not go
    together.
    """
    given = {name: value for name, value in values.items() if value is not None}
    for name in given.keys() - {key.name for key in fields(config.train_params)}:
        raise ConfigError(f"train_params.{name}: this kind of model has no such key")
    train = replace(config.train_params, **given)
    for problem in train.problems():
        raise ConfigError(f"train_params.{problem}")
    changed: dict[str, Any] = {"train_params": train}
    return replace(config, **changed)
