"""Building blocks that the networks share, with the attribute names of the official modules."""

from __future__ import annotations

import math

import keras
import numpy as np
import tensorflow as tf


def conv2d(
    in_channels: int, filters: int, kernel_size: int, padding: str = "same", groups: int = 1
) -> keras.layers.Conv2D:
    """A built convolution with PyTorch's default initialisation: uniform in +-1/sqrt(fan in)."""
    bound = 1 / math.sqrt(in_channels // groups * kernel_size**2)
    layer = keras.layers.Conv2D(
        filters,
        kernel_size,
        padding=padding,
        groups=groups,
        kernel_initializer=keras.initializers.RandomUniform(-bound, bound),
        bias_initializer=keras.initializers.RandomUniform(-bound, bound),
    )
    layer.build((None, None, None, in_channels))
    return layer


def instance_norm(features: int) -> keras.layers.GroupNormalization:
    """A built instance normalisation with learned scale and offset."""
    layer = keras.layers.GroupNormalization(groups=-1, epsilon=1e-5)
    layer.build((None, None, None, features))
    return layer


class BatchNorm(keras.layers.Layer):
    """Batch normalisation as PyTorch does it: eps 1e-5, running statistics move by 0.1.

    The running variance takes the unbiased batch variance, which `keras.layers.BatchNormalization`
    does not. Under several replicas the statistics are those of the whole batch.
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
        if not training:
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
        # The fused kernel returns the unbiased batch variance: what PyTorch's running update takes.
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


class AntiAliasDownsample(keras.layers.Layer):
    """Gaussian blur, then every 1/scale-th pixel; scale in (0, 1]."""

    def __init__(self, scale: float, **kwargs):
        super().__init__(**kwargs)
        self.scale = scale
        self.stride = int(1 / scale)

    def call(self, inputs):
        if self.scale == 1:
            return inputs
        # Depthwise [k, k, C, 1]. A constant, not a weight: it follows from the scale alone.
        kernel = np.repeat(antialias_kernel(self.scale)[:, :, None, None], inputs.shape[-1], axis=2)
        margin = kernel.shape[0] // 2
        padded = tf.pad(inputs, [[0, 0], [margin, margin], [margin, margin], [0, 0]])
        strides = [1, self.stride, self.stride, 1]
        return tf.nn.depthwise_conv2d(padded, kernel, strides, padding="VALID")


def antialias_kernel(scale: float) -> np.ndarray:
    """The normalised Gaussian for `scale`, float32 [k, k]: 5, 13, 29 taps for 1/2, 1/4, 1/8."""
    sigma = (1 / scale - 1) / 2
    size = 2 * round(sigma * 4) + 1
    offsets = np.arange(size) - (size - 1) / 2
    profile = np.exp(-(offsets**2) / (2 * sigma**2))
    kernel = np.outer(profile, profile)
    return (kernel / kernel.sum()).astype(np.float32)


class SameBlock2d(keras.layers.Layer):
    """Convolution, norm, ReLU; the resolution stays."""

    def __init__(self, in_features: int, out_features: int, kernel_size: int = 3, **kwargs):
        super().__init__(**kwargs)
        self.conv = conv2d(in_features, out_features, kernel_size)
        self.norm = BatchNorm(out_features)

    def call(self, inputs, training=False):
        return tf.nn.relu(self.norm(self.conv(inputs), training=training))


class DownBlock2d(keras.layers.Layer):
    """Convolution, norm, ReLU, then 2x2 mean pooling."""

    def __init__(self, in_features: int, out_features: int, **kwargs):
        super().__init__(**kwargs)
        self.conv = conv2d(in_features, out_features, 3)
        self.norm = BatchNorm(out_features)

    def call(self, inputs, training=False):
        features = tf.nn.relu(self.norm(self.conv(inputs), training=training))
        return tf.nn.avg_pool2d(features, 2, 2, "VALID")


class UpBlock2d(keras.layers.Layer):
    """Nearest upsampling by two, then convolution, norm, ReLU."""

    def __init__(self, in_features: int, out_features: int, **kwargs):
        super().__init__(**kwargs)
        self.conv = conv2d(in_features, out_features, 3)
        self.norm = BatchNorm(out_features)

    def call(self, inputs, training=False):
        size = [2 * inputs.shape[1], 2 * inputs.shape[2]]
        doubled = tf.raw_ops.ResizeNearestNeighbor(images=inputs, size=size)
        return tf.nn.relu(self.norm(self.conv(doubled), training=training))


class ResBlock2d(keras.layers.Layer):
    """Pre-activation residual block of two 3x3 convolutions."""

    def __init__(self, features: int, **kwargs):
        super().__init__(**kwargs)
        self.norm1 = BatchNorm(features)
        self.conv1 = conv2d(features, features, 3)
        self.norm2 = BatchNorm(features)
        self.conv2 = conv2d(features, features, 3)

    def call(self, inputs, training=False):
        out = self.conv1(tf.nn.relu(self.norm1(inputs, training=training)))
        return inputs + self.conv2(tf.nn.relu(self.norm2(out, training=training)))


class Encoder(keras.layers.Layer):
    """The contracting half of the hourglass: returns its input and the features of every level."""

    def __init__(self, block_expansion, in_features, num_blocks, max_features, **kwargs):
        super().__init__(**kwargs)
        widths = [in_features] + _widths(block_expansion, max_features, num_blocks)[1:]
        self.down_blocks = [DownBlock2d(widths[i], widths[i + 1]) for i in range(num_blocks)]

    def call(self, inputs, training=False):
        levels = [inputs]
        for block in self.down_blocks:
            levels.append(block(levels[-1], training=training))
        return levels


class Decoder(keras.layers.Layer):
    """The expanding half of the hourglass: each level is joined with the encoder's of its size.

    `extra_features`: how many more channels every level has than the encoder's. `conv`: what comes
    after the last level, if anything.
    """

    def __init__(
        self,
        block_expansion: int,
        num_blocks: int,
        max_features: int,
        extra_features: int = 0,
        conv: keras.layers.Layer | None = None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        widths = _widths(block_expansion, max_features, num_blocks)
        self.up_blocks = [
            UpBlock2d(widths[i + 1] * (1 if i == num_blocks - 1 else 2) + extra_features, widths[i])
            for i in reversed(range(num_blocks))
        ]
        self.conv = conv

    def call(self, levels, training=False):
        *skips, out = levels
        for block, skip in zip(self.up_blocks, reversed(skips), strict=True):
            out = tf.concat([block(out, training=training), skip], axis=-1)
        return out if self.conv is None else self.conv(out)


class Hourglass(keras.layers.Layer):
    """Encoder and decoder with skips: [B, H, W, in_features] -> [B, H, W, out_features].

    `out_features`: of a 3x3 convolution at the end; without it the decoder's last level is given.
    """

    def __init__(
        self,
        block_expansion: int,
        in_features: int,
        num_blocks: int,
        max_features: int,
        out_features: int | None = None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        features = min(max_features, block_expansion) + in_features
        self.encoder = Encoder(block_expansion, in_features, num_blocks, max_features)
        conv = None if out_features is None else conv2d(features, out_features, 3)
        self.decoder = Decoder(block_expansion, num_blocks, max_features, conv=conv)
        self.out_features = out_features or features

    def call(self, inputs, training=False):
        return self.decoder(self.encoder(inputs, training=training), training=training)


def _widths(block_expansion: int, max_features: int, num_blocks: int) -> list[int]:
    return [min(max_features, block_expansion * 2**i) for i in range(num_blocks + 1)]
