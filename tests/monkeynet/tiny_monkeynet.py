"""A Monkey-Net config small enough that a test can train it."""

from __future__ import annotations

import yaml

from fomm_tf.monkeynet.config import MonkeyNetConfig

_YAML = """
dataset_params: {root_dir: data, image_shape: [32, 32, 3],
  augmentation_params: {flip_param: {horizontal_flip: true, time_flip: true}}}
model_params:
  common_params: {num_kp: 3, kp_variance: matrix, num_channels: 3}
  kp_detector_params: {temperature: 0.1, block_expansion: 4, max_features: 16, num_blocks: 2}
  generator_params:
    {block_expansion: 4, max_features: 16, num_blocks: 2, num_refinement_blocks: 1,
     dense_motion_params:
       {block_expansion: 4, max_features: 16, num_blocks: 2, use_mask: true, use_correction: true,
        mask_embedding_params: {use_deformed_source_image: true, heatmap_type: difference},
        num_group_blocks: 1},
     kp_embedding_params: {norm_const: 100}}
  discriminator_params:
    {block_expansion: 4, max_features: 16, num_blocks: 2, kp_embedding_params: {norm_const: 100}}
train_params:
  {detach_kp_generator: false, detach_kp_discriminator: true, num_epochs: 2, num_repeats: 4,
   epoch_milestones: [1], lr: 2.0e-4, batch_size: 2,
   loss_weights: {reconstruction: [10, 10, 1], reconstruction_deformed: 0, generator_gan: 1,
     discriminator_gan: 1},
   log_params: {cpk_freq_epoch: 1}}
reconstruction_params: {num_videos: 10, format: .gif}
transfer_params: {num_pairs: 1, format: .gif, normalization_params: {move_location: true}}
prediction_params:
  {rnn_params: {num_features: 8}, predict_variance: true, num_epochs: 1, lr: 0.001, batch_size: 4,
   num_frames: 4, init_frames: 1, train_size: 4, format: .gif}
visualizer_params: {kp_size: 2, draw_border: true}
"""


def tiny_monkeynet_config() -> MonkeyNetConfig:
    """The config, checked."""
    return MonkeyNetConfig.from_dict(yaml.safe_load(_YAML), "tiny config")
