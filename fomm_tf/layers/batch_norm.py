"""Batch normalisation exactly as in PyTorch."""

from __future__ import annotations

import keras
import tensorflow as tf


class BatchNorm(keras.layers.Layer):
    """Batch normalisation as in PyTorch: eps 1e-5, running statistics with momentum 0.1.

    The running variance uses the unbiased batch variance, unlike `keras.layers.BatchNormalization`.
    With several replicas the statistics are those of the global batch. A frozen one uses its
    running statistics also in training.
    """

    epsilon = 1e-5
    momentum = 0.9

    def __init__(self, features: int, **kwargs):
        super().__init__(**kwargs)
        self.gamma = self.add_weight(name="gamma", shape=(features,), initializer="ones")
        self.beta = self.add_weight(name="beta", shape=(features,), initializer="zeros")
        self.moving_mean = self._add_statistic("moving_mean", "zeros", features)
        self.moving_variance = self._add_statistic("moving_variance", "ones", features)

    def _add_statistic(self, name: str, initializer: str, features: int) -> keras.Variable:
        return self.add_weight(
            name=name,
            shape=(features,),
            initializer=initializer,
            trainable=False,
            aggregation="mean",
        )

    def call(self, inputs, training=False):
        if not (training and self.trainable):
            return self._normalize_fused(
                inputs, self.moving_mean.value, self.moving_variance.value, training=False
            )[0]
        replica = tf.distribute.get_replica_context()
        if replica is not None and replica.num_replicas_in_sync > 1:
            outputs, mean, variance = self._normalize_across(inputs, replica)
        else:
            empty = tf.zeros([0])
            outputs, mean, variance = self._normalize_fused(inputs, empty, empty, training=True)
        self.moving_mean.assign(self.momentum * self.moving_mean + (1 - self.momentum) * mean)
        self.moving_variance.assign(
            self.momentum * self.moving_variance + (1 - self.momentum) * variance
        )
        return outputs

    def _normalize_fused(self, inputs, mean, variance, training):
        # The fused kernel returns the unbiased batch variance, which PyTorch's running update uses.
        result = tf.raw_ops.FusedBatchNormV3(
            x=inputs,
            scale=self.gamma.value,
            offset=self.beta.value,
            mean=mean,
            variance=variance,
            epsilon=self.epsilon,
            is_training=training,
        )
        return result.y, result.batch_mean, result.batch_variance

    def _normalize_across(self, inputs, replica):
        axes = [0, 1, 2]
        count = tf.cast(tf.size(inputs) / inputs.shape[-1], inputs.dtype)
        count, total, squares = replica.all_reduce(
            tf.distribute.ReduceOp.SUM,
            [count, tf.reduce_sum(inputs, axes), tf.reduce_sum(tf.square(inputs), axes)],
        )
        mean = total / count
        variance = tf.maximum(squares / count - tf.square(mean), 0.0)
        outputs = tf.nn.batch_normalization(
            inputs, mean, variance, self.beta.value, self.gamma.value, self.epsilon
        )
        return outputs, mean, variance * count / tf.maximum(count - 1, 1.0)
