"""Learning rates over a run."""

from __future__ import annotations

import math

from fomm_tf.config.base import BaseTrainParams


def learning_rate_factor(train: BaseTrainParams, step: int, epoch_steps: int, total: int) -> float:
    """What all learning rates are multiplied by in step `step`, counted from 0.

    A linear warm-up, times either PyTorch's MultiStepLR (a tenth from each milestone, in epochs of
    `epoch_steps`, as in the official code) or half a cosine from 1 to 0 at `total` steps
    (arXiv 1608.03983, eq. 5, one period).
    """
    warmup = min(1.0, (step + 1) / train.warmup_steps) if train.warmup_steps else 1.0
    if train.decay == "cosine":
        return warmup * (1 + math.cos(math.pi * min(step / total, 1))) / 2
    epoch = step // epoch_steps
    return warmup * 0.1 ** sum(milestone <= epoch for milestone in train.epoch_milestones)
