"""A config as small as this kind can be: its detector is always a whole ResNet-18."""

from __future__ import annotations

import copy

import yaml

from fomm_tf.tpsmm.config import TPSMMConfig

_YAML = """
dataset_params: {root_dir: data, frame_shape: [32, 32, 3]}
model_params:
  common_params: {num_tps: 3, num_channels: 3, bg: false, multi_mask: true}
  generator_params: {block_expansion: 4, max_features: 8, num_down_blocks: 3}
  dense_motion_params: {block_expansion: 4, max_features: 8, num_blocks: 2, scale_factor: 0.25}
  avd_network_params: {id_bottle_size: 8, pose_bottle_size: 8}
train_params:
  {num_epochs: 4, num_repeats: 2, epoch_milestones: [3], lr_generator: 2.0e-4, batch_size: 2,
   scales: [1], dropout_epoch: 2, dropout_maxp: 0.3, dropout_startp: 0.1, dropout_inc_epoch: 2,
   bg_start: 1, transform_params: {sigma_affine: 0.05, sigma_tps: 0.005, points_tps: 5},
   loss_weights:
     {perceptual: [0, 0, 0, 0, 0], pixel: 10, equivariance_value: 10, warp_loss: 10, bg: 10}}
train_avd_params:
  {num_epochs: 4, num_repeats: 2, batch_size: 2, epoch_milestones: [2], lr: 1.0e-3,
   lambda_shift: 1, random_scale: 0.25}
visualizer_params: {kp_size: 2, draw_border: true, colormap: gist_rainbow}
"""


def tiny_dict() -> dict:
    """The config as YAML gives it, free to change."""
    return copy.deepcopy(yaml.safe_load(_YAML))


def tiny_config(**changes) -> TPSMMConfig:
    """The config with some keys changed, by dotted path."""
    data = tiny_dict()
    for path, value in changes.items():
        *parents, key = path.split(".")
        section = data
        for parent in parents:
            section = section[parent]
        section[key] = value
    return TPSMMConfig.from_dict(data, "tiny config")
