"""The typed view of a YAML in the official Monkey-Net schema: the only place that knows its keys.

As `fomm_tf.config` does for FOMM, whose sections it takes where the keys are the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal, Self

from fomm_tf import config as fomm
from fomm_tf.config import (
    BaseConfig,
    Blocks,
    Count,
    Features,
    LearningRate,
    Milestones,
    PairAnimation,
    Positive,
    Scale,
    VideoSuffix,
    Weight,
)
from fomm_tf.monkeynet.config_checks import contradictions, training_contradictions
from fomm_tf.yaml_schema import Range, Section

# Keys whose value is a word or a number.
_WORD_OR_NUMBER = ("kp_variance", "norm_const")
# They stand no deeper than this in the file; what is nested by the thousand is no config.
_DEEPEST = 5


def _number_or(*words: str):
    def check(value: str) -> str | None:
        if value in words:
            return None
        try:
            fits = 0 < float(value) <= 1e6
        except ValueError:
            fits = False
        return None if fits else f"must be {', '.join(map(repr, words))} or a number above 0"

    return check


class _WordsAndNumbers(Section):
    """Base of sections with a key of `_WORD_OR_NUMBER`, which is read as text."""

    def to_dict(self) -> dict[str, Any]:
        data = super().to_dict()
        for key in set(_WORD_OR_NUMBER) & set(data):
            data[key] = _word_or_number(data[key])
        return data


@dataclass(frozen=True)
class DatasetParams(fomm.DatasetParams):
    """Where the videos are; `frame_shape` is (height, width, channels) of every frame."""

    LEGACY: ClassVar[dict[str, str | None]] = {"image_shape": "frame_shape"}

    frame_shape: tuple[fomm.Side, fomm.Side, fomm.Side] = (64, 64, 3)


@dataclass(frozen=True)
class CommonParams(_WordsAndNumbers):
    """What all networks share. `kp_variance`: "matrix" or "single" for one that the detector
    measures, or the number that it always is."""

    num_kp: Annotated[int, Range(1, 256)]
    kp_variance: Annotated[str, _number_or("matrix", "single")]
    num_channels: Annotated[int, Range(1, 16)]

    @property
    def variance(self) -> str | float:
        """`kp_variance` as what it is."""
        return _word_or_number(self.kp_variance)

    @property
    def variance_side(self) -> int | None:
        """A measured variance is [..., side, side]; None for a constant."""
        return {"matrix": 2, "single": 1}.get(self.kp_variance)


@dataclass(frozen=True)
class KPDetectorParams(Section):
    """Keypoint detector; `clip_variance`: no matrix variance has a smaller eigenvalue."""

    temperature: Positive
    block_expansion: Features
    max_features: Features
    num_blocks: Blocks
    scale_factor: Scale = 1.0
    clip_variance: Positive | None = None


@dataclass(frozen=True)
class EmbeddingParams(_WordsAndNumbers):
    """What a `MovementEmbedding` consists of. `norm_const`: what heatmaps are divided by."""

    use_deformed_source_image: bool = False
    use_difference: bool = False
    use_heatmap: bool = True
    heatmap_type: Literal["gaussian", "difference"] = "gaussian"
    norm_const: Annotated[str, _number_or("sum")] = "sum"
    scale_factor: Scale = 1.0

    @property
    def normalizer(self) -> str | float:
        """`norm_const` as what it is."""
        return _word_or_number(self.norm_const)


@dataclass(frozen=True)
class DenseMotionParams(Section):
    """Dense motion module; `bg_init` is what the background's mask starts from."""

    block_expansion: Features
    num_blocks: Blocks
    max_features: Features
    mask_embedding_params: EmbeddingParams
    use_correction: bool
    use_mask: bool
    bg_init: Annotated[float, Range(-100, 100)] = 2.0
    num_group_blocks: Annotated[int, Range(0, 64)] = 0
    scale_factor: Scale = 1.0


@dataclass(frozen=True)
class GeneratorParams(Section):
    """Generator; without `dense_motion_params` nothing moves, without `kp_embedding_params` the
    decoder sees no keypoints. `interpolation_mode` is how both are brought to a level's size."""

    block_expansion: Features
    max_features: Features
    num_blocks: Blocks
    num_refinement_blocks: Annotated[int, Range(0, 64)]
    dense_motion_params: DenseMotionParams | None = None
    kp_embedding_params: EmbeddingParams | None = None
    interpolation_mode: Literal["nearest", "trilinear"] = "nearest"

    @property
    def num_down_blocks(self) -> int:
        """How often the generator halves the picture."""
        return self.num_blocks


@dataclass(frozen=True)
class DiscriminatorParams(Section):
    """Discriminator; it sees keypoints if `kp_embedding_params` says how."""

    block_expansion: Features = 64
    max_features: Features = 512
    num_blocks: Blocks = 4
    scale_factor: Scale = 1.0
    kp_embedding_params: EmbeddingParams | None = None


@dataclass(frozen=True)
class ModelParams(Section):
    """The architecture."""

    common_params: CommonParams
    kp_detector_params: KPDetectorParams
    generator_params: GeneratorParams
    discriminator_params: DiscriminatorParams


@dataclass(frozen=True)
class LossWeights(Section):
    """Weights of the losses; of `reconstruction` one for the frame and one for each of the
    discriminator's blocks, or 0 for none."""

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
    """How often training reports (steps) and keeps a checkpoint (epochs)."""

    log_freq_iter: Count = 100
    cpk_freq_epoch: Count = 100


@dataclass(frozen=True)
class TrainParams(Section):
    """Training. `detach_kp_generator`: the keypoints learn nothing through the generator;
    `detach_kp_discriminator`: nor from the discriminator's own loss. `num_repeats` (ours, as in
    FOMM's configs): how often an epoch goes through the dataset."""

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
    def checkpoint_freq(self) -> int:
        """After how many epochs a checkpoint is kept."""
        return self.log_params.cpk_freq_epoch

    @property
    def lr_generator(self) -> float:
        """One rate for all, where FOMM's schema has one for each network."""
        return self.lr

    lr_discriminator = lr_generator
    lr_kp_detector = lr_generator


@dataclass(frozen=True)
class NormalizationParams(Section):
    """How driving keypoints become those of the result; see `monkeynet.motion_transfer`."""

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
class RNNParams(Section):
    """The recurrent network that goes on with a movement; `dropout` between its layers."""

    num_features: Annotated[int, Range(1, 65536)] = 1024
    num_layers: Annotated[int, Range(1, 16)] = 1
    dropout: Annotated[float, Range(0, 0.99)] = 0.5


@dataclass(frozen=True)
class PredictionParams(Section):
    """Image-to-video: `init_frames` of `num_frames` are given. `predict_variance: true` means in
    the official code, and so here, that the last given frame's variance stays."""

    rnn_params: RNNParams
    predict_variance: bool
    num_epochs: Count
    lr: LearningRate
    batch_size: Annotated[int, Range(1, 65536)]
    num_frames: Annotated[int, Range(2, 100_000)]
    init_frames: Count
    train_size: Count | None
    format: VideoSuffix


@dataclass(frozen=True)
class MonkeyNetConfig(BaseConfig):
    """A whole configuration file. `model` (ours) may name the system that the file is for."""

    dataset_params: DatasetParams
    model_params: ModelParams
    train_params: TrainParams
    reconstruction_params: fomm.ReconstructionParams
    transfer_params: TransferParams
    prediction_params: PredictionParams
    visualizer_params: fomm.VisualizerParams
    model: Literal["monkey-net"] = "monkey-net"

    @classmethod
    def from_dict(cls, data: Any, where: str = "config") -> Self:
        """Checks loaded YAML; `where` (the file) begins every message. Raises: ConfigError."""
        return super().from_dict(_numbers_as_text(data), where)

    def contradictions(self) -> Iterator[str]:
        """What is wrong between keys that are each fine."""
        return contradictions(self)

    def training_contradictions(self) -> Iterator[str]:
        """What only training cannot do: frames of other channels than the networks', or too small
        for the discriminator, and nothing to learn."""
        return training_contradictions(self)

    @property
    def pair_animation(self) -> PairAnimation:
        """`transfer_params`; what these do with variances, the model does in every animation."""
        params = self.transfer_params
        motion = params.normalization_params
        return PairAnimation(
            params.num_pairs,
            params.format,
            {"relative": motion.move_location, "adapt_scale": motion.movement_mult},
        )


def is_monkeynet(data: Any) -> bool:
    """Whether loaded YAML is for Monkey-Net: it says so, or has this generator's keys."""
    if not isinstance(data, Mapping):
        return False
    model = data.get("model_params")
    generator = model.get("generator_params") if isinstance(model, Mapping) else None
    return data.get("model") == "monkey-net" or (
        isinstance(generator, Mapping) and "num_refinement_blocks" in generator
    )


def _numbers_as_text(data: Any, depth: int = _DEEPEST) -> Any:
    """The same tree with the numbers of `_WORD_OR_NUMBER` as text: the schema has no type that is
    text or a number."""
    if not isinstance(data, Mapping) or not depth:
        return data
    return {
        key: repr(value)
        if key in _WORD_OR_NUMBER and type(value) in (int, float)
        else _numbers_as_text(value, depth - 1)
        for key, value in data.items()
    }


def _word_or_number(text: str) -> str | float:
    try:
        number = float(text)
    except ValueError:
        return text
    return int(number) if number.is_integer() else number
