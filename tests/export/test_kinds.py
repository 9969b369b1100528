"""Monkey-Net, and the segmentation module of a co-part model, by the same stage and commands."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from commands import ROOT, assert_one_line_error, run_command, run_program
from copart.tiny_copart import tiny_copart_dict
from monkeynet.tiny_monkeynet import tiny_monkeynet_config
from PIL import Image
from sample_media import moving_square, write_video
from tiny import save_random_model

import fomm_tf
from export import benchmark, layer_groups
from export.conversion import convert
from export.convert import main as convert_main
from export.preconditions import check_replaceable
from export.verify import main as verify_main
from fomm_tf.animate import main as animate
from fomm_tf.copart.config import CoPartConfig
from fomm_tf.copart.exported import SEGMENTATION
from fomm_tf.errors import ModelError
from fomm_tf.inference.manifest import GENERATOR, KEYPOINT_DETECTOR, MANIFEST_FILE
from fomm_tf.inference.motion import MotionOptions
from fomm_tf.measure.metrics import psnr
from fomm_tf.monkeynet.config import MonkeyNetConfig

# Of the models here, see `save_random_model`.
RANDOM = {"seed": 4, "gain": 2, "spread": 0.1}


def changed(data: dict, changes: dict) -> dict:
    """Some keys of a config changed, by their path from `model_params` on."""
    for path, value in changes.items():
        *parents, key = path.split(".")
        section = data["model_params"]
        for parent in parents:
            section = section[parent]
        section[key] = value
    return data


def monkeynet(**changes) -> MonkeyNetConfig:
    data = tiny_monkeynet_config().to_dict()
    data["transfer_params"]["normalization_params"] |= {
        "clip_mean": True,
        "adapt_variance": "common_params.kp_variance" not in changes,
    }
    return MonkeyNetConfig.from_dict(changed(data, changes))


def parts(**changes) -> CoPartConfig:
    return CoPartConfig.from_dict(changed(tiny_copart_dict(), changes))


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Of both kinds the model folder, and beside it what it is exported to in float32."""
    root = tmp_path_factory.mktemp("kinds")
    for name, config in (("monkey", monkeynet()), ("parts", parts())):
        save_random_model(root / name, config, **RANDOM)
        convert(root / name, root / f"{name}-float32", "float32")
    return root


@pytest.fixture
def pictures():
    return [frame[None].astype(np.float32) / 255 for frame in moving_square(4, 32, 32)]


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clip")
    Image.fromarray(moving_square(1, 40, 40, seed=2)[0]).save(folder / "me.png")
    write_video(folder / "talk.mp4", moving_square(20, 40, 40, seed=1), fps=10)
    return folder


def assert_equal(exported, model, pictures, detected=2e-5, picture=2e-4):
    """All that the graphs give, against the Keras model."""
    keypoints = [model.detect(one) for one in pictures[:2]]
    for one, expected in zip(pictures, keypoints, strict=False):
        for name, found in exported.detect(one)._asdict().items():
            value = getattr(expected, name)
            assert (found is None) == (value is None)
            if value is not None:
                np.testing.assert_allclose(found, value, rtol=0, atol=detected, err_msg=name)
    if exported.animates:
        encoded, expected = (one.encode(pictures[0]) for one in (exported, model))
        assert encoded.keys() == expected.keys()
        frames = [
            one.decode(own, *keypoints)
            for one, own in zip((exported, model), (encoded, expected), strict=True)
        ]
        np.testing.assert_allclose(*frames, rtol=0, atol=picture)
        assert frames[1].std() > 0.01


# Converting


def test_a_monkeynet_in_float32(folders, pictures):
    exported = fomm_tf.load_exported(folders / "monkey-float32")
    model = fomm_tf.load_model(folders / "monkey")
    assert exported.config == model.config and exported.frame_size == (32, 32)
    assert_equal(exported, model, pictures)
    moved = exported.decode(exported.encode(pictures[0]), *map(model.detect, pictures[::3]))
    still = exported.decode(exported.encode(pictures[0]), *2 * [model.detect(pictures[0])])
    assert np.abs(moved - still).max() > 0.01


def test_a_segmentation_in_float32(folders, pictures):
    exported = fomm_tf.load_exported(folders / "parts-float32")
    model = fomm_tf.load_model(folders / "parts")
    assert_equal(exported, model, pictures)
    assert exported.detect(pictures[0]).segmentation.std() > 0.01
    assert {path.name for path in (folders / "parts-float32").iterdir()} == {
        *(MANIFEST_FILE, SEGMENTATION)
    }


@pytest.mark.parametrize(
    "config",
    [
        monkeynet(
            **{
                "common_params.kp_variance": "single",
                "kp_detector_params.scale_factor": 0.5,
                "generator_params.interpolation_mode": "trilinear",
                "generator_params.dense_motion_params.scale_factor": 0.5,
                "generator_params.dense_motion_params.mask_embedding_params": {
                    "use_difference": True,
                    "use_heatmap": False,
                },
                "generator_params.kp_embedding_params.scale_factor": 0.5,
                "generator_params.max_features": 12,
            }
        ),
        # Nothing looks at the keypoints, which `animate` takes all the same.
        monkeynet(
            **{
                "common_params.kp_variance": 0.01,
                "generator_params.dense_motion_params": None,
                "generator_params.kp_embedding_params": None,
            }
        ),
        monkeynet(
            **{
                "kp_detector_params.clip_variance": 0.001,
                "generator_params.dense_motion_params.use_mask": False,
                "generator_params.kp_embedding_params.norm_const": "sum",
            }
        ),
        parts(
            **{
                "common_params.estimate_affine_part": False,
                "segmentation_module_params.scale_factor": 1,
            }
        ),
    ],
    ids=["single", "still", "correction", "shifts"],
)
def test_other_configs(config, pictures, tmp_path):
    model = save_random_model(tmp_path / "model", config, **RANDOM)
    manifest = convert(tmp_path / "model", tmp_path / "out", "float32")
    assert_equal(fomm_tf.load_exported(tmp_path / "out"), model, pictures)
    assert ("frame" not in manifest.difference.deviations) == isinstance(config, CoPartConfig)


@pytest.mark.parametrize("name", ["monkey", "parts"])
@pytest.mark.parametrize(("precision", "decibels"), [("float16", 45), ("dynamic", 20)])
def test_smaller_precisions(name, precision, decibels, folders, pictures, tmp_path):
    manifest = convert(folders / name, tmp_path / "out", precision)
    model, exported = fomm_tf.load_model(folders / name), fomm_tf.load_exported(tmp_path / "out")
    kp = [model.detect(picture) for picture in pictures[:2]]
    both = (exported, model)
    if name == "monkey":
        found, expected = (one.decode(one.encode(pictures[0]), *kp) for one in both)
        assert manifest.difference.deviations["variances"].max > 0
    else:
        found, expected = (one.detect(pictures[0]).segmentation for one in both)
        assert manifest.difference.deviations["jacobians"].max > 0
    assert decibels < psnr(np.square(found - expected).mean()) < 120  # it is another precision
    whole = json.loads((folders / f"{name}-float32" / MANIFEST_FILE).read_text())["graphs"]
    assert sum(one.bytes for one in manifest.graphs) < 0.9 * sum(one["bytes"] for one in whole)


def test_what_the_command_and_the_manifest_say(folders, tmp_path, capsys):
    line = ["--model", str(folders / "parts"), "--out", str(tmp_path / "out")]
    convert_main([*line, "--precision", "float32", "--size", "32x64"])
    printed = capsys.readouterr().out
    assert "segmentation.tflite: 0." in printed and "segmentation within " in printed
    data = json.loads((tmp_path / "out" / MANIFEST_FILE).read_text())
    assert (data["format"], data["size"]) == (1, [32, 64])
    (graph,) = data["graphs"]
    (detect,) = graph["signatures"]
    assert (graph["file"], detect["name"]) == (SEGMENTATION, "detect")
    assert [(one["name"], one["shape"]) for one in detect["outputs"]] == [
        *(("segmentation", [1, 16, 32, 5]), ("shift", [1, 4, 2]), ("affine", [1, 4, 2, 2])),
    ]
    assert data["difference"].keys() == {
        *("pictures", "keypoints", "jacobians", "segmentation", "segmentation_psnr")
    }
    data = json.loads((folders / "monkey-float32" / MANIFEST_FILE).read_text())
    assert [graph["file"] for graph in data["graphs"]] == [KEYPOINT_DETECTOR, GENERATOR]
    assert data["config"]["model_params"]["common_params"]["kp_variance"] == "matrix"
    assert data["difference"]["variances"]["max"] < 2e-5
    # An export of any kind may be replaced by one of another.
    check_replaceable(tmp_path / "out")


def test_manifests_that_lie(folders, tmp_path):
    def refused(name, match, edit):
        folder = shutil.copytree(folders / f"{name}-float32", tmp_path / "copy")
        data = json.loads((folder / MANIFEST_FILE).read_text())
        edit(data)
        (folder / MANIFEST_FILE).write_text(json.dumps(data))
        with pytest.raises(ModelError, match=match) as caught:
            fomm_tf.load_exported(folder)
        assert "\n" not in str(caught.value)
        shutil.rmtree(folder)

    def common(data):
        return data["config"]["model_params"]["common_params"]

    others = r"graphs\[0\].signatures are not those of a model with this config"
    refused("monkey", others, lambda data: common(data).update(kp_variance=0.01))
    refused("monkey", "kp_variance: must be", lambda data: common(data).update(kp_variance="?"))
    refused("parts", others, lambda data: common(data).update(num_segments=5))
    for name, other, files in (
        ("monkey", parts(), SEGMENTATION),
        ("parts", monkeynet(), f"{KEYPOINT_DETECTOR} and {GENERATOR}"),
    ):
        refused(
            name,
            f"graphs must be {files}",
            lambda data, other=other: data.update(config=other.to_dict()),
        )
    deep: dict = {}
    for _ in range(700):
        deep = {"a": deep}
    for config in (None, [], {"model_params": {}}, {"model": "monkey-net", "a": deep}):
        refused(
            *("monkey", f"{MANIFEST_FILE}: config: "),
            lambda data, config=config: data.update(config=config),
        )


# Using


WITHOUT_TENSORFLOW = """
import sys
from fomm_tf.animate import main
main(sys.argv[1:])
loaded = {name.partition(".")[0] for name in sys.modules} & {"tensorflow", "keras", "export"}
assert not loaded, loaded
"""


def frames(folder) -> np.ndarray:
    return np.stack([np.asarray(Image.open(path), int) for path in sorted(folder.glob("*.png"))])


def test_a_monkeynet_animates_without_tensorflow(folders, clip, tmp_path):
    line = ["--source", clip / "me.png", "--driving", clip / "talk.mp4", "--best-frame", "--out"]
    exported = ["--model", folders / "monkey-float32", *line, tmp_path / "exported"]
    assert "20 frames" in run_program(WITHOUT_TENSORFLOW, *exported, "--adapt-scale").stdout
    keras = ["--model", folders / "monkey", *line, tmp_path / "keras", "--adapt-scale"]
    animate([*map(str, keras)])
    actual, expected = frames(tmp_path / "exported"), frames(tmp_path / "keras")
    assert actual.shape == (20, 32, 32, 3) and np.diff(expected, axis=0).any()
    assert np.abs(actual - expected).max() <= 1


def test_motion_is_transferred_as_the_config_says(folders, pictures):
    model = fomm_tf.load_model(folders / "monkey")
    exported = fomm_tf.load_exported(folders / "monkey-float32")
    kp = [model.detect(picture) for picture in pictures[:3]]
    kp[1] = kp[1]._replace(value=3 * kp[1].value)
    motions = ({}, {"relative": False}, {"adapt_scale": True})
    for options in (MotionOptions(**changes) for changes in motions):
        for found, expected in zip(
            exported.transfer(*kp, options), model.transfer(*kp, options), strict=True
        ):
            np.testing.assert_array_equal(found, expected)
        assert np.abs(expected - kp[1].variance).max() > 1e-4, "the variance was not adapted"
        assert np.abs(exported.transfer(*kp, options).value).max() <= 1


def test_a_dataset_by_transfer_params(folders, moving_squares, tmp_path):
    animate(
        [
            *("--model", str(folders / "monkey-float32"), "--data", str(moving_squares)),
            *("--out", str(tmp_path)),
        ]
    )
    (result,) = tmp_path.iterdir()
    assert result.suffix == ".gif"


def test_a_segmentation_does_not_animate(folders, clip, moving_squares, tmp_path):
    line = ["--source", clip / "me.png", "--driving", clip / "talk.mp4"]
    model = ["--model", folders / "parts-float32", "--out", tmp_path / "out.mp4"]
    done = run_command("animate", *model, *line)
    assert_one_line_error(done, "export of a co-part segmentation model", "cannot animate")
    for option in ("--absolute", "--best-frame"):
        with pytest.raises(ModelError, match="cannot animate"):
            animate([*map(str, (*model, *line)), option])
    with pytest.raises(fomm_tf.ConfigError, match="no animate_params"):
        animate([*map(str, (*model, "--data", moving_squares))])
    assert not list(tmp_path.iterdir())


def test_verify(folders, clip, tmp_path, capsys):
    def printed(name):
        line = ["--model", folders / name, "--exported", folders / f"{name}-float32"]
        line += ["--driving", clip / "talk.mp4", "--json", tmp_path / f"{name}.json"]
        verify_main([*map(str, line)])
        return capsys.readouterr().out, json.loads((tmp_path / f"{name}.json").read_text())

    text, report = printed("monkey")
    assert "MISSED" not in text and "whole clips, animated" in text
    assert report["outputs"].keys() == {
        *("detect.value", "detect.variance", "encode.features", "encode.skip_0", "encode.skip_1"),
        "animate.frame",
    }
    assert [one["frames"] for one in report["clips"]] == [20]
    text, report = printed("parts")
    assert "MISSED" not in text and "clips" not in text
    assert report["outputs"].keys() == {"detect.segmentation", "detect.shift", "detect.affine"}
    assert report["clips"] == [] and report["reconstruction_l1"] == {}
    texts = [one["text"] for one in report["thresholds"] if "CompiledModel" not in one["text"]]
    assert sum("dB, at least 70" in text for text in texts) == 1 and len(texts) == 4
    with pytest.raises(ModelError, match="is a Monkey-Net, but that is a co-part segmentation"):
        verify_main(
            ["--model", str(folders / "parts"), "--exported", str(folders / "monkey-float32")]
        )


def test_verify_finds_another_segmentation(folders, clip, tmp_path, capsys):
    model = fomm_tf.load_model(folders / "parts")
    kernel = model.segmentation_module.semantic_seg.kernel
    kernel.assign(1.2 * kernel)
    model.save(tmp_path / "model")
    line = ["--model", tmp_path / "model", "--exported", folders / "parts-float32"]
    with pytest.raises(SystemExit) as stopped:
        verify_main([*map(str, line), "--driving", str(clip / "talk.mp4")])
    assert stopped.value.code == 1
    assert "missed: detect segmentation differs by" in capsys.readouterr().err


def test_int8_of_both_meets_its_thresholds(folders, clip, tmp_path, capsys):
    for name in ("monkey", "parts"):
        out = tmp_path / name
        convert(folders / name, out, "int8", calibration=clip / "talk.mp4")
        line = ["--model", folders / name, "--exported", out, "--driving", clip / "talk.mp4"]
        verify_main([*map(str, line)])
        assert "at least 38" in capsys.readouterr().out


def test_speed_is_measured_of_what_animates(folders, tmp_path):
    config = tmp_path / "monkey.yaml"
    monkeynet().save(config)
    line = "import sys; from export.benchmark import main; main(sys.argv[1:])"
    options = ("--precisions", "float32", "--threads", 1, "--rounds", 1)
    done = run_program(line, "--config", config, *options)
    assert done.stdout.startswith("**monkey**, 32 x 32") and "\n| float32 | 1 |" in done.stdout
    assert str(ROOT) not in done.stdout
    for main in (benchmark.main, layer_groups.main):
        with pytest.raises(ModelError, match="parts is a co-part .* do not generate frames"):
            main(["--model", str(folders / "parts"), "--out", str(tmp_path / "out")])
