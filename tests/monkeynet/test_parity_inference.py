"""Inference equals the official PyTorch code, with its checkpoints, under every option."""

import dataclasses
from functools import cache

import numpy as np
import pytest
import tensorflow as tf
from monkeynet.golden import (
    CASES,
    ROOT,
    assert_close,
    assert_keypoints,
    flat,
    frames,
    keypoints,
    raw,
)

from fomm_tf import load_official
from fomm_tf.inference.model import load_official_module
from fomm_tf.layers.patch_discriminator import Judgement
from fomm_tf.monkeynet.discriminator import Discriminator
from fomm_tf.monkeynet.keypoints import GaussianKeypoints
from fomm_tf.monkeynet.losses import discriminator_loss, generator_losses
from fomm_tf.monkeynet.motion import transfer_motion
from fomm_tf.weights.torch_checkpoint import read_checkpoint

TRANSFERS = sorted(path.parent.name for path in ROOT.glob("*/transfer.npz"))
NORMALIZATIONS = sorted(path.parent.name for path in ROOT.glob("*/transfer_norm.npz"))


@cache
def load(case: str):
    return load_official(ROOT / case / "config.yaml", ROOT / case / "checkpoint.pth.tar")


def load_discriminator(case: str) -> Discriminator:
    params = load(case).config.model_params
    discriminator = Discriminator(params.common_params, params.discriminator_params)
    path = ROOT / case / "checkpoint.pth.tar"
    load_official_module(discriminator, read_checkpoint(path), "discriminator", path)
    return discriminator


def pair(case: str) -> tuple[np.ndarray, np.ndarray, GaussianKeypoints, GaussianKeypoints]:
    """Source and driving frames, [b * d, ...] each, and their stored keypoints."""
    inputs, joined = raw(case, "inputs"), keypoints(raw(case, "outputs"), "kp_joined")
    count = inputs["video"].shape[2]
    parts = [
        GaussianKeypoints(*(None if part is None else part[:, chosen] for part in joined))
        for chosen in ([0] * count, slice(1, None))
    ]
    source = np.repeat(inputs["source"], count, axis=2)
    return frames(source), frames(inputs["video"]), flat(parts[0]), flat(parts[1])


@pytest.mark.parametrize("case", CASES)
def test_keypoints(case):
    inputs = raw(case, "inputs")
    joined = np.concatenate([inputs["source"], inputs["video"]], axis=2)
    actual = load(case).detect(frames(joined))
    assert_keypoints(actual, flat(keypoints(raw(case, "outputs"), "kp_joined")), "kp_joined")


@pytest.mark.parametrize("case", CASES)
def test_generator(case):
    source, _, kp_source, kp_driving = pair(case)
    out = load(case).generate(source, kp_source, kp_driving)
    expected, extra = raw(case, "outputs"), raw(case, "extra")
    stored = expected["deformation"]
    assert np.abs(stored[..., 2]).max() == 0
    stored = stored.reshape(-1, *stored.shape[2:])[..., :2]
    assert_close(out["deformation"], stored, "deformation")
    assert_close(out["prediction"], frames(expected["video_prediction"]), "video_prediction")
    if "video_deformed" in expected:
        assert_close(out["deformed"], frames(expected["video_deformed"]), "video_deformed")
    check_extra(extra, "mask", out.get("mask"))


@pytest.mark.parametrize("case", CASES)
def test_embeddings(case):
    source, _, kp_source, kp_driving = pair(case)
    generator, extra = load(case).generator, raw(case, "extra")
    if generator.dense_motion_module is not None:
        module = generator.dense_motion_module
        small = source[:, :: round(1 / module.scale_factor), :: round(1 / module.scale_factor)]
        embedding = module.mask_embedding(small, kp_source, kp_driving)
        check_extra(extra, "mask_embedding", embedding.numpy())
    if generator.kp_embedding_module is not None:
        embedding = generator.kp_embedding_module(source, kp_source, kp_driving)
        check_extra(extra, "kp_embedding", embedding.numpy())


def check_extra(extra, name: str, actual) -> None:
    if name in extra:
        assert_close(actual, frames(extra[name]), name)
    elif f"{name}_s4" in extra:
        assert_close(actual[:, ::4, ::4], frames(extra[f"{name}_s4"]), name)
    else:
        assert actual is None or name == "mask_embedding"


@pytest.mark.parametrize("case", CASES)
def test_discriminator_and_losses(case):
    config = load(case).config
    source, driving, kp_source, kp_driving = pair(case)
    expected = raw(case, "outputs")
    videos, _, count = expected["video_prediction"].shape[:3]
    generated = load(case).generate(source, kp_source, kp_driving)
    discriminator = load_discriminator(case)
    judged = {
        "disc_generated": discriminator(
            frames(expected["video_prediction"]), kp_source, kp_driving, frames=count
        ),
        "disc_real": discriminator(driving, kp_source, kp_driving, frames=count),
    }
    for kind, judgement in judged.items():
        maps = [*judgement.feature_maps, judgement.prediction_map]
        stored = [name for name in expected if name.startswith(f"{kind}.")]
        assert f"{kind}.{len(maps) - 1}" in stored
        for name in stored:
            actual = maps[int(name.removeprefix(f"{kind}."))].numpy()
            assert_close(actual, frames(expected[name]), kind)

    weights = config.train_params.loss_weights
    names = {name.removeprefix("loss.") for name in expected if name.startswith("loss.")}
    for index in range(videos):
        own = slice(index * count, (index + 1) * count)
        fake, real = (of_video(judgement, own) for judgement in judged.values())
        losses = generator_losses(fake, real, generated["deformed"][own], weights)
        losses |= discriminator_loss(fake, real, weights)
        assert set(losses) == names
        for name, value in losses.items():
            assert_close(value.numpy(), expected[f"loss.{name}"][index], "loss")


def of_video(judgement: Judgement, own: slice) -> Judgement:
    return tf.nest.map_structure(lambda part: part[own], judgement)


@pytest.mark.parametrize("case", ["vox", "const-variance", "identity-deformation"])
def test_encode_then_decode_equals_the_single_call(case):
    model = load(case)
    source, _, kp_source, kp_driving = pair(case)
    whole = model.generate(source, kp_source, kp_driving)
    frame = model.decode(model.encode(source), kp_source, kp_driving)
    np.testing.assert_allclose(frame, whole["prediction"], rtol=0, atol=1e-6)


def test_one_encoded_source_serves_all_frames():
    source, _, kp_source, kp_driving = pair("bair")
    model = load("bair")
    whole = model.generate(source, kp_source, kp_driving)
    one = GaussianKeypoints(*(part[:1] for part in kp_source))
    out = model.generator.decode(model.encode(source[:1]), one, kp_driving)
    np.testing.assert_allclose(out["prediction"], whole["prediction"], rtol=0, atol=1e-5)


@pytest.mark.parametrize("case", TRANSFERS)
def test_transfer(case):
    model, expected = load(case), raw(case, "transfer")
    source = frames(expected["source_image"])
    kp_source, kp_driving = model.detect(source), model.detect(frames(expected["driving_video"]))
    initial = GaussianKeypoints(*(None if part is None else part[:1] for part in kp_driving))
    flags = model.config.transfer_params.normalization_params
    kp = transfer_motion(kp_source, kp_driving, initial, **dataclasses.asdict(flags))
    for name, actual in (("kp_source", kp_source), ("kp_driving", kp_driving), ("kp_norm", kp)):
        assert_keypoints(actual, flat(keypoints(expected, name)), f"transfer {name}")
    if "video_prediction" in expected:
        out = model.generator.decode(model.encode(source), kp_source, kp)
        assert_close(
            out["prediction"].numpy(),
            frames(expected["video_prediction"]),
            "transfer video_prediction",
        )


@pytest.mark.parametrize("case", NORMALIZATIONS)
def test_transfer_norm(case):
    stored = raw(case, "transfer")
    kp_source, kp_driving = (flat(keypoints(stored, f"kp_{n}")) for n in ("source", "driving"))
    initial = GaussianKeypoints(*(None if part is None else part[:1] for part in kp_driving))
    expected = raw(case, "transfer_norm")
    for name in sorted({key.rpartition(".")[0] for key in expected}):
        movement_mult, move_location, adapt_variance, clip_mean = (
            part[2] == "1" for part in name.split("_")
        )
        actual = transfer_motion(
            kp_source,
            kp_driving,
            initial,
            move_location=move_location,
            movement_mult=movement_mult,
            adapt_variance=adapt_variance,
            clip_mean=clip_mean,
        )
        assert_keypoints(actual, flat(keypoints(expected, name)), "transfer_norm")
