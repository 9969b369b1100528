"""Adam with PyTorch's epsilon, one fused kernel per variable; clipping, accumulation of gradients,
and averages of weights."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import keras
import tensorflow as tf


class Adam(keras.optimizers.Adam):
    """`torch.optim.Adam` (eps 1e-8; betas as all official trainings have them) in Keras.

    PyTorch adds eps to the bias-corrected root, Keras to the uncorrected one, which makes eps
    effectively thirty times as large in the first steps.

    clip_norm: the most that the gradients may have as their common L2 norm. Unlike Keras'
    `global_clipnorm` it limits the sum over all replicas, not each replica's part.
    average_decay: of an exponential moving average of the weights; in the first steps it is
    (1 + t) / (10 + t), as in `tf.train.ExponentialMovingAverage`. (Keras' `use_ema` cannot run on
    several replicas.)
    accumulate: an update takes the mean of the gradients of so many calls of `apply`, which must be
    in one graph. (Keras' `gradient_accumulation_steps` updates in a branch, where replicas cannot
    talk to each other.)
    """

    def __init__(
        self,
        learning_rate: float,
        beta_1: float = 0.5,
        beta_2: float = 0.999,
        clip_norm: float | None = None,
        average_decay: float | None = None,
        accumulate: int = 1,
        **kwargs,
    ):
        super().__init__(learning_rate, beta_1=beta_1, beta_2=beta_2, epsilon=1e-8, **kwargs)
        self.clip_norm = clip_norm
        self.average_decay = average_decay
        self.accumulate = accumulate
        self._traced = _Traced()
        self._averages: list[keras.Variable] = []

    def build(self, variables: Sequence[keras.Variable]) -> None:
        super().build(variables)
        if self.average_decay is not None:
            self._averages = self.add_optimizer_variables(variables, "average")
            self.start_averages(variables)

    def averages(
        self, variables: Sequence[keras.Variable]
    ) -> list[tuple[keras.Variable, keras.Variable]]:
        """Each variable with its average; empty without `average_decay`."""
        return list(zip(variables, self._averages, strict=True)) if self._averages else []

    def start_averages(self, variables: Sequence[keras.Variable]) -> None:
        """Begins the averages at the weights as they are now."""
        for variable, average in self.averages(variables):
            average.assign(variable)

    @property
    def gradient_norm(self) -> tf.Tensor | None:
        """The norm of all gradients of the update that is being traced, before clipping."""
        return self._traced.norm

    def waiting(self) -> list[tf.Tensor]:
        """The gradients that `apply` was given for the update that is being traced."""
        return [g for gradients in self._traced.waiting for g in gradients if g is not None]

    def apply(self, grads, trainable_variables=None):
        traced = self._traced
        traced.norm = None
        traced.waiting.append(list(grads))
        if len(traced.waiting) < self.accumulate:
            return
        waiting, traced.waiting = traced.waiting, []
        super().apply([_mean(parts) for parts in zip(*waiting, strict=True)], trainable_variables)

    def update_step(self, gradient, variable, learning_rate):
        step = tf.cast(self.iterations + 1, tf.float32)
        beta_2_power = tf.pow(self.beta_2, step)
        index = self._get_variable_index(variable)
        tf.raw_ops.ResourceApplyAdam(
            var=_resource(variable),
            m=_resource(self._momentums[index]),
            v=_resource(self._velocities[index]),
            beta1_power=tf.pow(self.beta_1, step),
            beta2_power=beta_2_power,
            lr=tf.cast(learning_rate, tf.float32),
            beta1=self.beta_1,
            beta2=self.beta_2,
            epsilon=self.epsilon * tf.sqrt(1 - beta_2_power),
            grad=gradient,
        )
        if self._averages:
            average = self._averages[index]
            decay = tf.minimum(self.average_decay, (1 + step) / (10 + step))
            self.assign_sub(average, (1 - decay) * (average - variable))

    def _all_reduce_sum_gradients(self, grads_and_vars):
        summed = super()._all_reduce_sum_gradients(grads_and_vars)
        gradients, variables = zip(*summed, strict=True)
        self._traced.norm = norm = tf.linalg.global_norm(gradients)
        if self.clip_norm is None:
            return summed
        clipped, _ = tf.clip_by_global_norm(gradients, self.clip_norm, use_norm=norm)
        return list(zip(clipped, variables, strict=True))


class _Traced(threading.local):
    """Tensors of the graph that is being traced: each replica is traced in a thread of its own."""

    def __init__(self) -> None:
        self.waiting: list[list[tf.Tensor | None]] = []
        self.norm: tf.Tensor | None = None


def _mean(gradients: Sequence[tf.Tensor | None]) -> tf.Tensor | None:
    found = [gradient for gradient in gradients if gradient is not None]
    if not found or len(gradients) == 1:
        return found[0] if found else None
    return tf.add_n(found) / len(gradients)


def _resource(variable) -> tf.Tensor:
    """The handle of a tf.Variable, which Keras' own variables wrap."""
    return (variable.value if isinstance(variable, keras.Variable) else variable).handle
