"""The exponential moving average of the weights, in the place of the weights."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from fomm_tf.training.step import BaseStep


@contextmanager
def averaged_weights(step: BaseStep) -> Iterator[None]:
    """Within the block the model's networks hold their averages; without `ema`, their weights.

    The running statistics of batch norms are those of the training: averages already.
    """
    pairs = [
        pair
        for name, network in step.networks.items()
        for pair in step.optimizers[name].averages(network.trainable_variables)
    ]
    trained = [variable.numpy() for variable, _ in pairs]
    try:
        for variable, average in pairs:
            variable.assign(average)
        yield
    finally:
        for (variable, _), value in zip(pairs, trained, strict=True):
            variable.assign(value)
