"""Int8 graphs: convolutions in 8 bits by the recipe, everything else as it was."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from functools import partial

import numpy as np
import pytest
from commands import ENVIRONMENT, ROOT, assert_one_line_error
from copart.tiny_copart import tiny_copart_config
from monkeynet.tiny_monkeynet import tiny_monkeynet_config
from PIL import Image
from sample_media import moving_square, write_sound, write_video
from tensorflow.lite.python import schema_py_generated as schema
from tiny import save_random_model, tiny_config

import fomm_tf
from export import calibration, layer_groups, layer_study, preconditions
from export.calibration import MIN_FRAMES, model_input, read_clips
from export.conversion import convert
from export.convert import main
from export.inspect_graph import operators
from export.layer_names import pattern
from export.quantize import _in_parts
from export.recipes import recipe_modes
from fomm_tf.errors import DataError, ModelError
from fomm_tf.inference.loading import read_manifest
from fomm_tf.inference.manifest import GENERATOR, KEYPOINT_DETECTOR, MANIFEST_FILE
from fomm_tf.measure.metrics import psnr

# Between convolutions; nothing else may come into contact with 8 bits.
BETWEEN = {"AVERAGE_POOL_2D", "RESIZE_NEAREST_NEIGHBOR", "CONCATENATION", "ADD", "MUL", "PAD"}
BETWEEN |= {"STRIDED_SLICE", "QUANTIZE", "DEQUANTIZE"}

# Of the models here, see `save_random_model`.
RANDOM = {"seed": 3, "gain": 2.5, "spread": 0.02}

FOMMS = {
    "every output, not square": {"dataset_params.frame_shape": [64, 96, 3]},
    "no occlusion map": {"model_params.generator_params.estimate_occlusion_map": False},
    "no Jacobians": {
        "model_params.common_params.estimate_jacobian": False,
        "train_params.loss_weights.equivariance_jacobian": 0,
    },
    "blended": {"model_params.generator_params.blend_source": True},
    "no dense motion": {
        "model_params.generator_params.dense_motion_params": None,
        "model_params.generator_params.estimate_occlusion_map": False,
    },
}
CONFIGS = {
    **{name: partial(tiny_config, **changes) for name, changes in FOMMS.items()},
    "Monkey-Net": tiny_monkeynet_config,
    "parts": tiny_copart_config,
}


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    return write_video(tmp_path_factory.mktemp("video") / "square.mp4", moving_square(20, 64, 96))


def types(content: bytes) -> dict[str, list[tuple[str, str, str]]]:
    """Of each subgraph the operators: name, name of the output, and types of what goes through,
    constants apart, as in "FLOAT32 INT8"."""
    kinds = {code: name for name, code in vars(schema.TensorType).items() if name.isupper()}
    model = schema.ModelT.InitFromPackedBuf(content, 0)
    found = {}
    for graph, listed in zip(model.subgraphs, operators(content).values(), strict=True):
        rows = []
        for operation in listed:
            tensors = [graph.tensors[i] for i in (*operation.inputs, *operation.outputs) if i >= 0]
            through = [one for one in tensors if model.buffers[one.buffer].data is None]
            names = " ".join(sorted({kinds[tensor.type] for tensor in through}))
            rows.append((operation.name, through[-1].name.decode(), names))
        found[graph.name.decode()] = rows
    return found


@pytest.mark.parametrize(
    ("kind", "recipe"),
    [
        *((kind, "fast") for kind in ("every output, not square", "Monkey-Net", "parts")),
        *((kind, "quality") for kind in CONFIGS),
    ],
)
def test_every_kind_of_model(kind, recipe, video, tmp_path):
    model = save_random_model(tmp_path / "model", CONFIGS[kind](), **RANDOM)
    out = tmp_path / "out"
    manifest = convert(tmp_path / "model", out, "int8", recipe=recipe, calibration=video)
    assert (manifest.precision, manifest.recipe) == ("int8", recipe)
    assert read_manifest(out) == manifest

    # The signatures are checked against the manifest when the folder is loaded.
    exported = fomm_tf.load_exported(out)
    pictures = read_clips(video, model.config, 9)[0]
    keypoints = [model.detect(picture) for picture in pictures]
    found = [exported.detect(picture) for picture in pictures]
    for kp, expected in zip(found, keypoints, strict=True):
        for actual, one in zip(kp, expected, strict=True):
            assert (actual is None) == (one is None)
            assert one is None or np.abs(actual - one).max() < 0.1
    if exported.animates:
        frames = [
            one.decode(one.encode(pictures[0]), keypoints[0], keypoints[-1])
            for one in (exported, model)
        ]
    else:
        frames = [one.detect(pictures[0]).segmentation for one in (exported, model)]
    assert frames[1].std() > 0.01
    assert 28 < psnr(np.square(frames[0] - frames[1]).mean()) < 80  # close, and really in 8 bits

    modes = recipe_modes(model, recipe)
    groups = [group.name for group in model.layer_groups()]
    convolved = 0
    for graph in manifest.graphs:
        for rows in types((out / graph.file).read_bytes()).values():
            for operator, output, through in rows:
                if operator == "CONV_2D":
                    (group,) = (g for g in groups if re.search(pattern(g), output))
                    assert through == ("INT8" if modes.get(group) == "static" else "FLOAT32"), (
                        output
                    )
                    convolved += 1
                elif "INT8" in through:
                    assert operator in BETWEEN, output
    assert convolved == kernels(model)


def kernels(model) -> int:
    layers = [layer for group in model.layer_groups() for layer in group.layers]
    variables = {id(v): v for layer in layers for v in layer.variables}
    return sum(len(v.shape) == 4 for v in variables.values())


def test_weights_are_8_bits_in_one_copy(official_model_dir, exported_dir, video, tmp_path):
    model = fomm_tf.load_model(official_model_dir)
    convert(official_model_dir, tmp_path / "int8", "int8", calibration=video)
    for name, network in ((KEYPOINT_DETECTOR, model.kp_detector), (GENERATOR, model.generator)):
        kernels = sum(4 * np.prod(v.shape) for v in network.variables if len(v.shape) == 4)
        whole, small = (
            (folder / name).stat().st_size for folder in (exported_dir, tmp_path / "int8")
        )
        # Three of four bytes are saved, and less for the scales and a longer list of operators.
        # That is more than float16 saves, which is two of four.
        assert kernels * 0.75 - 30_000 < whole - small < kernels * 0.75 + 30_000
        assert kernels * 0.5 < whole - small


def test_what_the_manifest_says(tiny_model_dir, video, tmp_path, capfd):
    out = tmp_path / "out"
    arguments = ["--model", tiny_model_dir, "--out", out, "--precision", "int8"]
    main([*map(str, arguments), "--recipe", "fast", "--calibration", str(video)])
    data = json.loads((out / MANIFEST_FILE).read_text())
    assert (data["precision"], data["recipe"]) == ("int8", "fast")
    assert data["difference"]["pictures"] == "frames of square.mp4 not calibrated with"
    assert data["difference"]["frame"]["max"] > 1e-4
    assert "warning" not in capfd.readouterr().err
    for recipe in (None, "slow"):
        (out / MANIFEST_FILE).write_text(json.dumps(data | {"recipe": recipe}))
        with pytest.raises(ModelError, match="recipe"):
            read_manifest(out)
    (out / MANIFEST_FILE).write_text(json.dumps(data | {"precision": "float32"}))
    with pytest.raises(ModelError, match="precision int8 needs a recipe, and no other"):
        read_manifest(out)


def test_drawn_faces_without_calibration(tiny_model_dir, monkeypatch, tmp_path):
    monkeypatch.setattr(calibration, "CLIPS", 2)
    manifest = convert(tiny_model_dir, tmp_path / "out", "int8")
    assert manifest.recipe == "quality" and "cartoon_faces" in manifest.difference.pictures


@pytest.mark.parametrize(("root", "warns"), [("data", True), ("data/cartoon-faces", False)])
def test_drawn_faces_are_not_for_every_model(root, warns, monkeypatch, capsys):
    monkeypatch.setattr(calibration, "CLIPS", 1)
    config = tiny_config(**{"dataset_params.root_dir": root})
    ((clip,), held_out) = calibration.read_calibration(None, config)
    assert held_out is None and {picture.shape for picture in clip} == {(1, 64, 64, 3)}
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == warns and all("--calibration" in line for line in lines)


def test_clips_of_videos_and_pictures(moving_squares, tmp_path):
    config = tiny_config(**{"dataset_params.frame_shape": [64, 96, 3]})
    of_videos = read_clips(moving_squares / "train", config, 9)
    assert len(of_videos) >= 4
    single = read_clips(write_video(tmp_path / "v.mp4", moving_square(100)), config, 9)
    assert [len(clip) for clip in single] == [5] * 9
    flat = np.concatenate([np.concatenate(clip) for clip in single])
    assert flat.shape == (45, 64, 96, 3) and flat.dtype == np.float32
    assert len({picture.tobytes() for picture in flat}) == 45
    for index, frame in enumerate(moving_square(MIN_FRAMES)):
        # Of any sizes, unlike the frames of a video.
        Image.fromarray(frame).resize((64 + index, 64)).save(tmp_path / f"{index}.png")
    (tmp_path / "v.mp4").unlink()
    assert sum(map(len, read_clips(tmp_path, config, 9))) == MIN_FRAMES


def test_clips_of_strips(tmp_path):
    """Pictures of frames side by side, as in the official datasets, are videos."""
    config = tiny_config()
    for count in (10, 12):
        strip = np.concatenate(moving_square(count), axis=1)
        Image.fromarray(strip).save(tmp_path / f"{count}.png")
    clips = read_clips(tmp_path, config, 4)
    assert [len(clip) for clip in clips] == [5] * 4
    assert np.array_equal(clips[0][0], model_input(moving_square(10)[0], config))
    # Of another aspect they are pictures like any other.
    wide = tiny_config(**{"dataset_params.frame_shape": [64, 96, 3]})
    with pytest.raises(DataError, match=f"has 2 frames, but int8 needs {MIN_FRAMES}"):
        read_clips(tmp_path, wide, 4)


@pytest.mark.parametrize("kind", ["missing", "no video", "sound", "short", "empty folder"])
def test_bad_calibration(kind, tiny_model_dir, tmp_path):
    path = tmp_path / "clip.mp4"
    words = {
        "missing": "no such video",
        "no video": "is no video",
        "sound": "has no picture track",
        "short": f"has {MIN_FRAMES - 1} frames, but int8 needs {MIN_FRAMES} or more",
        "empty folder": "holds no videos",
    }[kind]
    if kind == "no video":
        path.write_text("not a video at all")
    elif kind == "sound":
        write_sound(path)
    elif kind == "short":
        write_video(path, moving_square(MIN_FRAMES - 1))
    elif kind == "empty folder":
        path.mkdir()
    before = list(tmp_path.iterdir())
    with pytest.raises(DataError, match=re.escape(str(path)) + ".*" + words):
        convert(tiny_model_dir, tmp_path / "new" / "out", "int8", calibration=path)
    assert list(tmp_path.iterdir()) == before


def test_the_command_tells_of_a_bad_calibration_in_one_line(tiny_model_dir, tmp_path):
    line = [sys.executable, "-m", "export.convert", "--model", str(tiny_model_dir), "--out"]
    line += [str(tmp_path / "out"), "--precision", "int8", "--calibration", str(tmp_path / "none")]
    done = subprocess.run(line, cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True)
    assert_one_line_error(done, "none: no such video")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("option", [["--recipe", "fast"], ["--calibration", "clip.mp4"]])
def test_options_of_int8_alone(option, tmp_path, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["--model", "m", "--out", str(tmp_path / "o"), "--precision", "float16", *option])
    assert stopped.value.code == 2 and "--precision int8 only" in capsys.readouterr().err


def test_without_the_quantizer(tiny_model_dir, monkeypatch, tmp_path):
    monkeypatch.setattr(preconditions.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ModelError, match="pip install 'ai-edge-quantizer"):
        convert(tiny_model_dir, tmp_path / "out", "int8")
    assert not list(tmp_path.iterdir())


def test_a_model_with_numbers_that_are_not_finite(video, tmp_path):
    model = save_random_model(tmp_path / "model", tiny_config(), **RANDOM)
    bias = model.generator.first.conv.bias
    # Finite, so that it can be loaded, but no longer so after the next convolution.
    bias.assign(np.full(bias.shape, 3e38))
    model.save(tmp_path / "model")
    with pytest.raises(ModelError, match="NaN or infinite values in .*group"):
        convert(tmp_path / "model", tmp_path / "out", "int8", calibration=video)
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_large_weights_are_quantized_by_parts():
    from ai_edge_quantizer import qtyping
    from ai_edge_quantizer.algorithms.uniform_quantize import uniform_quantize_tensor

    # Over 32 MiB, where the quantizer alone fails.
    weights = np.random.default_rng(0).normal(0, 1, (9, 1, 1024, 1024)).astype(np.float32)
    scale = np.abs(weights).max(axis=(1, 2, 3), keepdims=True) / 127
    params = qtyping.UniformQuantParams(8, 0, scale, np.zeros(scale.shape, np.int8))
    original = uniform_quantize_tensor.uniform_quantize
    with pytest.raises(ValueError, match="axis remapping"):
        original(weights, params)
    found = _in_parts(original)(weights, params)
    assert found.dtype == np.int8
    np.testing.assert_allclose(found * scale, weights, atol=scale.max() * 0.51)


def test_channels_without_weights_keep_their_bias(tiny_model_dir, video, tmp_path):
    """As those of the Jacobians before training: 8 bits of nothing must not drown the bias."""
    model = fomm_tf.load_model(tiny_model_dir)
    assert not np.any(model.kp_detector.jacobian.kernel)
    convert(tiny_model_dir, tmp_path / "out", "int8", recipe="fast", calibration=video)
    picture = np.random.default_rng(0).random((1, 64, 64, 3), np.float32)
    jacobian = fomm_tf.load_exported(tmp_path / "out").detect(picture).jacobian
    np.testing.assert_allclose(jacobian, np.broadcast_to(np.eye(2), jacobian.shape), atol=0.01)


def test_the_study_of_layer_groups(tiny_model_dir, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(calibration, "CLIPS", 2)
    monkeypatch.setattr(layer_study, "_CLIPS", 1)
    monkeypatch.setattr(layer_study, "_FRAMES", 3)
    out = tmp_path / "study"
    layer_groups.main(["--model", str(tiny_model_dir), "--out", str(out)])
    assert str(out) in capsys.readouterr().out
    rows = json.loads((out / "layer_groups.json").read_text())["rows"]
    names = [(row["layers"], row["mode"]) for row in rows]
    assert names[:2] == [("detector_encoder", "static"), ("detector_encoder", "dynamic")]
    assert names[-2:] == [("all", "recipe quality"), ("all", "recipe fast")]
    assert {name for name, _ in names} == {
        *(group.name for group in fomm_tf.load_model(tiny_model_dir).layer_groups()),
        "all",
    }
    assert all(row["mb_saved"] > 0 for row in rows if row["layers"] == "all")
    assert max(row["psnr"] for row in rows[-2:]) < max(row["psnr"] for row in rows[:-2])
    table = (out / "layer_groups.md").read_text()
    assert table.count("\n|") == len(rows) + 1 and "A frame in float32" in table


def test_the_study_takes_calibration_and_test_together(tmp_path, capsys):
    for option in ("--calibration", "--test"):
        with pytest.raises(SystemExit) as stopped:
            layer_groups.main(["--model", "m", "--out", str(tmp_path), option, "clip.mp4"])
        assert stopped.value.code == 2 and "go together" in capsys.readouterr().err
