"""The Thin-Plate-Spline Motion Model's public class."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

import keras
import numpy as np
import tensorflow as tf

from fomm_tf.errors import ModelError
from fomm_tf.inference.folder import WEIGHTS_FILE
from fomm_tf.inference.model import BaseModel, Tensors, load_official_module
from fomm_tf.inference.visualizer import visualize
from fomm_tf.layers.groups import LayerGroup
from fomm_tf.media.drawing import draw_keypoints
from fomm_tf.tpsmm.avd_network import AVDNetwork
from fomm_tf.tpsmm.background_predictor import BackgroundPredictor
from fomm_tf.tpsmm.config import TPSMMConfig
from fomm_tf.tpsmm.dense_motion import DenseMotionNetwork
from fomm_tf.tpsmm.inpainting import InpaintingNetwork
from fomm_tf.tpsmm.keypoint_detector import KeypointDetector
from fomm_tf.tpsmm.keypoints import POINTS, SplineKeypoints
from fomm_tf.tpsmm.motion import TPSMMMotion
from fomm_tf.weights.arrays import array_names


class TPSMotionModel(TPSMMMotion, BaseModel):
    """The networks of one config, with inference on NumPy arrays.

    `detect` returns `SplineKeypoints` without a background, `detect_driving` with it if the config
    has `bg`. `generate` returns `prediction` and `deformed` [B, H, W, C], and what
    `DenseMotionNetwork` does.
    """

    OFFICIAL_MODULES = (
        *("kp_detector", "dense_motion_network", "inpainting_network"),
        *("bg_predictor", "avd_network"),
    )

    config: TPSMMConfig

    def _build(self) -> None:
        params = self.config.model_params
        common = params.common_params
        self.kp_detector = KeypointDetector(common)
        self.dense_motion_network = DenseMotionNetwork(common, params.dense_motion_params)
        self.inpainting_network = InpaintingNetwork(common, params.generator_params)
        self.bg_predictor = BackgroundPredictor(common) if common.bg else None
        avd = params.avd_network_params
        self.avd_network = None if avd is None else AVDNetwork(common, avd)
        self._background = tf.function(self.background_tensors, autograph=False)

    @property
    def networks(self) -> dict[str, keras.Model]:
        """See `BaseModel`; the AVD network is trained apart from the others."""
        networks = {
            "inpainting_network": self.inpainting_network,
            "dense_motion_network": self.dense_motion_network,
            "kp_detector": self.kp_detector,
        }
        return (
            networks
            if self.bg_predictor is None
            else networks | {"bg_predictor": self.bg_predictor}
        )

    @property
    def stored_networks(self) -> dict[str, keras.Model]:
        """See `BaseModel`."""
        if self.avd_network is None:
            return self.networks
        return self.networks | {"avd_network": self.avd_network}

    def detect_tensors(self, images: tf.Tensor) -> SplineKeypoints:
        """See `BaseModel`."""
        return self.kp_detector(images)

    def background_tensors(self, source: tf.Tensor, driving: tf.Tensor) -> tf.Tensor:
        """The motion of the driving frame's background, [B, 3, 3]."""
        assert self.bg_predictor is not None
        return self.bg_predictor(source, driving)

    def encode_tensors(self, source: tf.Tensor) -> Tensors:
        """`features` of the deepest layer, `skip_0` (the picture's size) to the next deeper ones,
        the `picture`, and the `source` at the dense motion network's size if that differs."""
        features, *skips = self.inpainting_network.encode(source)
        encoded = {"features": features}
        encoded |= {f"skip_{level}": skip for level, skip in enumerate(reversed(skips))}
        encoded["picture"] = source
        small = self.dense_motion_network.down(source)
        return encoded if small is source else encoded | {"source": small}

    def decode_tensors(
        self, encoded: Tensors, kp_source: SplineKeypoints, kp_driving: SplineKeypoints
    ) -> dict:
        """See `BaseModel`."""
        picture = encoded["picture"]
        motion = self.dense_motion_network(encoded.get("source", picture), kp_source, kp_driving)
        levels = [encoded["features"]]
        levels += [encoded[f"skip_{level}"] for level in reversed(range(self._skips))]
        return self.inpainting_network.decode(picture, levels, motion) | motion

    def detect_driving(self, source: np.ndarray, driving: np.ndarray) -> SplineKeypoints:
        """See `MotionTransfer`."""
        found = self.detect(driving)
        if self.bg_predictor is None:
            return found
        moved = self._background(self.pictures(source), self.pictures(driving))
        return found._replace(background=moved.numpy())

    def disentangle(self, kp_source: np.ndarray, kp_driving: np.ndarray) -> np.ndarray:
        """Keypoints of the source's shape in the driving pose, all [B, 5K, 2]."""
        assert self.avd_network is not None
        source = np.broadcast_to(kp_source, kp_driving.shape)
        return self.avd_network(tf.constant(source), tf.constant(kp_driving)).numpy()

    @property
    def _skips(self) -> int:
        return self.config.model_params.generator_params.num_down_blocks

    def _keypoints(self, kp: SplineKeypoints, batch: int) -> SplineKeypoints:
        shape = (batch, POINTS * self.config.model_params.common_params.num_tps, 2)
        if np.shape(kp.value) != shape:
            raise ModelError(
                f"keypoint values must be {list(shape)}, not {list(np.shape(kp.value))}"
            )
        background = kp.background
        if background is not None:
            if np.shape(background) != (batch, 3, 3):
                raise ModelError(
                    f"the background must be {[batch, 3, 3]}, not {list(np.shape(background))}"
                )
            background = tf.cast(background, tf.float32)
        return SplineKeypoints(tf.cast(kp.value, tf.float32), background)

    def draw(self, image: np.ndarray, detected: SplineKeypoints) -> np.ndarray:
        """A disc at each keypoint; see `BaseModel`."""
        params = self.config.visualizer_params
        return draw_keypoints(image, detected.value[0], params.kp_size, params.colormap)

    def visualize(self, source: np.ndarray, driving: np.ndarray) -> np.ndarray:
        """One row per pair: its frames with keypoints, and the model's intermediate results."""
        kp_source, kp_driving = self.detect(source), self.detect_driving(source, driving)
        out = self.generate(source, kp_source, kp_driving)
        shown = {name: out[name] for name in ("prediction", "deformed")}
        shown |= {
            "mask": out["contribution_maps"],
            "sparse_deformed": out["deformed_source"],
            "occlusion_map": out["occlusion_map"][-1],
        }
        params = self.config.visualizer_params
        return visualize(shown, source, driving, kp_source, kp_driving, params)

    def layer_groups(self) -> list[LayerGroup]:
        """See `BaseModel`. Convolutions only: instance norm between them stays float."""
        resnet = self.kp_detector.fg_encoder
        motion, painter = self.dense_motion_network, self.inpainting_network
        residuals = [conv for block in painter.resblock for conv in (block.conv1, block.conv2)]
        return [
            LayerGroup("detector", [c for block in resnet.blocks for c in block.convolutions]),
            LayerGroup("motion_encoder", _convolutions(motion.hourglass.encoder.down_blocks)),
            LayerGroup("motion_decoder", _convolutions(motion.hourglass.decoder.up_blocks)),
            LayerGroup("motion_up", _convolutions(motion.up)),
            LayerGroup("mask_head", [motion.maps], quality="dynamic"),
            LayerGroup("occlusion_heads", motion.occlusion, quality="dynamic"),
            LayerGroup("first", [painter.first.conv]),
            LayerGroup("down", _convolutions(painter.down_blocks)),
            LayerGroup("residuals", residuals),
            LayerGroup("up", _convolutions(painter.up_blocks)),
            LayerGroup("final", [painter.final]),
        ]

    def signature_functions(self) -> dict[str, Callable[..., Tensors]]:
        """See `BaseModel`."""
        functions = super().signature_functions()
        network = self.avd_network
        if network is None:
            return functions

        def disentangle(kp_source_value: tf.Tensor, kp_driving_value: tf.Tensor) -> Tensors:
            return {"value": network(kp_source_value, kp_driving_value)}

        return functions | {"disentangle": disentangle}

    @classmethod
    def from_official(
        cls, config: TPSMMConfig, modules: Mapping[Any, Any], checkpoint: str | os.PathLike
    ) -> Self:
        """See `BaseModel`. As in the official code a background predictor and an AVD network may
        be missing: the former then stays the identity, without the latter there is no mode `avd`.
        """
        model = cls(config if "avd_network" in modules else config.without_avd())
        for name, network in model.stored_networks.items():
            if name != "bg_predictor" or name in modules:
                load_official_module(network, modules, name, checkpoint)
        return model

    @classmethod
    def from_folder(cls, config: TPSMMConfig, folder: Path) -> Self:
        """See `BaseModel`. A folder may lack the AVD network of its config: it is trained later."""
        names = array_names(folder / WEIGHTS_FILE)
        has_avd = any(name.startswith("avd_network/") for name in names)
        return super().from_folder(config if has_avd else config.without_avd(), folder)


def _convolutions(blocks: list) -> list:
    return [block.conv for block in blocks]
