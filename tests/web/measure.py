"""Times exported models in Chromium beside Python, in turns; prints a table for docs/web.md.

    PYTHONPATH=.:tests python -m web.measure EXPORTED [EXPORTED ...] [--rounds 20]

Milliseconds from a driving frame of the model's size to its result, the smallest over all rounds,
for one thread and for two. Needs what the tests of the web page need.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from playwright.sync_api import sync_playwright
from web.conftest import CHROMIUM
from web.pages import BLANK, opened, served
from web.pixels import base64_of, rgba, zipped

from export.web import main as make_page
from fomm_tf import serve
from fomm_tf.data.cartoon_faces import render_video
from fomm_tf.inference.loading import load_exported

_LOAD = """async ({zip, image, side}) => {
  const {Engine} = await import("/engine.js");
  const bytes = (text) => Uint8ClampedArray.from(atob(text), (one) => one.charCodeAt(0));
  const box = {x: 0, y: 0, width: side[1], height: side[0]};
  const picture = {data: bytes(image), width: side[1], height: side[0]};
  const engine = new Engine();
  const threads = await engine.call("start");
  await engine.call("loadModel", [[new File([bytes(zip)], "model.zip")]]);
  await engine.call("setSource", [picture, false]);
  await engine.call("cropSource", [box]);
  const motion = {relative: true, adaptScale: false, bestFrame: false};
  const how = {box, mirror: false, motion, only: false};
  globalThis.once = async () => (await engine.call("animate", [picture, how])).milliseconds;
  return threads;
}"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", type=Path, nargs="+", metavar="EXPORTED")
    parser.add_argument("--rounds", type=int, default=20)
    args = parser.parse_args()
    print("| model | Python, 1 thread | 2 threads | Chromium, 1 thread | 2 threads |")
    print("|---|---:|---:|---:|---:|")
    for folder in args.models:
        columns = " | ".join(f"{one:.1f}" for one in measured(folder, args.rounds))
        model = load_exported(folder).manifest
        print(f"| {model.name}, {model.size[0]} px, {model.precision} | {columns} |", flush=True)


def measured(folder: Path, rounds: int) -> list[float]:
    """Milliseconds by the columns of the table."""
    with ExitStack() as stack:
        root = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        make_page(["--model", str(folder), "--out", str(root / "page")])
        chromium = stack.enter_context(sync_playwright()).chromium
        browser = chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        address = stack.enter_context(served(root / "page"))
        runs = [in_python(folder, threads) for threads in (1, 2)]
        for headers in ({}, dict(serve._HEADERS)):
            serve._HEADERS.clear()
            serve._HEADERS.update(headers)
            page = stack.enter_context(opened(browser, address + BLANK))
            runs.append(in_page(page, zipped(folder, root / "model.zip"), folder))
        all_times = [[run() for run in runs] for _ in range(rounds)]
        return [min(times) for times in zip(*all_times, strict=True)]


def in_python(folder: Path, threads: int):
    """Runs one frame; returns the milliseconds."""
    model = load_exported(folder, threads)
    image = face(model)[None]
    kp_source, encoded = model.detect(image), model.encode(image)

    def once() -> float:
        began = time.perf_counter()
        kp = model.detect(image)
        model.decode(encoded, kp_source, model.transfer(kp_source, kp, kp_source))
        return 1000 * (time.perf_counter() - began)

    return once


def in_page(page, zip_file: Path, folder: Path):
    """Runs one frame in the page's worker; returns the milliseconds."""
    image = face(load_exported(folder))
    arguments = {"zip": base64_of(zip_file.read_bytes()), "image": rgba(image)}
    page.evaluate(_LOAD, {**arguments, "side": image.shape[:2]})
    return lambda: page.evaluate("once()")


def face(model):
    height, width = model.frame_size
    return next(iter(render_video(1, 0, 1, max(height, width))))[:height, :width]


if __name__ == "__main__":
    main()
