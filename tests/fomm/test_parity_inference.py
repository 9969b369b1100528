"""Inference equals the official PyTorch code, with its checkpoints, under every option."""

import functools

import numpy as np
import pytest
from golden_files import FOMM, arrays, keypoints, load_json, raw

import fomm_tf
from fomm_tf.layers.geometry import sparse_motions

CASES = sorted(path.name for path in FOMM.glob("inference_*"))
# About ten times the difference between float32 and float64 inside PyTorch.
TOLERANCE = {
    "value": 1e-5,
    "jacobian": 1e-5,
    "heatmap_representation": 2e-4,
    "mask": 2e-4,
    "occlusion_map": 2e-4,
    "deformation": 2e-4,
    "sparse_motion": 2e-4,
    "sparse_deformed": 2e-3,
    "deformed": 2e-3,
    "prediction": 1e-3,
}


@functools.cache
def load(case: str, checkpoint: str = "checkpoint.pth.tar"):
    return fomm_tf.load_official(FOMM / case / "config.yaml", FOMM / case / checkpoint)


def assert_close(actual, expected, name: str) -> None:
    assert actual.shape == expected.shape, name
    np.testing.assert_allclose(actual, expected, rtol=0, atol=TOLERANCE[name], err_msg=name)


@pytest.mark.parametrize("case", CASES)
def test_detector_and_generator_equal_the_official_code(case):
    model = load(case)
    inputs = arrays(case, "inputs")
    kp = {}
    for role in ("source", "driving"):
        kp[role] = model.detect(inputs[role])
        expected = keypoints(case, f"kp_{role}")
        assert_close(kp[role].value, expected.value, "value")
        assert (kp[role].jacobian is None) == (expected.jacobian is None)
        if expected.jacobian is not None:
            assert_close(kp[role].jacobian, expected.jacobian, "jacobian")

    out = model.generate(inputs["source"], kp_source=kp["source"], kp_driving=kp["driving"])
    expected = arrays(case, "generator")
    if (FOMM / case / "dense_motion.npz").exists():
        expected |= {"deformation": arrays(case, "dense_motion")["deformation"]}
    assert set(out) == set(expected)
    for name, value in expected.items():
        assert_close(out[name], value, name)


@pytest.mark.parametrize("case", CASES)
def test_encode_then_decode_equals_the_single_call(case):
    model = load(case)
    inputs = arrays(case, "inputs")
    kp_source, kp_driving = keypoints(case, "kp_source"), keypoints(case, "kp_driving")
    whole = model.generate(inputs["source"], kp_source=kp_source, kp_driving=kp_driving)
    frame = model.decode(model.encode(inputs["source"]), kp_source, kp_driving)
    np.testing.assert_allclose(frame, whole["prediction"], rtol=0, atol=1e-6)


@pytest.mark.parametrize("case", ["inference_vox", "inference_kpvar_nonsquare"])
def test_sparse_motions_and_heatmaps(case):
    network = load(case).generator.dense_motion_network
    kp_source, kp_driving = keypoints(case, "kp_source"), keypoints(case, "kp_driving")
    expected = raw(case, "dense_motion")
    height, width = expected["deformation"].shape[1:3]
    heatmaps = network.heatmap_representation(kp_source, kp_driving, height, width)
    stored = np.moveaxis(expected["heatmap_representation"][:, :, 0], 1, -1)
    assert_close(heatmaps.numpy(), stored, "heatmap_representation")
    motions = sparse_motions(kp_source, kp_driving, height, width)
    assert_close(motions.numpy(), expected["sparse_motion"], "sparse_motion")


def test_keypoint_heatmap_before_and_after_the_softmax():
    detector = load("inference_vox").kp_detector
    source = arrays("inference_vox", "inputs")["source"]
    expected = arrays("inference_vox", "kp_heatmap")
    prediction = detector.kp(detector.predictor(detector.down(source)))
    np.testing.assert_allclose(prediction, expected["kp_prediction_source"], rtol=0, atol=1e-4)
    heatmap = detector.heatmap(prediction)
    np.testing.assert_allclose(heatmap, expected["kp_heatmap_source"], rtol=0, atol=2e-4)


@pytest.mark.parametrize("case", ["inference_no_occlusion", "inference_mgif_single_jacobian"])
def test_both_serializations_hold_the_same_network(case):
    source = arrays(case, "inputs")["source"]
    new, old = load(case), load(case, "checkpoint-legacy.pth.tar")
    np.testing.assert_array_equal(new.detect(source).value, old.detect(source).value)


def test_relative_motion_end_to_end():
    case = "relative_motion"
    model = load(case)
    inputs = raw(case, "inputs")
    source = np.moveaxis(inputs["source"], 1, -1)
    video = np.moveaxis(inputs["driving_video"][0], 0, -1)
    kp_source, kp_driving = model.detect(source), model.detect(video)
    initial = fomm_tf.Keypoints(kp_driving.value[:1], kp_driving.jacobian[:1])
    encoded = model.encode(source)
    for name, stored in raw(case, "prediction").items():
        relative, jacobian, adapt = (flag[-1] == "1" for flag in name.split("_"))
        frames = []
        for index in range(len(video) - len(stored), len(video)):
            kp = fomm_tf.Keypoints(
                kp_driving.value[index : index + 1], kp_driving.jacobian[index : index + 1]
            )
            kp = fomm_tf.transfer_motion(kp_source, kp, initial, relative, jacobian, adapt)
            frames.append(model.decode(encoded, kp_source, kp)[0])
        assert_close(np.stack(frames), np.moveaxis(stored, 1, -1), "prediction")


def test_reconstruction_metric():
    model = load("metrics")
    stored = load_json("metrics", "reconstruction")["per_frame_l1"]
    strips = raw("metrics", "png_strips")
    for name, video in raw("metrics", "inputs").items():
        frames = video.astype(np.float32) / 255
        kp_source, encoded = model.detect(frames[:1]), model.encode(frames[:1])
        kp_driving = model.detect(frames)
        predictions = []
        for index, frame in enumerate(frames):
            kp = fomm_tf.Keypoints(*(part[index : index + 1] for part in kp_driving))
            predictions.append(model.decode(encoded, kp_source, kp)[0])
            loss = np.abs(predictions[-1] - frame).mean()
            assert loss == pytest.approx(stored[name][index], abs=1e-5)
        strip = np.concatenate((255 * np.stack(predictions)).astype(np.uint8), axis=1)
        assert np.abs(strip.astype(int) - strips[f"png_{name}"]).max() <= 1
