"""Adam with PyTorch's epsilon, one fused kernel per variable."""

from __future__ import annotations

import keras
import tensorflow as tf


class Adam(keras.optimizers.Adam):
    """`torch.optim.Adam` (eps 1e-8; betas as all official trainings have them) in Keras.

    PyTorch adds eps to the bias-corrected root, Keras to the uncorrected one, which makes eps
    effectively thirty times as large in the first steps.
    """

    def __init__(self, learning_rate: float, beta_1: float = 0.5, beta_2: float = 0.999, **kwargs):
        super().__init__(learning_rate, beta_1=beta_1, beta_2=beta_2, epsilon=1e-8, **kwargs)

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


def _resource(variable) -> tf.Tensor:
    """The handle of a tf.Variable, which Keras' own variables wrap."""
    return (variable.value if isinstance(variable, keras.Variable) else variable).handle
