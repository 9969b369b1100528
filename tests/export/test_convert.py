"""Exported graphs equal the Keras model, at every precision and for every kind of model."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
from commands import ENVIRONMENT, ROOT, assert_one_line_error
from golden_files import FOMM, arrays

import export.conversion
import fomm_tf
from export.conversion import convert
from export.convert import main
from export.inspect_graph import operators
from fomm_tf.errors import ConfigError, ModelError
from fomm_tf.inference.manifest import GENERATOR, KEYPOINT_DETECTOR, MANIFEST_FILE

FLOAT32 = [
    "inference_kpvar_nonsquare",
    "inference_no_dense_motion",
    "inference_no_occlusion",
    "inference_scale1",
    "inference_zeroth_order",
]


def official(case: str):
    return fomm_tf.load_official(FOMM / case / "config.yaml", FOMM / case / "checkpoint.pth.tar")


def psnr(actual, expected) -> float:
    return -10 * np.log10(np.square(actual - expected).mean())


def compare(folder, case: str):
    """Yields name, what the folder's graphs give, and what the Keras model gives."""
    exported, model, inputs = fomm_tf.load_exported(folder), official(case), arrays(case, "inputs")
    source, driving = inputs["source"][:1], inputs["driving"][:1]
    keypoints = [model.detect(picture) for picture in (source, driving)]
    for picture, kp in zip((source, driving), keypoints, strict=True):
        found = exported.detect(picture)
        yield "keypoints", found.value, kp.value
        assert (found.jacobian is None) == (kp.jacobian is None)
        if kp.jacobian is not None:
            yield "keypoints", found.jacobian, kp.jacobian
    encoded, expected = exported.encode(source), model.encode(source)
    assert set(encoded) == set(expected)
    for name in encoded:
        yield name, encoded[name], expected[name].numpy()
    yield "frame", exported.decode(encoded, *keypoints), model.decode(expected, *keypoints)


@pytest.mark.parametrize("case", FLOAT32)
def test_float32_is_equal_for_every_kind_of_model(case, tmp_path):
    official(case).save(tmp_path / "model")
    (tmp_path / "model" / "LICENSE").write_text("Some Licence 1.0\n\nPermission is\n")
    manifest = convert(tmp_path / "model", tmp_path / "out", "float32")
    for name, actual, expected in compare(tmp_path / "out", case):
        tolerance = 2e-5 if name == "keypoints" else 2e-4
        np.testing.assert_allclose(actual, expected, rtol=0, atol=tolerance, err_msg=name)
    frame = manifest.difference.deviations["frame"]
    assert frame.max < 2e-4 and frame.psnr > 90
    assert manifest.license == "Some Licence 1.0"
    assert ("jacobians" not in manifest.difference.deviations) == (case == "inference_zeroth_order")


def test_float32_equals_the_official_code(exported_dir):
    exported, inputs = fomm_tf.load_exported(exported_dir), arrays("inference_vox", "inputs")
    kp = [exported.detect(inputs[role][:1]) for role in ("source", "driving")]
    frame = exported.decode(exported.encode(inputs["source"][:1]), *kp)
    expected = arrays("inference_vox", "generator")["prediction"][:1]
    np.testing.assert_allclose(frame, expected, rtol=0, atol=1e-3)
    for name, actual, keras in compare(exported_dir, "inference_vox"):
        tolerance = 2e-5 if name == "keypoints" else 2e-4
        np.testing.assert_allclose(actual, keras, rtol=0, atol=tolerance, err_msg=name)


@pytest.mark.parametrize(
    ("precision", "decibels", "keypoints", "size"),
    [("float16", 45, 2e-3, 0.7), ("dynamic", 28, 0.1, 0.5)],
)
def test_smaller_precisions(
    precision, decibels, keypoints, size, official_model_dir, exported_dir, tmp_path
):
    manifest = convert(official_model_dir, tmp_path / "out", precision)
    for name, actual, expected in compare(tmp_path / "out", "inference_vox"):
        if name == "keypoints":
            np.testing.assert_allclose(actual, expected, rtol=0, atol=keypoints)
        elif name == "frame":
            assert psnr(actual, expected) > decibels
    assert manifest.difference.deviations["frame"].max > 1e-4  # it is really another precision
    for name in (KEYPOINT_DETECTOR, GENERATOR):
        whole = (exported_dir / name).stat().st_size
        # Names and structure weigh much in so small a model.
        assert (tmp_path / "out" / name).stat().st_size < size * whole


def test_signatures_share_one_copy_of_the_weights(official_model_dir, exported_dir):
    model = fomm_tf.load_model(official_model_dir)
    for name, network in ((KEYPOINT_DETECTOR, model.kp_detector), (GENERATOR, model.generator)):
        kernels = sum(4 * np.prod(v.shape) for v in network.variables if len(v.shape) == 4)
        size = (exported_dir / name).stat().st_size
        assert kernels < size < kernels + 100_000
        assert kernels > 100_000  # else the bound above would allow a second copy


def test_batch_norm_is_folded_and_nothing_depends_on_variables(exported_dir):
    found = {}
    for name in (KEYPOINT_DETECTOR, GENERATOR):
        found |= operators((exported_dir / name).read_bytes())
    assert set(found) >= {"encode", "animate"} and len(found) == 3
    for graph in found.values():
        kinds = {operation.name for operation in graph}
        assert not {kind for kind in kinds if "VAR" in kind or kind in ("CUSTOM", "CALL_ONCE")}
        convolved = {
            o for operation in graph if operation.name == "CONV_2D" for o in operation.outputs
        }
        assert convolved
        scaled = {i for operation in graph if operation.name == "MUL" for i in operation.inputs}
        assert not convolved & scaled


def test_another_size_and_what_the_manifest_says(tiny_model_dir, tmp_path, capsys):
    out = tmp_path / "new" / "out"
    arguments = ["--model", tiny_model_dir, "--out", out, "--precision", "float32"]
    main([*map(str, arguments), "--size", "64x96", "--license", "CC0-1.0"])
    assert str(out) in capsys.readouterr().out
    assert {path.name for path in out.iterdir()} == {MANIFEST_FILE, KEYPOINT_DETECTOR, GENERATOR}
    assert [path.name for path in out.parent.iterdir()] == ["out"]
    data = json.loads((out / MANIFEST_FILE).read_text())
    assert (data["name"], data["license"], data["precision"]) == ("tiny", "CC0-1.0", "float32")
    assert data["size"] == [64, 96] == data["config"]["dataset_params"]["frame_shape"][:2]
    encode, animate = data["graphs"][1]["signatures"]
    assert encode["inputs"] == [{"name": "picture", "shape": [1, 64, 96, 3], "type": "float32"}]
    assert [tensor["name"] for tensor in animate["inputs"]] == [
        *("features", "source", "kp_source_value", "kp_source_jacobian"),
        *("kp_driving_value", "kp_driving_jacobian"),
    ]
    assert (
        data["difference"]["frame"]["max"] <= 2e-4
        and "cartoon_faces" in data["difference"]["pictures"]
    )

    model, exported = fomm_tf.load_model(tiny_model_dir), fomm_tf.load_exported(out)
    assert exported.frame_size == (64, 96)
    source = np.random.default_rng(0).random((1, 64, 96, 3), np.float32)
    kp = model.detect(source)
    moved = kp._replace(value=kp.value + 0.1)
    np.testing.assert_allclose(
        exported.decode(exported.encode(source), kp, moved),
        model.decode(model.encode(source), kp, moved),
        atol=2e-4,
    )


@pytest.mark.parametrize("precision", ["float32", "dynamic"])
def test_512_pixels(precision, official_model_dir, tmp_path):
    manifest = convert(official_model_dir, tmp_path / "out", precision, (512, 512))
    assert manifest.size == (512, 512) and manifest.difference is not None
    model, exported = (
        fomm_tf.load_model(official_model_dir),
        fomm_tf.load_exported(tmp_path / "out"),
    )
    # Smooth: a sampling position is rounded by more parts of a pixel than in small pictures.
    ramp = np.linspace(0, 1, 512, dtype=np.float32)
    source = np.stack(np.broadcast_arrays(ramp, ramp[:, None], ramp[::-1]), axis=-1)[None]
    kp = model.detect(source)
    moved = kp._replace(value=kp.value + np.float32(0.1))
    frames = [one.decode(one.encode(source), kp, moved) for one in (exported, model)]
    assert frames[0].shape == (1, 512, 512, 3) and np.std(frames[1]) > 0.01
    if precision == "float32":
        np.testing.assert_allclose(*frames, atol=2e-4)
    assert psnr(*frames) > (70 if precision == "float32" else 20)


def test_graphs_that_differ_are_not_written(tiny_model_dir, tmp_path, monkeypatch):
    """As when weights do not reach the graph: what is at --out stays."""
    build = export.conversion.build_graphs

    def build_another(model, config, precision):
        for variable in model.generator.final.variables:
            variable.assign(variable * 0)
        yield from build(model, config, precision)
        for variable in model.generator.final.variables:
            variable.assign(variable + 1)

    monkeypatch.setattr(export.conversion, "build_graphs", build_another)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / MANIFEST_FILE).write_text("an older one")
    with pytest.raises(ModelError, match="differ from the Keras model"):
        convert(tiny_model_dir, tmp_path / "out", "float32")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert (tmp_path / "out" / MANIFEST_FILE).read_text() == "an older one"


@pytest.mark.parametrize("size", ["60x64", "64x8", "0x64", "99999x64"])
def test_a_size_that_the_model_cannot_take(size, tiny_model_dir, tmp_path):
    height, width = map(int, size.split("x"))
    with pytest.raises(
        ConfigError, match=f"--size {size}: .*{height}.*{width}|--size {size}: .*frame_shape"
    ):
        convert(tiny_model_dir, tmp_path / "out", "float32", (height, width))
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_no_model(tmp_path):
    with pytest.raises(ModelError, match="no such model folder"):
        convert(tmp_path / "none", tmp_path / "out", "float32")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ModelError, match="not a model folder: it has no config.yaml"):
        convert(tmp_path / "empty", tmp_path / "out", "float32")
    assert [path.name for path in tmp_path.iterdir()] == ["empty"]


def test_an_out_that_holds_other_things(tiny_model_dir, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ModelError, match="exists and is not a folder"):
        convert(tiny_model_dir, tmp_path / "file", "float32")
    for names in (["notes.txt"], [MANIFEST_FILE, "notes.txt"]):
        for name in names:
            (tmp_path / name).touch()
        with pytest.raises(ModelError, match="not empty and not an exported model"):
            convert(tiny_model_dir, tmp_path, "float32")
    with pytest.raises(ModelError, match="not empty and not an exported model"):
        convert(tiny_model_dir, tiny_model_dir, "float32")


def test_errors_of_the_command_are_one_line(tmp_path):
    line = [sys.executable, "-m", "export.convert", "--model", str(tmp_path), "--out"]
    line += [str(tmp_path / "out"), "--precision", "float32"]
    done = subprocess.run(line, cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True)
    assert_one_line_error(done, "config.yaml")


@pytest.mark.parametrize("size", ["64", "64x", "axb", "-64x64", "64x64x3"])
def test_what_is_no_size(size, tmp_path, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["--model", "m", "--out", str(tmp_path), "--precision", "float32", f"--size={size}"])
    assert stopped.value.code == 2 and "HEIGHTxWIDTH" in capsys.readouterr().err


def test_a_blending_generator_gets_the_picture_through_its_encoding(tmp_path):
    from tiny import tiny_config

    from fomm_tf.fomm.model import FirstOrderMotionModel

    model = FirstOrderMotionModel(
        tiny_config(**{"model_params.generator_params.blend_source": True})
    )
    model.save(tmp_path / "model")
    convert(tmp_path / "model", tmp_path / "out", "float32")
    exported = fomm_tf.load_exported(tmp_path / "out")
    source, driving = np.random.default_rng(0).random((2, 1, 64, 64, 3), np.float32)
    kp_source, kp_driving = model.detect(source), model.detect(driving)
    encoded = exported.encode(source)
    np.testing.assert_array_equal(encoded["picture"], source)
    frame = exported.decode(encoded, kp_source, kp_driving)
    expected = model.decode(model.encode(source), kp_source, kp_driving)
    np.testing.assert_allclose(frame, expected, atol=2e-4)
