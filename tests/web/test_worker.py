"""What runs in the page's worker, in Chromium, does as Python does."""

from __future__ import annotations

import copy
import json
import struct
import zipfile

import numpy as np
import pytest
from commands import ROOT
from copart.tiny_copart import tiny_copart_config
from monkeynet.tiny_monkeynet import tiny_monkeynet_config
from sample_media import moving_square
from tiny import save_random_model
from web.pages import BLANK, opened, served
from web.pixels import animated_by_page, steps_apart, zipped

from export.conversion import convert
from export.manifest import describe, write_manifest
from fomm_tf import serve
from fomm_tf.copart.exported import SEGMENTATION
from fomm_tf.errors import ModelError
from fomm_tf.inference.animation import animate_frames
from fomm_tf.inference.loading import load_exported, read_manifest
from fomm_tf.inference.motion import MotionOptions
from fomm_tf.monkeynet.config import MonkeyNetConfig


@pytest.fixture(scope="module")
def address(make_page, exported_dir):
    with served(make_page(exported_dir)) as address:
        yield address


@pytest.fixture(scope="module")
def page(browser, address):
    with opened(browser, address + BLANK) as page:
        yield page


@pytest.fixture(scope="module")
def frames():
    return moving_square(4, 64, 64, seed=3)


@pytest.fixture(scope="module")
def monkey_dir(tmp_path_factory):
    """A Monkey-Net whose motion transfer uses all that its config can ask for."""
    root = tmp_path_factory.mktemp("monkey")
    data = tiny_monkeynet_config().to_dict()
    data["transfer_params"]["normalization_params"] |= {"clip_mean": True, "adapt_variance": True}
    save_random_model(root / "model", MonkeyNetConfig.from_dict(data), 4, 2, 0.1)
    convert(root / "model", root / "exported", "float32")
    return root / "exported"


def test_motion_transfer_equals_the_shared_vectors(page):
    vectors = json.loads((ROOT / "tests" / "motion_transfer_vectors.json").read_text())
    found = page.evaluate(
        """async ({cases}) => {
          const {transferMotion} = await import("/motion_transfer.js");
          const flat = (all) => all && new Float32Array(all.flat(2));
          const keypoints = ({value, jacobian}) => ({value: flat(value), jacobian: flat(jacobian)});
          return cases.map((one) => {
            const all = [one.kp_source, one.kp_driving, one.kp_driving_initial].map(keypoints);
            const {relative, relative_jacobian: relativeJacobian, adapt_scale: adaptScale} = one;
            const moved = transferMotion(...all, {relative, relativeJacobian, adaptScale});
            return {value: [...moved.value], jacobian: moved.jacobian && [...moved.jacobian]};
          });
        }""",
        vectors,
    )
    assert len(found) > 10
    for moved, case in zip(found, vectors["cases"], strict=True):
        for name in ("value", "jacobian"):
            expected = case["expected"][name]
            if expected is None:
                assert moved[name] is None, case["name"]
                continue
            tolerance = vectors["tolerance"]
            expected = np.ravel(expected)
            np.testing.assert_allclose(
                moved[name], expected, tolerance, tolerance, err_msg=case["name"]
            )


@pytest.mark.parametrize(
    "options",
    [{}, {"relative": False}, {"adaptScale": True}],
    ids=["relative", "absolute", "scaled"],
)
def test_float32_frames_are_pythons(page, exported_dir, frames, options):
    names = {"adaptScale": "adapt_scale"}
    motion = MotionOptions(**{names.get(key, key): value for key, value in options.items()})
    source, driving = frames[0], frames[1:]
    threads, found = animated_by_page(page, source, driving, **options)
    expected = list(animate_frames(load_exported(exported_dir), source, driving, motion))
    assert threads > 1
    assert steps_apart(found, expected) <= 1


def test_a_best_frame_so_far_is_the_initial_one(page, exported_dir, frames):
    """Of frames in this order: the source itself fits best, and is the last."""
    driving = [frames[2], frames[1], frames[0]]
    _, found = animated_by_page(page, frames[0], driving, bestFrame=True)
    motion = MotionOptions(best_frame=True)
    expected = list(animate_frames(load_exported(exported_dir), frames[0], driving, motion))
    assert steps_apart(found[-1:], expected[-1:]) <= 1


def test_monkey_nets_frames_are_pythons(page, monkey_dir, tmp_path):
    """From the user's ZIP file."""
    model = load_exported(monkey_dir)
    frames = moving_square(4, *model.frame_size, seed=5)
    file = zipped(monkey_dir, tmp_path / "model.zip")
    _, found = animated_by_page(page, frames[0], frames[1:], file)
    expected = list(animate_frames(model, frames[0], frames[1:]))
    assert np.std(expected[0]) > 0.01
    assert steps_apart(found, expected) <= 1


def test_without_the_headers_there_is_one_thread(
    browser, address, exported_dir, frames, monkeypatch
):
    monkeypatch.setattr(serve, "_HEADERS", {})
    with opened(browser, address + BLANK) as page:
        threads, found = animated_by_page(page, frames[0], frames[1:2])
    assert threads == 1
    expected = list(animate_frames(load_exported(exported_dir), frames[0], frames[1:2]))
    assert steps_apart(found, expected) <= 1


def altered(data: dict, path: str, value: object) -> str:
    """The manifest with one value changed, by its dotted path; `...` takes it out."""
    data = copy.deepcopy(data)
    *parents, key = [int(part) if part.isdigit() else part for part in path.split(".")]
    inner = data
    for parent in parents:
        inner = inner[parent]
    if value is ...:
        del inner[key]
    else:
        inner[key] = value
    return json.dumps(data)


REFUSED = [
    *[("format", 2), ("format", True), ("name", 1), ("name", ...), ("license", ...)],
    *[("license", 3), ("precision", "int4"), ("size", [64]), ("size", [64, 0]), ("size", "64")],
    *[("size", [64, 5000]), ("size", [128, 128]), ("minimum_runtime_version", None)],
    *[("recipe", "quality"), ("recipe", "slow"), ("graphs", []), ("graphs", {}), ("extra", 1)],
    *[("graphs.0.bytes", 0), ("graphs.0.bytes", 2**31), ("graphs.0.sha256", "0" * 63)],
    *[("graphs.0.sha256", "G" * 64), ("graphs.0.file", "../x"), ("graphs.1", ...)],
    *[("graphs.0.signatures", []), ("graphs.0.signatures.0.name", "find")],
    *[("graphs.0.signatures.0.inputs.0.shape", [1, 64, 32, 3])],
    *[("graphs.0.signatures.0.inputs.0.type", "int8"), ("graphs.0.signatures.0.more", 1)],
    *[("graphs.0.signatures.0.outputs.1", ...), ("graphs.1.signatures.0", ...)],
    *[("graphs.1.signatures.1.inputs.0", ...), ("graphs.1.signatures.1.outputs.0.name", "x")],
    *[("graphs.1.signatures.1.inputs.0.shape", [1, 1, 1, 1])],
    *[("config", ...), ("config", None), ("config.dataset_params", ...)],
    *[("config.model_params", []), ("config.model_params.common_params.num_kp", 3)],
    *[("config.model_params.common_params.num_kp", "10"), ("difference", 1)],
    *[("config.model_params.common_params.estimate_jacobian", False)],
    *[("config.model_params.kp_detector_params", ...), ("difference.pictures", ...)],
    *[("difference.frame.max", -1), ("difference.frame.mean", ...), ("difference.x_psnr", 1)],
]
ACCEPTED = [
    *[("name", "other"), ("license", None), ("recipe", None), ("difference", ...)],
    *[("graphs.0.signatures.0.inputs.0.type", ...), ("difference.frame_psnr", None)],
]


def test_manifests_are_refused_as_in_python(page, exported_dir, tmp_path):
    data = json.loads((exported_dir / "manifest.json").read_text())
    texts = [altered(data, *change) for change in REFUSED + ACCEPTED]
    texts += ["", "[]", "{", "[" * 100_000, " " * (1 << 20) + json.dumps(data)]
    sentences = page.evaluate(
        """async (texts) => {
          const {readManifest} = await import("/manifest.js");
          const {Problem} = await import("/problem.js");
          return texts.map((text) => {
            try {
              readManifest(text);
            } catch (error) {
              return error instanceof Problem ? error.message : `no sentence: ${error}`;
            }
            return null;
          });
        }""",
        texts,
    )
    for index, (text, sentence) in enumerate(zip(texts, sentences, strict=True)):
        change = (REFUSED + ACCEPTED)[index] if index < len(REFUSED + ACCEPTED) else text[:9]
        (tmp_path / "manifest.json").write_text(text)
        try:
            read_manifest(tmp_path)
        except ModelError:
            assert sentence and sentence.endswith("."), change
            assert not sentence.startswith("no sentence"), (change, sentence)
        else:
            assert sentence is None, (change, sentence)
    assert all(sentences[: len(REFUSED)]) and not any(sentences[len(REFUSED) : -5])


def test_parts_cannot_animate(page, tmp_path):
    """The sentence is about the kind of model, and not about graphs that are missing."""
    config = tiny_copart_config()
    manifest = describe({SEGMENTATION: b"graph"}, config, "float32", "parts", None, None)
    write_manifest(tmp_path, manifest)
    file = zipped(tmp_path, tmp_path.with_suffix(".zip"))
    assert "has no generator" in opening(page, file.read_bytes())


def opening(page, content: bytes) -> str | None:
    """What the page says of a ZIP file; None if it is a model."""
    return page.evaluate(
        """async (content) => {
          const {userModel} = await import("/model_files.js");
          const {sentenceOf} = await import("/problem.js");
          try {
            await userModel([new File([Uint8Array.from(content)], "model.zip")]);
          } catch (error) {
            return sentenceOf(error);
          }
          return null;
        }""",
        list(content),
    )


def test_zip_files_are_not_trusted(page, exported_dir, tmp_path):
    good = zipped(exported_dir, tmp_path / "good.zip").read_bytes()
    assert opening(page, good) is None
    assert "not a ZIP file" in opening(page, b"text, not an archive")
    assert "not a ZIP file" in opening(page, b"")
    assert "not a ZIP file" in opening(page, good[: len(good) // 2])
    directory = good.rindex(b"PK\x05\x06")
    beyond = good[: directory + 16] + struct.pack("<I", 1 << 31) + good[directory + 20 :]
    assert "not a ZIP file" in opening(page, beyond)

    def packed(**files: bytes) -> bytes:
        path = tmp_path / "other.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in files.items():
                archive.writestr(name, content)
        return path.read_bytes()

    manifest = (exported_dir / "manifest.json").read_bytes()
    detector = (exported_dir / "keypoint_detector.tflite").read_bytes()
    assert "has no manifest.json" in opening(page, packed(x=b""))
    assert "has no keypoint_detector" in opening(page, packed(**{"manifest.json": manifest}))
    damaged = {"manifest.json": manifest, "keypoint_detector.tflite": detector[:-1] + b"?"}
    assert "checksum" in opening(page, packed(**damaged))
    assert "size differs" in opening(page, packed(**damaged | {"keypoint_detector.tflite": b"1"}))
    assert "over 1 MiB" in opening(page, packed(**{"manifest.json": b" " * (2 << 20)}))
    assert "more than 100 files" in opening(page, packed(**{str(i): b"" for i in range(101)}))
    # The directory says 1 byte; the content would unpack to a million.
    bomb = packed(**{"manifest.json": b" " * 1_000_000})
    at = bomb.rindex(b"PK\x01\x02") + 24
    assert "damaged" in opening(page, bomb[:at] + struct.pack("<I", 1) + bomb[at + 4 :])


def test_parts_of_pictures_are_averaged_and_mirrored(page):
    """Area averaging when a picture gets smaller, interpolation when it gets larger."""
    found = page.evaluate(
        """async () => {
          const {Fit} = await import("/fit.js");
          const grey = (all) => Uint8ClampedArray.from(all.flatMap((one) => [one, one, one, 255]));
          const red = (all) => Array.from(all).filter((_, i) => i % 4 === 0);
          const picture = {data: grey([0, 40, 80, 120, 160, 200, 240, 20]), width: 4, height: 2};
          const fit = (box, width, height, mirror) =>
            red(new Fit(picture, box, width, height, mirror).apply(picture));
          const whole = {x: 0, y: 0, width: 4, height: 2};
          return {
            same: fit(whole, 4, 2),
            mirrored: fit(whole, 4, 2, true),
            half: fit(whole, 2, 1),
            part: fit({x: 1, y: 0, width: 2, height: 1}, 2, 1),
            larger: fit({x: 0, y: 0, width: 2, height: 1}, 4, 1),
          };
        }"""
    )
    assert found == {
        "same": [0, 40, 80, 120, 160, 200, 240, 20],
        "mirrored": [120, 80, 40, 0, 20, 240, 200, 160],
        "half": [100, 115],
        "part": [40, 80],
        "larger": [0, 10, 30, 50],
    }
