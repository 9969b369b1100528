"""Exported folders in environments of their own, as pip makes them: no TensorFlow in either."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from commands import ROOT
from golden_files import arrays
from media import moving_square, write_video
from PIL import Image

import fomm_tf
from fomm_tf.manifest import Precision

PACKAGE = ["setup.py", "pyproject.toml", "README.md", "LICENSE", "fomm_tf", "export"]
PRECISIONS = get_args(Precision)
DESCRIBE = """
import importlib.metadata, sys
import numpy as np
import fomm_tf
from fomm_tf.manifest import read_manifest
_, inputs, *folders = sys.argv
with np.load(inputs) as data:
    source, driving = data["source"], data["driving"]
for folder in folders:
    model = fomm_tf.load_exported(folder)
    kp_source, kp_driving = model.detect(source), model.detect(driving)
    frame = model.decode(model.encode(source), kp_source, kp_driving)
    np.savez(folder + ".npz", **kp_driving._asdict(), frame=frame)
print(*sorted({name.partition(".")[0] for name in sys.modules}))
"""


def install(extra: str, root: Path) -> Path:
    """A new environment with the package and one extra; returns its interpreter."""
    for name in PACKAGE:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, root / "source" / name)
    run(sys.executable, "-m", "venv", root / "environment")
    python = root / "environment" / "bin" / "python"
    options = ("install", "--quiet", "--disable-pip-version-check")
    run(python, "-m", "pip", *options, f"{root / 'source'}[{extra}]")
    return python


def run(*line: object, cwd: Path | None = None) -> str:
    done = subprocess.run(
        [*map(str, line)], cwd=cwd, capture_output=True, text=True, timeout=400, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def pictures():
    data = arrays("inference_vox", "inputs")
    return {name: data[name][:1] for name in ("source", "driving")}


@pytest.fixture(scope="module")
def exports(official_model_dir, tmp_path_factory) -> dict[str, Path]:
    """An official checkpoint's model in every precision."""
    from export.convert import convert

    root = tmp_path_factory.mktemp("precisions")
    for precision in PRECISIONS:
        convert(official_model_dir, root / precision, precision)
    return {precision: root / precision for precision in PRECISIONS}


def results(folder: Path) -> dict[str, np.ndarray]:
    with np.load(f"{folder}.npz") as data:
        return dict(data)


def here(folder: Path, pictures: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    model = fomm_tf.load_exported(folder)
    kp_source, kp_driving = (model.detect(picture) for picture in pictures.values())
    frame = model.decode(model.encode(pictures["source"]), kp_source, kp_driving)
    return {**kp_driving._asdict(), "frame": frame}


def psnr(actual: np.ndarray, expected: np.ndarray) -> float:
    return -10 * np.log10(np.square(actual - expected).mean())


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="tflite-runtime 2.14.0 ends at Python 3.11")
def test_the_oldest_runtime_gives_the_same(exports, pictures, tmp_path):
    (tmp_path / "source").mkdir()
    python = install("tflite", tmp_path)
    versions = run(python, "-m", "pip", "list", "--format=freeze").splitlines()
    assert "tflite-runtime==2.14.0" in versions
    assert any(line.startswith("numpy==1.") for line in versions)
    np.savez(tmp_path / "inputs.npz", **pictures)
    folders = [exports[precision] for precision in PRECISIONS]
    loaded = run(python, "-c", DESCRIBE, tmp_path / "inputs.npz", *folders, cwd=tmp_path).split()
    assert "tflite_runtime" in loaded and not {"tensorflow", "ai_edge_litert"} & set(loaded)
    exact = here(exports["float32"], pictures)
    for precision, folder in exports.items():
        found, expected = results(folder), here(folder, pictures)
        assert found.keys() == expected.keys()
        if precision in ("float32", "float16"):
            for name, value in expected.items():
                np.testing.assert_allclose(found[name], value, atol=1e-3, err_msg=precision)
        else:
            # Integers are rounded in another order there: the same quality, not the same bits.
            quality = [psnr(one["frame"], exact["frame"]) for one in (found, expected)]
            assert abs(quality[0] - quality[1]) < 1, (precision, quality)


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
