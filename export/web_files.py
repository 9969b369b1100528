"""The files of the web page: its own, LiteRT's, the face detector's, a model's, and examples."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from PIL import Image

from export.calibration import drawn_side
from export.npm import Package, archive_file
from fomm_tf.data.cartoon_faces import render_video
from fomm_tf.data.cartoon_faces.motion import FPS
from fomm_tf.inference.exported import ExportedModel
from fomm_tf.inference.manifest import MANIFEST_FILE
from fomm_tf.media.video_writer import VideoWriter

PAGE = Path(__file__).parent / "web_page"
LICENSE = PAGE / "licenses" / "Apache-2.0.txt"

LITERT = Package(
    "@litertjs/core",
    "2.5.3",
    "PlGmbMOq9WitX7FO0jhbdJw9GthatsyuCQXjTt/wJZo0FLaw48q4tz8IwqgqCIkviYGr9OFDL1kCnN4nzWoyJQ==",
)
LITERT_UTILS = Package(
    "@litertjs/wasm-utils",
    "2.5.3",
    "4fJiw6tBQnIs+0jH/OQ16nYOiSl8/+zZnn5h2ul8aTKHi05sVqZW580Tmk78pC2kT39A9OYBVdFawteZ/sI1kQ==",
)
FACE_DETECTION = Package(
    "@mediapipe/face_detection",
    "0.4.1657300184",
    "k5aYtTf7av7GwD3C9T4LJB/okHK/uJwFQSOmJ9OHZMlwg7SdYVMolRgDlA962OU7fIBKsrOA7f7BzD2gpzcAKw==",
)
PACKAGES = (LITERT, LITERT_UTILS, FACE_DETECTION)
_DETECTOR = "face_detection_short_range.tflite"
# With threads; without; without relaxed SIMD, for browsers that do not have it.
BUILDS = ("threaded_internal", "internal", "compat_internal")

# The bundled model was trained on seed 1. Faces are the first frames of these videos.
_SEED = 2026
_FACES = (5, 7, 12, 20)
_DRIVING = 6
_DRIVING_FRAMES = 75

Files = Iterator[tuple[str, bytes]]
"""Paths below the page's folder, and their content."""


def page_files(folder: Path, model: ExportedModel, archives: Mapping[Package, bytes]) -> Files:
    """Everything that the page consists of, for the exported model in `folder`.

    archives: of `PACKAGES`.
    """
    yield from _litert(archives[LITERT], archives[LITERT_UTILS])
    yield f"face_detection/{_DETECTOR}", archive_file(archives[FACE_DETECTION], _DETECTOR)
    for name in ("litert", "face_detection"):
        yield f"{name}/LICENSE", LICENSE.read_bytes()
    for name in (MANIFEST_FILE, *(graph.file for graph in model.manifest.graphs)):
        yield f"model/{name}", (folder / name).read_bytes()
    yield from _examples(model.frame_size)
    for path in sorted(PAGE.iterdir()):
        if path.is_file():
            yield path.name, path.read_bytes()


def top_names() -> set[str]:
    """What a page's folder has directly in it."""
    folders = {"litert", "face_detection", "model", "example"}
    return folders | {path.name for path in PAGE.iterdir() if path.is_file()}


def _litert(core: bytes, utils: bytes) -> Files:
    index = archive_file(core, "dist/index.js")
    # Browsers do not look for packages by name.
    yield "litert/index.js", index.replace(b'"@litertjs/wasm-utils"', b'"./utils.js"')
    yield "litert/utils.js", archive_file(utils, "dist/index.js")
    for build in BUILDS:
        for suffix in ("js", "wasm"):
            name = f"litert_wasm_{build}.{suffix}"
            yield f"litert/{name}", archive_file(core, f"wasm/{name}")


def _examples(size: tuple[int, int]) -> Files:
    """Drawn faces, and one of them moving: the page has something to show at once."""
    side = drawn_side(size)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for number, index in enumerate(_FACES, 1):
            face = next(iter(render_video(_SEED, index, 1, side)))
            Image.fromarray(face).save(folder / f"face-{number}.png", optimize=True)
        with VideoWriter(folder / "driving.mp4", FPS) as writer:
            for frame in render_video(_SEED, _DRIVING, _DRIVING_FRAMES, side):
                writer.write(frame)
        for path in sorted(folder.iterdir()):
            yield f"example/{path.name}", path.read_bytes()
