"""A config small enough that a test can train it."""

from __future__ import annotations

import copy

import yaml

from fomm_tf.config import Config

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


def tiny_config(**changes) -> Config:
    """The config with some keys changed, by dotted path: `{"dataset_params.frame_shape": ...}`."""
    data = tiny_dict()
    for path, value in changes.items():
        *parents, key = path.split(".")
        section = data
        for parent in parents:
            section = section[parent]
        section[key] = value
    return Config.from_dict(data, "tiny config")


def write_tiny_config(path, **changes) -> None:
    tiny_config(**changes).save(path)
