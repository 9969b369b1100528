"""One training step of the AVD network, alone (official train_avd.py)."""

from __future__ import annotations

import keras
import tensorflow as tf

from fomm_tf.errors import ModelError
from fomm_tf.inference.model import load_official_module
from fomm_tf.losses.perceptual import mean_distance
from fomm_tf.tpsmm.config import AVDTrainingConfig
from fomm_tf.tpsmm.model import TPSMotionModel
from fomm_tf.training.step import BaseStep, Batch, InitialWeights


class AVDTrainingStep(BaseStep):
    """Two frames of one video show one identity: from the driving keypoints, stretched at random,
    and the source's the network must restore the driving keypoints.

    The other networks rest. (In the official training the keypoint detector's running statistics
    change too, and with them all that the model does.) A batch has images and `stretch` [B, 2],
    factors of x and y.
    """

    model: TPSMotionModel
    config: AVDTrainingConfig

    def _build(self) -> None:
        self.model = TPSMotionModel(self.config.whole)

    @property
    def networks(self) -> dict[str, keras.Model]:
        """The AVD network."""
        assert self.model.avd_network is not None
        return {"avd_network": self.model.avd_network}

    def start_from(self, weights: InitialWeights) -> None:
        """Initializes the networks that rest. Raises ModelError."""
        where, modules, config = weights
        if config is not None and config.KIND != self.config.KIND:
            raise ModelError(f"{where} is a {config.KIND}, not a {self.config.KIND}")
        for name, network in self.model.networks.items():
            # Untrained it is the identity, in the official code too.
            if name != "bg_predictor" or name in modules:
                load_official_module(network, modules, name, where)

    def extra_batches(self, seed: int, start_step: int) -> tf.data.Dataset:
        """The stretches."""
        train = self.config.train_params
        low, high = 1 - train.random_scale, 1 + train.random_scale

        def draw(step: tf.Tensor) -> dict[str, tf.Tensor]:
            shape = [train.batch_size, 2]
            return {"stretch": tf.random.stateless_uniform(shape, [seed, step], low, high)}

        return tf.data.Dataset.counter(start_step).map(draw)

    def _replica_step(self, batch: Batch) -> dict[str, tf.Tensor]:
        kp_source, kp_driving = (
            self.model.kp_detector(batch[role]).value for role in ("source", "driving")
        )
        network = self.networks["avd_network"]
        with tf.GradientTape() as tape:
            loss, _ = self.loss(kp_source, kp_driving, batch["stretch"])
            total = loss / self.strategy.num_replicas_in_sync
        gradients = tape.gradient(total, network.trainable_variables)
        self.optimizers["avd_network"].apply(gradients)
        return {"shift": loss}

    def loss(
        self, kp_source: tf.Tensor, kp_driving: tf.Tensor, stretch: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """The weighted loss, and the restored keypoints [B, 5K, 2]."""
        stretched = kp_driving * stretch[:, None, :]
        restored = self.networks["avd_network"](kp_source, stretched, training=True)
        weight = self.config.train_params.lambda_shift
        return weight * mean_distance(kp_driving, restored), restored
