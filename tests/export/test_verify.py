"""What differs is found, measured and named, and the exit code says so."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from commands import ENVIRONMENT, ROOT, assert_one_line_error
from PIL import Image
from sample_media import moving_square, write_video

import fomm_tf
from export.clips import drawn_clips, read_clip
from export.conversion import convert
from export.delegates import placements
from export.deviations import ClipDifference
from export.thresholds import THRESHOLDS, Thresholds, check, l1_change, precision_of
from export.verification import verify
from export.verify import main
from fomm_tf.errors import DataError, ModelError
from fomm_tf.inference.loading import read_manifest
from fomm_tf.inference.manifest import GENERATOR, KEYPOINT_DETECTOR
from fomm_tf.measure.metrics import MAX_PSNR
from fomm_tf.measure.tally import Tally


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "export.verify", *map(str, arguments)]
    return subprocess.run(
        line, cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True, timeout=300
    )


@pytest.fixture(scope="module")
def perturbed_dir(official_model_dir, tmp_path_factory):
    """The official model with slightly other weights in one layer of each network."""
    model = fomm_tf.load_model(official_model_dir)
    for layer in (model.kp_detector.kp, model.generator.final):
        kernel = next(weight for weight in layer.variables if len(weight.shape) == 4)
        kernel.assign(kernel * 1.2)
    folder = tmp_path_factory.mktemp("perturbed") / "model"
    model.save(folder)
    return folder


# The whole command


def test_equal_graphs_meet_their_thresholds(official_model_dir, exported_dir, tmp_path):
    out = tmp_path / "new" / "report.json"
    done = run("--model", official_model_dir, "--exported", exported_dir, "--json", out)
    assert done.returncode == 0, done.stderr
    assert "MISSED" not in done.stdout and "missed" not in done.stderr
    assert done.stdout.startswith("official, float32, 64 x 64: ")
    assert f"the same as JSON: {out}" in done.stdout

    report = json.loads(out.read_text())
    assert set(report["outputs"]) == {
        *("detect.value", "detect.jacobian", "encode.features", "encode.source"),
        "animate.frame",
    }
    for name, numbers in report["outputs"].items():
        assert 0 <= numbers["mean"] <= numbers["max"] < 2e-4, name
        assert numbers["psnr"] > 70, name
    assert report["outputs"]["animate.frame"]["max"] > 0  # two programs, not one
    assert [clip["frames"] for clip in report["clips"]] == [50, 50, 50]
    for clip in report["clips"]:
        assert 70 < clip["worst_frame_psnr"] <= clip["psnr"] < MAX_PSNR
    l1 = report["reconstruction_l1"]
    assert 0 < l1["keras"] == pytest.approx(l1["exported"], rel=1e-3)
    assert all(one["passed"] for one in report["thresholds"])
    assert report["bytes"][GENERATOR] == (exported_dir / GENERATOR).stat().st_size
    for signature in ("detect", "encode", "animate"):
        found = report["operators"][signature]
        assert f"  {signature}: {sum(found['operators'].values())}, of these by " in done.stdout
        assert found["xnnpack"]["CONV_2D"] == found["operators"]["CONV_2D"]
    assert report["operators"]["animate"]["gpu_refused"]["GATHER"] > 0
    assert "CONV_2D" not in report["operators"]["animate"]["gpu_refused"]


def test_other_weights_miss_the_thresholds(perturbed_dir, exported_dir, tmp_path):
    video = write_video(tmp_path / "clip.mp4", moving_square(7))
    done = run("--model", perturbed_dir, "--exported", exported_dir, "--driving", video)
    assert done.returncode == 1, done.stderr
    [line] = [line for line in done.stderr.splitlines() if line.startswith("missed: ")]
    for what in ("detect value differs by", "at most 2e-05", "animate frame", "at least 70"):
        assert what in line
    assert "  MISSED  animate frame is at " in done.stdout
    assert "of 7" in done.stdout
    assert "Traceback" not in done.stderr


def test_a_source_picture_and_a_folder_as_driving_video(
    official_model_dir, exported_dir, tmp_path, capsys
):
    (tmp_path / "frames").mkdir()
    for index, frame in enumerate(moving_square(3, 80, 120)):
        Image.fromarray(frame).save(tmp_path / "frames" / f"{index}.png")
    Image.fromarray(moving_square(1, 50, 70, seed=3)[0]).save(tmp_path / "face.png")
    arguments = ["--model", official_model_dir, "--exported", exported_dir]
    arguments += ["--driving", tmp_path / "frames", "--source", tmp_path / "face.png"]
    main([*map(str, arguments)])
    assert "face.png by frames" in capsys.readouterr().out


def test_a_smaller_precision_has_bars_of_its_own(official_model_dir, tmp_path, capsys):
    convert(official_model_dir, tmp_path / "out", "float16", (64, 96))
    video = write_video(tmp_path / "clip.mp4", moving_square(6, 64, 96))
    arguments = ["--model", official_model_dir, "--exported", tmp_path / "out"]
    main([*map(str, arguments), "--driving", str(video)])
    printed = capsys.readouterr().out
    assert "official, float16, 96 x 64" in printed
    assert "dB, at least 45" in printed and "2e-05" not in printed


def test_a_recipe_has_thresholds_of_its_own(official_model_dir, tmp_path):
    convert(official_model_dir, tmp_path / "out", "int8", recipe="fast")
    video = write_video(tmp_path / "clip.mp4", moving_square(3))
    report = verify(official_model_dir, tmp_path / "out", video)
    assert "official, int8 fast, 64 x 64" in report.lines()[0]
    texts = [text for _, text in report.checks if "CompiledModel" not in text]
    assert [text.partition(", at ")[2] for text in texts] == ["least 32", "least 32", "most 5%"]
    compiled = [text.split()[1] for _, text in report.checks if "CompiledModel" in text]
    assert compiled == ["value", "jacobian", "features", "source", "frame"]
    assert report.to_dict()["precision"] == "int8 fast"
    assert report.operators["animate"].operators["QUANTIZE"] > 0


def test_an_export_of_another_model(tiny_model_dir, exported_dir):
    done = run("--model", tiny_model_dir, "--exported", exported_dir)
    assert_one_line_error(
        done, exported_dir, "was not exported from", tiny_model_dir, "model_params."
    )
    assert done.stdout == ""


def test_what_cannot_be_compared(official_model_dir, exported_dir, tmp_path, capsys):
    good = ["--model", str(official_model_dir), "--exported", str(exported_dir)]
    with pytest.raises(ModelError, match="no such model folder"):
        main(["--model", str(tmp_path / "none"), "--exported", str(exported_dir)])
    with pytest.raises(ModelError, match="is not an exported model"):
        main(["--model", str(official_model_dir), "--exported", str(official_model_dir)])
    shutil.copytree(exported_dir, tmp_path / "damaged")
    content = bytearray((tmp_path / "damaged" / GENERATOR).read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / "damaged" / GENERATOR).write_bytes(content)
    with pytest.raises(ModelError, match="generator.tflite is damaged"):
        main([*good[:2], "--exported", str(tmp_path / "damaged")])
    (tmp_path / "bad.mp4").write_bytes(b"no video")
    with pytest.raises(DataError, match="bad.mp4"):
        main([*good, "--driving", str(tmp_path / "bad.mp4")])
    with pytest.raises(DataError, match="--json: .* is a folder"):
        main([*good, "--json", str(tmp_path)])
    with pytest.raises(SystemExit) as stopped:
        main([*good, "--source", "face.png"])
    assert stopped.value.code == 2
    assert "--source goes with --driving" in capsys.readouterr().err


def test_help_does_not_wait_for_tensorflow():
    line = [sys.executable, "-X", "importtime", "-m", "export.verify", "--help"]
    done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and "examples:" in done.stdout
    assert "argparse" in done.stderr and "tensorflow" not in done.stderr


# Its parts


def test_tally():
    tally = Tally(peak=1)
    tally.add(np.zeros((2, 2)), np.full((2, 2), 0.1))
    tally.add(np.zeros((2, 2)), np.array([[0.3, 0], [0, -0.3]], np.float32))
    assert tally.max == pytest.approx(0.3) and tally.mean == pytest.approx(0.125)
    assert tally.psnr == pytest.approx(-10 * math.log10((0.04 + 0.18) / 8))
    assert tally.worst_psnr == pytest.approx(-10 * math.log10(0.18 / 4))


def test_tally_takes_the_range_of_other_outputs_and_shows_what_is_no_number():
    tally = Tally()
    tally.add(np.array([-3.0, 5.0]), np.array([-3.0, 5.8]))
    assert tally.psnr == pytest.approx(-10 * math.log10(0.32 / 64))
    same = Tally()
    same.add(np.ones(3), np.ones(3))
    assert (same.max, same.psnr) == (0, MAX_PSNR)
    for first in (np.nan, 0):
        tally = Tally(peak=1)
        tally.add(np.zeros(2), np.array([first, 1]))
        tally.add(np.zeros(2), np.array([0, np.nan]))
        assert all(map(math.isnan, (tally.max, tally.mean, tally.psnr, tally.worst_psnr)))


def clip(animated: float, exported: float = 0.0) -> ClipDifference:
    """One whose frames differ by `animated`, and whose reconstructions are off by 0.1 and more."""
    found = ClipDifference("some clip", 1)
    picture = np.zeros((12, 12, 3), np.float32)
    found.animation.add(picture, picture + animated)
    found.keras.add(picture + 0.1, picture)
    found.exported.add(picture + 0.1 + exported, picture)
    return found


@pytest.mark.parametrize(
    ("animated", "exported", "missed"),
    [
        (0.009, 0.0, []),  # 40.9 dB
        (0.011, 0.0, ["some clip is at 39.2 dB, at least 40"]),
        (np.nan, 0.0, ["some clip is at nan dB, at least 40"]),
        (0.001, 0.0019, []),
        (0.001, 0.0021, ["L1 of reconstruction changes by +2.10%, at most 2%"]),
        (0.001, -0.0021, ["L1 of reconstruction changes by -2.10%, at most 2%"]),
    ],
)
def test_thresholds_of_clips(animated, exported, missed):
    checks = list(check(Thresholds(psnr=40, l1=0.02), {}, [clip(0), clip(animated, 2 * exported)]))
    assert len(checks) == 3
    assert [text for passed, text in checks if not passed] == missed


def test_thresholds_of_outputs():
    def tally(difference: float, peak: float | None = None) -> Tally:
        found = Tally(peak)
        found.add(np.array([0.0, 1.0]), np.array([0.0, 1 + difference]))
        return found

    limits = Thresholds(psnr=60, picture=2e-4, keypoints=2e-5)
    good = {("detect", "value"): tally(1.9e-5), ("animate", "frame"): tally(1.9e-4, 1)}
    assert len(list(check(limits, good, []))) == 3
    assert all(passed for passed, _ in check(limits, good, []))
    for key, difference in ((("detect", "jacobian"), 2.1e-5), (("animate", "frame"), 2.1e-4)):
        worse = {key: tally(difference, 1 if key[1] == "frame" else None)}
        assert not all(passed for passed, _ in check(limits, good | worse, []))
    # What the encoder gives has no limit of its own: it shows in the frames.
    assert not list(check(limits, {("encode", "features"): tally(1)}, []))


def test_every_precision_has_thresholds(exported_dir):
    assert precision_of(read_manifest(exported_dir)) == "float32"
    assert set(THRESHOLDS) == {"float32", "float16", "dynamic", "int8 quality", "int8 fast"}
    assert THRESHOLDS["float32"] == Thresholds(psnr=70, picture=2e-4, keypoints=2e-5)
    assert THRESHOLDS["int8 quality"] == Thresholds(psnr=38, l1=0.02)
    assert THRESHOLDS["int8 fast"] == Thresholds(psnr=32, l1=0.05)
    assert l1_change([clip(0, 0.01)]) == pytest.approx(0.1)


def test_xnnpack_is_asked_about_every_signature():
    module = tf.Module()
    module.kernel = tf.Variable(tf.ones([3, 3, 4, 4]))

    def convolve(picture):
        return {"out": tf.nn.relu(tf.nn.conv2d(picture, module.kernel, 1, "SAME"))}

    def pick(picture):
        line = tf.reshape(picture, [-1, 4])
        rows = tf.cast(line[:5, 0], tf.int32)
        return {"out": tf.nn.sigmoid(tf.gather(line, rows)) - 1}

    picture = tf.TensorSpec([1, 8, 8, 4], tf.float32, "picture")
    functions = [tf.function(one).get_concrete_function(picture) for one in (convolve, pick)]
    content = converted(module, dict(zip(("convolve", "pick"), functions, strict=True)))
    found = placements(content)
    assert set(found) == {"convolve", "pick"}
    counts, taken, partitions, refused = found["convolve"]
    assert counts == taken == {"CONV_2D": 1} and partitions == 1 and not refused
    counts, taken, partitions, refused = found["pick"]
    assert counts["GATHER"] == 1 and not taken["GATHER"] and taken["LOGISTIC"] == 1
    assert taken["CONV_2D"] == 0 and taken <= counts and partitions >= 1
    assert refused["GATHER"] == refused["CAST"] == 1 and not refused["LOGISTIC"]


def converted(module: tf.Module, signatures: dict) -> bytes:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        tf.saved_model.save(module, folder, signatures=signatures)
        converter = tf.lite.TFLiteConverter.from_saved_model(
            folder, signature_keys=list(signatures)
        )
        return converter.convert()


def test_xnnpack_and_a_detector(exported_dir):
    [(name, found)] = placements((exported_dir / KEYPOINT_DETECTOR).read_bytes()).items()
    assert name == "detect"
    # It has no kernel for this one, which therefore cuts the graph into parts.
    cuts = found.operators["RESIZE_NEAREST_NEIGHBOR"]
    assert cuts and not found.xnnpack["RESIZE_NEAREST_NEIGHBOR"]
    assert found.partitions == cuts + 1
    assert found.xnnpack.total() == found.operators.total() - cuts


def test_clips_are_of_the_models_size_and_can_be_read_again(tmp_path):
    first, second = drawn_clips((64, 96), pairs=((0, 1), (2, 3)), frames=3)
    assert first.source.shape == (64, 96, 3) and first.count == 3
    assert [frame.shape for frame in first.driving] == 3 * [(64, 96, 3)]
    assert not np.array_equal(first.source, second.source)
    assert not np.array_equal(first.source, next(iter(first.driving)))

    video = write_video(tmp_path / "clip.mp4", moving_square(4, 64, 64), lossless=True)
    read = read_clip(video, None, (32, 64))
    frames = [list(read.driving) for _ in range(2)]
    assert len(frames[0]) == 4 and np.array_equal(*frames)
    assert np.array_equal(read.source, frames[0][0]) and read.source.shape == (32, 64, 3)
