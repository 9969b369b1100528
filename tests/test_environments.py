"""Exported folders in environments of their own, as pip makes them: no TensorFlow in either."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from commands import ROOT, run_program
from golden_files import arrays
from PIL import Image
from sample_media import moving_square, write_video

from fomm_tf.data.cartoon_faces import render_video

PACKAGE = ["setup.py", "pyproject.toml", "README.md", "LICENSE", "fomm_tf", "export"]
QUANTIZED = {
    "trained": {"precision": "float32"},
    "dynamic": {"precision": "dynamic"},
    "int8": {"precision": "int8"},
    "int8-fast": {"precision": "int8", "recipe": "fast"},
}
DESCRIBE = """
import sys
import numpy as np
import fomm_tf
for folder in sys.argv[1:]:
    with np.load(folder + ".pictures.npz") as data:
        source, *driving = np.split(data["pictures"], len(data["pictures"]))
    model = fomm_tf.load_exported(folder)
    kp_source, encoded = model.detect(source), model.encode(source)
    keypoints = [model.detect(picture) for picture in driving]
    frames = [model.decode(encoded, kp_source, kp) for kp in keypoints]
    value, jacobian = map(np.stack, zip(*keypoints))
    np.savez(folder + ".npz", value=value, jacobian=jacobian, frames=frames)
print(*sorted({name.partition(".")[0] for name in sys.modules}))
"""


def install(extra: str, root: Path) -> Path:
    """A new environment with the package and one extra; returns its interpreter."""
    for name in PACKAGE:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, root / "source" / name)
    run(sys.executable, "-m", "venv", root / "environment")
    python = root / "environment" / "bin" / "python"
    options = ("install", "--quiet", "--no-compile", "--disable-pip-version-check")
    run(python, "-m", "pip", *options, f"{root / 'source'}[{extra}]")
    return python


def run(*line: object, cwd: Path | None = None) -> str:
    done = subprocess.run(
        [*map(str, line)], cwd=cwd, capture_output=True, text=True, timeout=400, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def exports(official_model_dir, tmp_path_factory) -> dict[str, Path]:
    """Floats of an official checkpoint's model, and the trained model in 8 bits."""
    from export.conversion import convert

    root = tmp_path_factory.mktemp("precisions")
    data = arrays("inference_vox", "inputs")
    pictures = np.concatenate([data["source"][:1], data["driving"][:1]])
    for precision in ("float32", "float16"):
        convert(official_model_dir, root / precision, precision)
        np.savez(root / f"{precision}.pictures.npz", pictures=pictures)
    drawn = np.stack(list(render_video(11, 3, 8, 128))).astype(np.float32) / 255
    for name, options in QUANTIZED.items():
        convert(ROOT / "models" / "cartoon-faces", root / name, **options)
        np.savez(root / f"{name}.pictures.npz", pictures=drawn)
    return {path.name: path for path in root.iterdir() if path.is_dir()}


def results(folder: Path) -> dict[str, np.ndarray]:
    """What `DESCRIBE` has left beside the folder."""
    with np.load(f"{folder}.npz") as data:
        return dict(data)


def psnr(actual: np.ndarray, expected: np.ndarray) -> float:
    return -10 * np.log10(np.square(actual - expected).mean())


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="tflite-runtime 2.14.0 ends at Python 3.11")
def test_the_oldest_runtime_gives_the_same(exports, tmp_path):
    (tmp_path / "source").mkdir()
    python = install("tflite", tmp_path)
    versions = run(python, "-m", "pip", "list", "--format=freeze").splitlines()
    assert "tflite-runtime==2.14.0" in versions
    assert any(line.startswith("numpy==1.") for line in versions)
    loaded = run(python, "-c", DESCRIBE, *exports.values(), cwd=tmp_path).split()
    assert "tflite_runtime" in loaded and not {"tensorflow", "ai_edge_litert"} & set(loaded)
    found = {name: results(folder) for name, folder in exports.items()}
    assert "ai_edge_litert" in run_program(DESCRIBE, *exports.values()).stdout.split()
    expected = {name: results(folder) for name, folder in exports.items()}
    for precision in ("float32", "float16"):
        for name, value in expected[precision].items():
            np.testing.assert_allclose(found[precision][name], value, atol=1e-3, err_msg=precision)
    exact = expected["trained"]["frames"]
    np.testing.assert_allclose(found["trained"]["frames"], exact, atol=1e-3)
    for name in QUANTIZED.keys() - {"trained"}:
        # Integers are rounded in another order there: the same quality, not the same bits.
        quality = [psnr(one[name]["frames"], exact) for one in (found, expected)]
        assert abs(quality[0] - quality[1]) < 1, (name, quality)


def test_animate_with_nothing_but_the_lite_extra(exports, tmp_path):
    (tmp_path / "source").mkdir()
    python = install("lite", tmp_path)
    names = {line.partition("==")[0] for line in run(python, "-m", "pip", "freeze").splitlines()}
    assert "ai-edge-litert" in names and not {"tensorflow", "tensorflow-cpu", "keras"} & names
    Image.fromarray(moving_square(1, seed=5)[0]).save(tmp_path / "picture.png")
    write_video(tmp_path / "video.mp4", moving_square(5), fps=10)
    for precision, folder in exports.items():
        line = [python, "-m", "fomm_tf.animate", "--model", folder, "--source", "picture.png"]
        line += ["--driving", "video.mp4", "--out", f"{precision}.mp4"]
        assert "5 frames" in run(*line, cwd=tmp_path)
        assert (tmp_path / f"{precision}.mp4").stat().st_size > 500
