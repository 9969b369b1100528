"""The group of keys for image-to-video prediction."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from fomm_tf.config.schema import Range, Section
from fomm_tf.config.sections import Count, LearningRate, VideoSuffix


@dataclass(frozen=True)
class RNNParams(Section):
    """The recurrent network that predicts the motion; `dropout` between its layers."""

    num_features: Annotated[int, Range(1, 65536)] = 1024
    num_layers: Annotated[int, Range(1, 16)] = 1
    dropout: Annotated[float, Range(0, 0.99)] = 0.5


@dataclass(frozen=True)
class PredictionParams(Section):
    """Image-to-video: `init_frames` of `num_frames` are given. As in the official code,
    `predict_variance: true` means that the last given frame's variance is kept."""

    rnn_params: RNNParams
    predict_variance: bool
    num_epochs: Count
    lr: LearningRate
    batch_size: Annotated[int, Range(1, 65536)]
    num_frames: Annotated[int, Range(2, 100_000)]
    init_frames: Count
    train_size: Count | None
    format: VideoSuffix

    def problems(self) -> Iterator[str]:
        """Nothing to predict."""
        if self.init_frames >= self.num_frames:
            yield (
                f"init_frames: {self.init_frames} of num_frames {self.num_frames} leaves nothing "
                "to predict"
            )
