"""The co-part model's public class."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Self

import keras
import numpy as np
import tensorflow as tf

from fomm_tf.copart import official
from fomm_tf.copart.config import CoPartConfig
from fomm_tf.copart.motion import CoPartMotion
from fomm_tf.copart.pictures import paint_parts, visualize_parts
from fomm_tf.copart.reconstruction import ReconstructionModule
from fomm_tf.copart.segmentation import SegmentationModule
from fomm_tf.copart.segments import Segments
from fomm_tf.errors import ModelError
from fomm_tf.fomm.config import CommonParams
from fomm_tf.fomm.dense_motion import DenseMotionNetwork
from fomm_tf.inference.model import BaseModel, Tensors, load_official_module
from fomm_tf.layers.groups import LayerGroup
from fomm_tf.weights.state_dict import state_dict


class CoPartModel(CoPartMotion, BaseModel):
    """Segmentation and reconstruction module of one config, with inference on NumPy arrays.

    `detect` returns `Segments`: segmentation [B, h, w, 1 + N], shift [B, N, 2], affine
    [B, N, 2, 2] or None. `generate` returns `prediction` and `deformed` [B, H, W, C],
    `segment_motions` [B, 1 + N, h, w, 2], `deformation` [B, h, w, 2], and if the config has it
    `visibility_maps` [B, h', w', 1] at feature resolution.
    """

    OFFICIAL_MODULES = (
        *("segmentation_module", "reconstruction_module"),
        *("kp_detector", "generator"),
    )

    config: CoPartConfig

    def _build(self) -> None:
        params = self.config.model_params
        common, reconstruction = params.common_params, params.reconstruction_module_params
        self.segmentation_module = SegmentationModule(common, params.segmentation_module_params)
        self.reconstruction_module = ReconstructionModule(common, reconstruction)
        self.dense_motion_network = None
        dense = reconstruction.dense_motion_params
        if dense is not None:
            self.dense_motion_network = DenseMotionNetwork(
                CommonParams(common.num_segments, common.num_channels, common.estimate_affine_part),
                dense,
                dense.estimate_visibility,
            )

    @classmethod
    def from_official(
        cls,
        config: CoPartConfig,
        modules: Mapping[Any, Any],
        checkpoint: str | os.PathLike,
        need_segmentation: bool = True,
    ) -> Self:
        """The model of a checkpoint read by `read_checkpoint`; `checkpoint` is for messages.

        Accepts either layout of a co-part checkpoint (see `copart.official`), and without
        `need_segmentation` also a FOMM checkpoint: its parts have shifts and affine transforms but
        a random segmentation, so part swap needs a face parser. A dense motion network in the
        checkpoint is kept, and the model's config then has its sizes. Raises ModelError with one
        line that names what does not fit.
        """
        modules = official.our_layout(modules)
        if need_segmentation and official.lacks_segmentation(modules):
            raise ModelError(
                f"{checkpoint} has no segmentation: it is a FOMM checkpoint, which can only "
                "initialize training (--init)"
            )
        model = cls(_with_dense_motion(config, modules))
        for module, network in model.stored_networks.items():
            if module == "segmentation_module" and not need_segmentation:
                load_detector(model, modules, checkpoint)
            else:
                load_official_module(network, modules, module, checkpoint)
        return model

    @property
    def networks(self) -> dict[str, keras.Model]:
        """The trained networks, by their name in checkpoints."""
        return {
            "segmentation_module": self.segmentation_module,
            "reconstruction_module": self.reconstruction_module,
        }

    @property
    def stored_networks(self) -> dict[str, keras.Model]:
        """Also FOMM's dense motion network, if there is one."""
        if self.dense_motion_network is None:
            return self.networks
        return self.networks | {"dense_motion_network": self.dense_motion_network}

    def detect_tensors(self, images: tf.Tensor) -> Segments:
        """See `BaseModel`."""
        return self.segmentation_module(images)

    def encode_tensors(self, source: tf.Tensor) -> Tensors:
        """See `BaseModel`."""
        return self.reconstruction_module.encode(source)

    def decode_tensors(
        self, encoded: Tensors, kp_source: Segments, kp_driving: Segments
    ) -> Tensors:
        """See `BaseModel`."""
        return self.reconstruction_module.decode(encoded, kp_source, kp_driving)

    def generate_tensors(
        self, source: tf.Tensor, kp_source: Segments, kp_driving: Segments
    ) -> Tensors:
        """See `BaseModel`."""
        return self.reconstruction_module(source, kp_source, kp_driving)

    def draw(self, image: np.ndarray, detected: Segments) -> np.ndarray:
        """Each part in colour; see `BaseModel`."""
        colormap = self.config.visualizer_params.colormap
        return paint_parts(image, detected.segmentation[0], colormap)

    def visualize(self, source: np.ndarray, driving: np.ndarray) -> np.ndarray:
        """One row per pair: its frames with their parts, and the model's intermediate results."""
        segments = self.detect(source), self.detect(driving)
        out = self.generate(source, *segments)
        return visualize_parts(out, source, driving, *segments, self.config.visualizer_params)

    def layer_groups(self) -> list[LayerGroup]:
        """Groups of the segmentation module: the reconstruction module is not exported."""
        module = self.segmentation_module
        head = LayerGroup("segmentation_head", [module.semantic_seg], quality="dynamic")
        return [*module.layer_groups(), head]

    def _keypoints(self, kp: Segments, batch: int) -> Segments:
        common = self.config.model_params.common_params
        shape = (batch, common.num_segments, 2)
        if np.shape(kp.shift) != shape:
            raise ModelError(
                f"the parts' shifts must be {list(shape)}, not {list(np.shape(kp.shift))}"
            )
        found = np.shape(kp.segmentation)
        if len(found) != 4 or (found[0], found[3]) != (batch, 1 + common.num_segments):
            raise ModelError(
                f"a segmentation must be [{batch}, height, width, {1 + common.num_segments}], "
                f"not {list(found)}"
            )
        maps, shift = (tf.cast(x, tf.float32) for x in (kp.segmentation, kp.shift))
        if not common.estimate_affine_part:
            return Segments(maps, shift)
        if kp.affine is None or np.shape(kp.affine) != (*shape, 2):
            raise ModelError(f"this model needs affine transforms of shape {[*shape, 2]}")
        return Segments(maps, shift, tf.cast(kp.affine, tf.float32))


def load_detector(model: CoPartModel, modules: Mapping[Any, Any], where: str | os.PathLike) -> None:
    """Sets the segmentation module's weights; a missing segmentation head keeps its random ones.

    modules: in `our_layout`. Raises ModelError.
    """
    network = model.segmentation_module
    if isinstance(modules.get("segmentation_module"), Mapping):
        own = {n: v for n, v in state_dict(network).items() if n.startswith("semantic_seg.")}
        modules = {**modules, "segmentation_module": own | modules["segmentation_module"]}
    load_official_module(network, modules, "segmentation_module", where)


def _with_dense_motion(config: CoPartConfig, modules: Mapping[Any, Any]) -> CoPartConfig:
    """The config with the sizes of the checkpoint's dense motion network, unless it has them."""
    params = config.model_params.reconstruction_module_params
    entries = modules.get("dense_motion_network")
    if params.dense_motion_params is not None or entries is None:
        return config
    dense = official.dense_motion_params(entries)
    params = replace(params, dense_motion_params=dense)
    return replace(
        config, model_params=replace(config.model_params, reconstruction_module_params=params)
    )
