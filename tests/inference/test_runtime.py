"""Exported folders run without TensorFlow, and only if they are what their manifest says."""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from commands import assert_one_line_error, run_command, run_process, run_program
from golden_files import arrays
from PIL import Image
from sample_media import moving_square, write_video

import fomm_tf
from fomm_tf import animate
from fomm_tf.errors import ModelError
from fomm_tf.inference.loading import load_exported
from fomm_tf.inference.manifest import GENERATOR, KEYPOINT_DETECTOR, MANIFEST_FILE
from fomm_tf.keypoints import Keypoints
from fomm_tf.media.video_reader import open_video

LITERT, TFLITE, TENSORFLOW = (
    "ai_edge_litert.interpreter",
    "tflite_runtime.interpreter",
    "tensorflow.lite.python.interpreter",
)


@pytest.fixture
def folder(exported_dir, tmp_path):
    """A copy of the exported model, free to be damaged."""
    return shutil.copytree(exported_dir, tmp_path / "exported")


@pytest.fixture(scope="module")
def exported(exported_dir):
    return load_exported(exported_dir)


@pytest.fixture(scope="module")
def inputs():
    pictures = arrays("inference_vox", "inputs")
    return pictures["source"][:1], pictures["driving"][:1]


def change(folder, edit) -> None:
    """Edits the manifest as JSON."""
    path = folder / MANIFEST_FILE
    data = json.loads(path.read_text())
    edit(data)
    path.write_text(json.dumps(data))


def replace_file(folder, name: str, content: bytes) -> None:
    """Puts another .tflite there, and says so in the manifest."""
    (folder / name).write_bytes(content)

    def edit(data):
        (graph,) = (graph for graph in data["graphs"] if graph["file"] == name)
        graph |= {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}

    change(folder, edit)


def frame_of(model, source, driving):
    return model.decode(model.encode(source), model.detect(source), model.detect(driving))


# Running


def test_results_are_arrays_that_stay(exported, inputs):
    source, driving = inputs
    kp, encoded = exported.detect(source), exported.encode(source)
    frame = exported.decode(encoded, kp, exported.detect(driving))
    copies = [np.copy(part) for part in (kp.value, kp.jacobian, encoded["features"], frame)]
    assert not np.array_equal(exported.detect(driving).value, kp.value)
    exported.encode(driving)
    again = exported.decode(encoded, kp, kp)
    assert not np.array_equal(again, frame)
    for part, copy in zip((kp.value, kp.jacobian, encoded["features"], frame), copies, strict=True):
        np.testing.assert_array_equal(part, copy)
    assert frame.dtype == np.float32 and frame.shape == (1, 64, 64, 3)
    assert exported.frame_size == (64, 64)


def test_it_has_the_model_s_config(official_model_dir, exported):
    assert exported.config == fomm_tf.load_model(official_model_dir).config


@pytest.mark.parametrize("threads", [1, 1_000_000])
def test_threads_change_nothing(threads, exported_dir, exported, inputs):
    np.testing.assert_allclose(
        frame_of(load_exported(exported_dir, threads), *inputs),
        frame_of(exported, *inputs),
        atol=1e-5,
    )


@pytest.mark.filterwarnings("ignore:.*tf.lite.Interpreter is deprecated")
def test_runtimes_are_tried_in_order(exported_dir, exported, inputs, monkeypatch):
    monkeypatch.setitem(sys.modules, LITERT, None)
    monkeypatch.setitem(sys.modules, TFLITE, None)
    frame = frame_of(load_exported(exported_dir), *inputs)
    # TensorFlow before 2.21 rounds differently from today's LiteRT (2e-5 with 2.18).
    tensorflow = sys.modules["tensorflow"].__version__.split(".")[:2]
    atol = 1e-5 if [*map(int, tensorflow)] >= [2, 21] else 5e-5
    np.testing.assert_allclose(frame, frame_of(exported, *inputs), atol=atol)
    # The second is preferred to the third: it stands in here for the package.
    monkeypatch.setitem(sys.modules, TFLITE, sys.modules[TENSORFLOW])
    monkeypatch.setitem(sys.modules, TENSORFLOW, None)
    assert load_exported(exported_dir).frame_size == (64, 64)
    monkeypatch.setitem(sys.modules, TFLITE, None)
    with pytest.raises(ModelError, match="pip install ai-edge-litert"):
        load_exported(exported_dir)


def test_bytes_are_taken_as_floats_are(exported, inputs):
    levels = (inputs[0] * 255).astype(np.uint8)
    floats = levels.astype(np.float32) / np.float32(255)
    np.testing.assert_array_equal(exported.detect(levels).value, exported.detect(floats).value)
    encoded, expected = exported.encode(levels), exported.encode(floats)
    np.testing.assert_array_equal(encoded["features"], expected["features"])


def test_threads_may_share_a_model(exported, inputs):
    """Each frame is what one thread alone makes of it."""
    source, driving = inputs
    shifted = [np.roll(driving[0], 5 * index, axis=1) for index in range(8)]
    expected = list(fomm_tf.animate_frames(exported, source[0], shifted))
    with ThreadPoolExecutor(4) as pool:
        jobs = [
            pool.submit(list, fomm_tf.animate_frames(exported, source[0], shifted))
            for _ in range(4)
        ]
        for job in jobs:
            np.testing.assert_array_equal(job.result(), expected)


def test_inputs_that_do_not_fit(exported, inputs):
    source, _ = inputs
    kp, encoded = exported.detect(source), exported.encode(source)
    for picture in (source[:, :32], np.repeat(source, 2, axis=0)):
        with pytest.raises(ModelError, match=r"picture must be \[1, 64, 64, 3\], not \["):
            exported.detect(picture)
    with pytest.raises(ModelError, match="add a batch axis"):
        exported.detect(source[0])
    with pytest.raises(ModelError, match="divide by 255"):
        exported.encode(source * 255)
    with pytest.raises(ModelError, match=r"needs kp_driving_jacobian \[1, 10, 2, 2\]"):
        exported.decode(encoded, kp, Keypoints(kp.value))
    with pytest.raises(ModelError, match=r"kp_source_value must be \[1, 10, 2\]"):
        exported.decode(encoded, Keypoints(kp.value[:, :5], kp.jacobian), kp)
    with pytest.raises(ModelError, match="needs features"):
        exported.decode({}, kp, kp)
    wide = exported.detect(source.astype(np.float64))
    np.testing.assert_array_equal(wide.value, kp.value)


ENDURANCE = """
import sys, time
import numpy as np
import fomm_tf
model = fomm_tf.load_exported(sys.argv[1], threads=1)
pictures = np.random.default_rng(0).random((8, 1, *model.frame_size, 3), np.float32)
encoded, kp_source = model.encode(pictures[0]), model.detect(pictures[0])
for index in range(5001):
    if index in (500, 1000, 4500, 5000):
        kib = next(line for line in open("/proc/self/status") if line.startswith("VmRSS"))
        print(int(kib.split()[1]), time.process_time())
    model.decode(encoded, kp_source, model.detect(pictures[index % 8]))
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
def test_5000_frames_need_no_more_memory_or_time_each(exported_dir):
    lines = run_program(ENDURANCE, exported_dir).stdout.splitlines()
    memory, seconds = np.array([line.split() for line in lines], float).T
    assert memory[-1] - memory[0] < 4 * 1024
    early, _, late = np.diff(seconds)
    # Processor time, which other programs do not count in; a growth with the frames is tenfold.
    assert late < 3 * early


# The animate command


@pytest.fixture
def clip(tmp_path):
    Image.fromarray(moving_square(1, seed=5)[0]).save(tmp_path / "source.png")
    write_video(tmp_path / "driving.mp4", moving_square(5), fps=10)
    return ["--source", tmp_path / "source.png", "--driving", tmp_path / "driving.mp4"]


def frames(folder) -> np.ndarray:
    return np.stack([np.asarray(Image.open(path), int) for path in sorted(folder.glob("*.png"))])


WITHOUT_TENSORFLOW = """
import sys
from fomm_tf.animate import main
main(sys.argv[1:])
loaded = {name.partition(".")[0] for name in sys.modules} & {"tensorflow", "keras", "export"}
assert not loaded, loaded
assert "ai_edge_litert" in sys.modules
"""


def test_animate_equals_the_keras_folder_without_tensorflow(
    exported_dir, official_model_dir, clip, tmp_path
):
    out = ["--out", tmp_path / "exported", "--threads", 1]
    done = run_program(WITHOUT_TENSORFLOW, "--model", exported_dir, *clip, *out)
    assert "5 frames" in done.stdout
    assert "INFO" not in done.stderr and "WARN" not in done.stderr
    arguments = ["--model", official_model_dir, *clip, "--out", tmp_path / "keras"]
    animate.main([*map(str, arguments)])
    actual, expected = frames(tmp_path / "exported"), frames(tmp_path / "keras")
    assert actual.shape == (5, 64, 64, 3) and expected.std() > 1
    assert np.abs(actual - expected).max() <= 1


def test_animate_a_dataset(exported_dir, moving_squares, tmp_path):
    arguments = ["--model", exported_dir, "--data", moving_squares, "--out", tmp_path / "out"]
    animate.main([*map(str, arguments)])
    assert len(list((tmp_path / "out").iterdir())) == 4


def test_animate_tells_of_a_damaged_folder_in_one_line(folder, clip, tmp_path):
    content = bytearray((folder / GENERATOR).read_bytes())
    content[5000] ^= 1
    (folder / GENERATOR).write_bytes(content)
    done = run_command("animate", "--model", folder, *clip, "--out", tmp_path / "out.mp4")
    assert_one_line_error(done, GENERATOR, "checksum")
    assert not (tmp_path / "out.mp4").exists()


# Folders that are not what they say


def refused(folder, match: str) -> None:
    with pytest.raises(ModelError, match=match) as caught:
        load_exported(folder)
    assert "\n" not in str(caught.value)


def test_folders_that_are_no_exported_model(folder, tiny_model_dir, tmp_path):
    refused(tmp_path / "none", "no such model folder")
    refused(tiny_model_dir, "is not an exported model: it has no manifest.json")
    (folder / GENERATOR).unlink()
    refused(folder, "not a complete exported model: it has no generator.tflite")
    (folder / GENERATOR).mkdir()
    refused(folder, "not a complete exported model: it has no generator.tflite")


def test_damaged_files(folder):
    content = bytearray((folder / GENERATOR).read_bytes())
    (folder / GENERATOR).write_bytes(content[:-1])
    refused(folder, "generator.tflite is damaged: its size differs")
    content[5000] ^= 1
    (folder / GENERATOR).write_bytes(content)
    refused(folder, "generator.tflite is damaged: its checksum differs")


@pytest.mark.parametrize("content", [b"?" * 5000, b"", b"\x1c\0\0\0TFL3" + b"\0" * 100])
def test_what_is_no_graph(content, folder):
    replace_file(folder, GENERATOR, content or b"?")
    refused(folder, "generator.tflite does not run: .*2.14.0 or later")


def test_part_of_a_graph(folder):
    content = (folder / GENERATOR).read_bytes()
    replace_file(folder, GENERATOR, content[: len(content) // 2])
    refused(folder, "generator.tflite does not run")


def test_another_model_s_graph(folder):
    replace_file(folder, GENERATOR, (folder / KEYPOINT_DETECTOR).read_bytes())
    refused(folder, "generator.tflite: signatures and tensors differ")


def test_a_config_that_is_not_the_graph_s(folder):
    """The manifest agrees with itself, but the graphs are of 10 keypoints."""

    def edit(data):
        data["config"]["model_params"]["common_params"]["num_kp"] = 9
        for signature in (one for graph in data["graphs"] for one in graph["signatures"]):
            for tensor in signature["inputs"] + signature["outputs"]:
                tensor["shape"] = [9 if length == 10 else length for length in tensor["shape"]]

    change(folder, edit)
    refused(folder, "keypoint_detector.tflite: signatures and tensors differ")


def tensors(data, graph, signature, kind="inputs"):
    return data["graphs"][graph]["signatures"][signature][kind]


@pytest.mark.parametrize(
    ("edit", "match"),
    [
        (lambda d: d.pop("graphs"), "graphs: required"),
        (lambda d: d.update(surprise=1), "unknown key"),
        (lambda d: d.update(format=2), "format: must be one of 1"),
        (lambda d: d.update(precision="float8"), "precision: must be one of"),
        (lambda d: d.update(size=[64, 96]), "size differs from config.dataset_params.frame_shape"),
        (lambda d: d["graphs"][0].update(file="../generator.tflite"), "graphs must be"),
        (lambda d: d["graphs"][0].update(file="/etc/passwd"), "graphs must be"),
        (lambda d: d["graphs"].reverse(), "graphs must be"),
        (lambda d: d["graphs"].pop(), "graphs must be keypoint_detector.tflite and gen"),
        (lambda d: d["graphs"][0].update(sha256="0" * 63), r"graphs\[0\].sha256: must be 64"),
        (lambda d: d["graphs"][0].update(sha256="0" * 64), "its checksum differs"),
        (lambda d: d["graphs"][1].update(bytes=5), "its size differs"),
        (lambda d: d["graphs"][1].update(bytes=1 << 40), "bytes: must be at most"),
        (lambda d: tensors(d, 1, 1)[0].update(name="other"), r"graphs\[1\].signatures are not"),
        (lambda d: tensors(d, 1, 0)[0].update(shape=[1, 64, 64, 4]), "signatures are not those"),
        (lambda d: tensors(d, 0, 0, "outputs").pop(), r"graphs\[0\].signatures are not those"),
        (lambda d: tensors(d, 0, 0)[0].update(type="uint8"), "type: must be one of 'float32'"),
        (lambda d: d["graphs"][1]["signatures"].pop(), r"graphs\[1\].signatures are not those"),
        (lambda d: d["config"].pop("model_params"), "config: model_params: required"),
        (
            lambda d: d["config"]["dataset_params"].update(frame_shape=[60, 64, 3]),
            "config: dataset_params.frame_shape: .*must be multiples",
        ),
    ],
)
def test_a_manifest_that_lies(edit, match, folder):
    change(folder, edit)
    refused(folder, match)


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"", "damaged or not a manifest"),
        (b"\xff\xfe\xfa{", "damaged or not a manifest"),
        (b"[" * 100_000, "damaged or not a manifest"),
        (b"[1]", "must be a group of keys"),
        (b'{"format": NaN}', "format: must be one of"),
        (b'{"format": ' + b"9" * 5000 + b"}", "damaged or not a manifest"),
        (b" " * (1 << 20) + b"{}", "over 1 MiB"),
    ],
)
def test_what_is_no_manifest(content, match, folder):
    (folder / MANIFEST_FILE).write_bytes(content)
    refused(folder, match)


def test_a_dataset_in_two_processes_is_the_same_as_in_one(exported_dir, tmp_path):
    (tmp_path / "data" / "test").mkdir(parents=True)
    for name, seed in (("a", 1), ("b", 2)):
        frames = moving_square(3, 64, 64, seed=seed)
        write_video(tmp_path / "data" / "test" / f"{name}.mp4", frames, fps=10)
    found = {}
    for jobs in (1, 2):
        out = tmp_path / f"out{jobs}"
        arguments = ("--model", exported_dir, "--data", tmp_path / "data", "--out", out)
        done = run_command("animate", *arguments, "--jobs", jobs)
        assert done.returncode == 0, done.stderr
        found[jobs] = {path.name: path.read_bytes() for path in out.iterdir()}
    assert found[1].keys() == {"a-a.mp4", "a-b.mp4", "b-a.mp4", "b-b.mp4"}
    assert found[1] == found[2]


def test_a_file_as_camera(exported_dir, tmp_path):
    """The live command as a user runs it; how it works is tested in tests/live."""
    Image.fromarray(moving_square(1, 64, 64)[0]).save(tmp_path / "me.png")
    talk = write_video(tmp_path / "talk.mp4", moving_square(10, 72, 96), fps=10)
    out = tmp_path / "live.mp4"
    done = run_process(
        "live", "--model", exported_dir, "--source", tmp_path / "me.png", "--driving", talk,
        "--out", out,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    video = open_video(out)
    assert (video.width, video.height) == (64, 64)
    assert 1 <= len(list(video)) <= 10
    assert "frames/s" in done.stdout and "behind the camera" in done.stdout
