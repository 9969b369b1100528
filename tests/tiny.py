"""A config small enough that a test can train it."""

from __future__ import annotations

import copy

import numpy as np
import yaml

from fomm_tf.fomm.config import FOMMConfig
from fomm_tf.registry import kind_of

_YAML = """
dataset_params: {root_dir: data, frame_shape: [64, 64, 3], id_sampling: false,
  augmentation_params: {flip_param: {horizontal_flip: true, time_flip: true}}}
model_params:
  common_params: {num_kp: 4, num_channels: 3, estimate_jacobian: true}
  kp_detector_params:
    {temperature: 0.1, block_expansion: 8, max_features: 16, num_blocks: 2, scale_factor: 0.5}
  generator_params:
    {block_expansion: 8, max_features: 16, num_down_blocks: 2, num_bottleneck_blocks: 1,
     estimate_occlusion_map: true,
     dense_motion_params: {block_expansion: 8, max_features: 16, num_blocks: 2, scale_factor: 0.5}}
  discriminator_params: {scales: [1], block_expansion: 8, max_features: 16, num_blocks: 2, sn: true}
train_params:
  {num_epochs: 2, num_repeats: 4, epoch_milestones: [1],
   lr_generator: 2.0e-4, lr_discriminator: 2.0e-4, lr_kp_detector: 2.0e-4,
   batch_size: 2, scales: [1, 0.5], checkpoint_freq: 1,
   transform_params: {sigma_affine: 0.05, sigma_tps: 0.005, points_tps: 5},
   loss_weights: {generator_gan: 0, discriminator_gan: 0, feature_matching: [10, 10], pixel: 10,
     perceptual: [0, 0, 0, 0, 0], equivariance_value: 10, equivariance_jacobian: 10}}
reconstruction_params: {num_videos: 100, format: .mp4}
animate_params:
  {num_pairs: 2, format: .mp4, normalization_params:
    {adapt_movement_scale: false, use_relative_movement: true, use_relative_jacobian: true}}
visualizer_params: {kp_size: 2, draw_border: true, colormap: gist_rainbow}
"""


def tiny_dict() -> dict:
    """The config as YAML gives it, free to change."""
    return copy.deepcopy(yaml.safe_load(_YAML))


def tiny_config(**changes) -> FOMMConfig:
    """The config with some keys changed, by dotted path: `{"dataset_params.frame_shape": ...}`."""
    data = tiny_dict()
    for path, value in changes.items():
        *parents, key = path.split(".")
        section = data
        for parent in parents:
            section = section[parent]
        section[key] = value
    return FOMMConfig.from_dict(data, "tiny config")


def write_tiny_config(path, **changes) -> None:
    tiny_config(**changes).save(path)


def save_random_model(folder, config, seed: int, gain: float, spread: float):
    """Writes a model of any kind with large weights, so that what it gives is not the same
    everywhere, and returns it.

    Kernels are `gain` times as large as new ones; those that begin as nothing (of Jacobians, of
    Monkey-Net's motion) are drawn with the standard deviation `spread`.
    """
    import keras

    keras.utils.set_random_seed(seed)
    model = kind_of(config).model()(config)
    noise = np.random.default_rng(seed)
    for network in model.networks.values():
        for kernel in (v for v in network.variables if len(v.shape) == 4):
            kernel.assign(
                gain * kernel if np.any(kernel) else noise.normal(0, spread, kernel.shape)
            )
    model.save(folder)
    return model
