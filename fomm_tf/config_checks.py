"""What the keys of a configuration may not say together; each check yields one line.

A line begins with the dotted path of a key to change. `fomm_tf.config` raises the first. The public
functions that take parts of a config are for all kinds of models.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fomm_tf.config import BaseConfig, Config, DatasetParams


def networks(model: Any) -> dict[str, Any]:
    """The sections of detector, dense motion network (if there is one) and generator, by their path
    below `model_params`."""
    shared = ("common_params", "discriminator_params")
    detector, generator = (f.name for f in fields(model) if f.name not in shared)
    sections = {detector: getattr(model, detector), generator: getattr(model, generator)}
    if dense := sections[generator].dense_motion_params:
        sections[f"{generator}.dense_motion_params"] = dense
    return sections


def downsampling(config: BaseConfig) -> dict[str, int]:
    """By how much each network downsamples a picture, by its path below `model_params`."""
    return {
        path: 1 << params.num_down_blocks
        if hasattr(params, "num_down_blocks")
        else round(1 / params.scale_factor) << params.num_blocks
        for path, params in networks(config.model_params).items()
    }


def contradictions(config: Config) -> Iterator[str]:
    """What is wrong between the keys of FOMM that are each fine."""
    yield from channel_contradictions(config)
    yield from size_contradictions(config)
    yield from _model_contradictions(config)
    yield from loss_contradictions(config.train_params)
    yield from _gan_contradictions(config)
    yield from augmentation_contradictions(config.dataset_params)


def size_contradictions(config: BaseConfig) -> Iterator[str]:
    """Frames whose size does not fit the networks, and networks that are contradictory in
    themselves."""
    height, width, _ = config.dataset_params.frame_shape
    model = config.model_params
    for path, multiple in downsampling(config).items():
        if height % multiple or width % multiple:
            yield (
                f"dataset_params.frame_shape: height {height} and width {width} must be multiples "
                f"of {multiple}, which model_params.{path} downsamples by"
            )
    for path, params in networks(model).items():
        if params.max_features < params.block_expansion:
            yield (
                f"model_params.{path}.max_features: must be at least block_expansion "
                f"({params.block_expansion}), is {params.max_features}"
            )


def channel_contradictions(config: BaseConfig) -> Iterator[str]:
    """Frames of other channels than the networks'."""
    channels = config.dataset_params.frame_shape[2]
    expected = config.model_params.common_params.num_channels
    if channels != expected:
        yield (
            f"dataset_params.frame_shape: has {channels} channels, but "
            f"model_params.common_params.num_channels is {expected}"
        )


def loss_contradictions(train: Any) -> Iterator[str]:
    """What perceptual and equivariance loss cannot do with these `train_params`."""
    if len(train.loss_weights.perceptual) > 5:
        yield (
            "train_params.loss_weights.perceptual: at most 5 weights, one per VGG layer, "
            f"has {len(train.loss_weights.perceptual)}"
        )
    transform = train.transform_params
    if (transform.sigma_tps is None) != (transform.points_tps is None):
        yield "train_params.transform_params: sigma_tps and points_tps go together; one is missing"


def augmentation_contradictions(dataset: DatasetParams) -> Iterator[str]:
    """What the augmentation cannot do."""
    augmentation = dataset.augmentation_params
    if augmentation and augmentation.resize_param and not augmentation.crop_param:
        yield (
            "dataset_params.augmentation_params.resize_param: needs crop_param, "
            "or the frames of a batch differ in size"
        )


def pyramid_contradictions(config: BaseConfig) -> Iterator[str]:
    """Pictures that are too small for the perceptual loss."""
    side = min(config.dataset_params.frame_shape[:2])
    train = config.train_params
    # VGG halves the picture before each of its layers but the first.
    depth = max((i for i, weight in enumerate(train.loss_weights.perceptual) if weight), default=0)
    for scale in train.scales:
        if int(side * scale) < 1 << depth:
            yield (
                f"train_params.scales: {scale:g} leaves {int(side * scale)} pixels of {side}, "
                f"and the perceptual loss needs {1 << depth}"
            )


def _model_contradictions(config: Config) -> Iterator[str]:
    height, width, _ = config.dataset_params.frame_shape
    model = config.model_params
    common, detector = model.common_params, model.kp_detector_params
    generator, dense = model.generator_params, model.generator_params.dense_motion_params
    head = [side * detector.scale_factor - 6 + 2 * detector.pad for side in (height, width)]
    if min(head) < 2:
        yield (
            "model_params.kp_detector_params.scale_factor: leaves a heatmap of less than 2 pixels "
            f"for frames of {height}x{width}; raise it, or pad"
        )
    if detector.single_jacobian_map and not common.estimate_jacobian:
        yield (
            "model_params.kp_detector_params.single_jacobian_map: needs "
            "model_params.common_params.estimate_jacobian"
        )
    if generator.estimate_occlusion_map and not dense:
        yield (
            "model_params.generator_params.estimate_occlusion_map: needs dense_motion_params, "
            "the network that estimates it"
        )
    if generator.blend_source and not generator.estimate_occlusion_map:
        yield (
            "model_params.generator_params.blend_source: needs estimate_occlusion_map, "
            "which says where to blend"
        )


def _gan_contradictions(config: Config) -> Iterator[str]:
    train, weights = config.train_params, config.train_params.loss_weights
    discriminator = config.model_params.discriminator_params
    if weights.equivariance_jacobian and not config.model_params.common_params.estimate_jacobian:
        yield (
            "train_params.loss_weights.equivariance_jacobian: needs "
            "model_params.common_params.estimate_jacobian; set it to 0"
        )
    if not weights.generator_gan:
        return
    if not discriminator:
        yield (
            "train_params.loss_weights.generator_gan: needs model_params.discriminator_params; "
            "set it to 0 to train without a GAN"
        )
        return
    if not weights.discriminator_gan:
        yield (
            "train_params.loss_weights.discriminator_gan: must be more than 0 where generator_gan "
            "is, or the generator plays against a discriminator that never learns"
        )
    for scale in discriminator.scales:
        if scale not in train.scales:
            yield (
                f"model_params.discriminator_params.scales: {scale:g} is not among "
                "train_params.scales, the pictures that it could look at"
            )
    if any(weights.feature_matching) and len(weights.feature_matching) < discriminator.num_blocks:
        yield (
            f"train_params.loss_weights.feature_matching: needs {discriminator.num_blocks} "
            f"weights, one per block of the discriminator, has {len(weights.feature_matching)}"
        )


def training_contradictions(config: Config) -> Iterator[str]:
    """What only the training of FOMM cannot do: pictures that are too small for its losses."""
    yield from pyramid_contradictions(config)
    height, width, _ = config.dataset_params.frame_shape
    side = min(height, width)
    discriminator = config.model_params.discriminator_params
    if not (config.train_params.loss_weights.generator_gan and discriminator):
        return
    for scale in discriminator.scales:
        left = int(side * scale)
        for block in range(discriminator.num_blocks):
            left -= 3
            if block < discriminator.num_blocks - 1:
                left //= 2
        if left < 1:
            yield (
                f"model_params.discriminator_params.num_blocks: {discriminator.num_blocks} blocks "
                f"are too many for frames of {height}x{width} at scale {scale:g}"
            )
