"""A co-part config small enough that a test can use it, and a FOMM that it can start from."""

from __future__ import annotations

import copy
from pathlib import Path

import yaml
from tiny import tiny_config

from fomm_tf.copart.config import CoPartConfig

_YAML = """
dataset_params: {root_dir: data, image_shape: [32, 32, 3], id_sampling: false}
model_params:
  common_params: {num_segments: 4, num_channels: 3, estimate_affine_part: true}
  segmentation_module_params:
    {temperature: 0.1, block_expansion: 8, max_features: 16, num_blocks: 2, scale_factor: 0.5}
  reconstruction_module_params:
    {block_expansion: 8, max_features: 16, num_down_blocks: 1, num_bottleneck_blocks: 1,
     estimate_visibility: true}
train_params:
  {num_epochs: 2, num_repeats: 4, lr_segmentation: 2.0e-4, lr_reconstruction: 2.0e-4,
   batch_size: 2, scales: [1, 0.5], checkpoint_freq: 1,
   transform_params: {sigma_affine: 0.05, sigma_tps: 0.005, points_tps: 5},
   loss_weights: {equivariance: 10, perceptual: [10, 10]}, vgg_weights: random}
visualizer_params: {kp_size: 2, draw_border: true, colormap: gist_rainbow}
"""


def tiny_copart_dict() -> dict:
    """The config as YAML gives it, free to change."""
    return copy.deepcopy(yaml.safe_load(_YAML))


def tiny_copart_config(**changes) -> CoPartConfig:
    """The config with some keys changed, by dotted path: `{"dataset_params.image_shape": ...}`."""
    data = tiny_copart_dict()
    for path, value in changes.items():
        *parents, key = path.split(".")
        section = data
        for parent in parents:
            section = section[parent]
        section[key] = value
    return CoPartConfig.from_dict(data, "tiny config")


def save_fomm(folder: Path) -> Path:
    """Writes an untrained FOMM of the same sizes as a model folder; returns it."""
    import keras

    from fomm_tf.fomm.model import FirstOrderMotionModel

    keras.utils.set_random_seed(3)
    sizes = {"block_expansion": 8, "max_features": 16}
    detector = {**sizes, "temperature": 0.1, "num_blocks": 2, "scale_factor": 0.5}
    generator = {
        **sizes,
        **{"num_down_blocks": 1, "num_bottleneck_blocks": 1, "estimate_occlusion_map": True},
        "dense_motion_params": {**sizes, "num_blocks": 2},
    }
    config = tiny_config(
        **{
            "model_params.kp_detector_params": detector,
            "model_params.generator_params": generator,
            "model_params.discriminator_params": None,
        }
    )
    FirstOrderMotionModel(config).save(folder)
    return folder
