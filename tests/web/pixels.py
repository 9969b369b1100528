"""Runs frames through the page's worker, and compares them with Python's."""

from __future__ import annotations

import base64
import zipfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from fomm_tf.measure.metrics import psnr

_RUN = """async ({zip, source, frames, motion, side}) => {
  const bytes = (text) => Uint8ClampedArray.from(atob(text), (one) => one.charCodeAt(0));
  const text = (all) => btoa(Array.from(all, (one) => String.fromCharCode(one)).join(""));
  const image = (one) => ({data: bytes(one), width: side[1], height: side[0]});
  const {Engine} = await import("/engine.js");
  const engine = new Engine();
  const threads = await engine.call("start");
  await engine.call("loadModel", zip ? [[new File([bytes(zip)], "model.zip")]] : []);
  const box = {x: 0, y: 0, width: side[1], height: side[0]};
  await engine.call("setSource", [image(source), false]);
  await engine.call("cropSource", [box]);
  const results = [];
  for (const frame of frames) {
    const how = {box, mirror: false, motion, only: false};
    results.push(text((await engine.call("animate", [image(frame), how])).result));
  }
  engine.close();
  return {threads, results};
}"""


def zipped(folder: Path, out: Path) -> Path:
    """An exported model as users pack it: one folder, deflated."""
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in folder.iterdir():
            archive.write(path, f"{folder.name}/{path.name}")
    return out


def animated_by_page(page, source, frames, zip_file: Path | None = None, **motion: bool):
    """Number of threads, and frames uint8 [H, W, 3]. source, frames: the same.

    zip_file: a user's model; default: the page's.
    """
    chosen = {"relative": True, "adaptScale": False, "bestFrame": False, **motion}
    arguments = {
        "zip": base64_of(zip_file.read_bytes()) if zip_file else None,
        "source": rgba(source),
        "frames": [rgba(frame) for frame in frames],
        "motion": chosen,
        "side": source.shape[:2],
    }
    found = page.evaluate(_RUN, arguments)
    shape = (*source.shape[:2], 4)
    pixels = [np.frombuffer(base64.b64decode(one), np.uint8) for one in found["results"]]
    return found["threads"], [one.reshape(shape)[..., :3] for one in pixels]


def steps_apart(found: Iterable[np.ndarray], expected: Iterable[np.ndarray]) -> float:
    """The largest difference, in steps of 255; expected: float in [0, 1]."""
    pairs = zip(found, expected, strict=True)
    return max(float(np.abs(one - np.round(255 * other)).max()) for one, other in pairs)


def least_psnr(found: Iterable[np.ndarray], expected: Iterable[np.ndarray]) -> float:
    """In dB, over frames; expected: float in [0, 1]."""
    pairs = zip(found, expected, strict=True)
    return min(psnr(float(np.mean((one / 255 - other) ** 2))) for one, other in pairs)


def rgba(image: np.ndarray) -> str:
    return base64_of(np.dstack([image, np.full(image.shape[:2], 255, np.uint8)]).tobytes())


def base64_of(content: bytes) -> str:
    return base64.b64encode(content).decode()
