"""The web page in a second browser, and for a long time: `make soak`."""

from __future__ import annotations

import numpy as np
import pytest
from sample_media import moving_square
from web.firefox import FIREFOX, firefox
from web.pages import BLANK, opened, served
from web.pixels import animated_by_page, rgba, steps_apart

from fomm_tf.inference.animation import animate_frames
from fomm_tf.inference.loading import load_exported

pytestmark = pytest.mark.soak

FRAMES = 2000


@pytest.fixture(scope="module")
def address(make_page, exported_dir):
    with served(make_page(exported_dir)) as address:
        yield address


@pytest.mark.skipif(FIREFOX is None, reason="firefox is not installed")
def test_firefoxs_frames_are_pythons(address, exported_dir):
    frames = moving_square(4, 64, 64, seed=3)
    with firefox() as page:
        page.goto(address + BLANK)
        threads, found = animated_by_page(page, frames[0], frames[1:])
    expected = list(animate_frames(load_exported(exported_dir), frames[0], frames[1:]))
    assert threads > 1
    assert steps_apart(found, expected) <= 1


@pytest.mark.skipif(FIREFOX is None, reason="firefox is not installed")
def test_firefox_shows_the_example_moving(address):
    with firefox() as page:
        page.goto(address)
        shown = page.evaluate("""async () => {
          const rate = document.getElementById("rate");
          while (!rate.textContent) await new Promise((resolve) => setTimeout(resolve, 200));
          const canvas = document.getElementById("result");
          const {data} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
          return [document.getElementById("problem").hidden, Array.from(data)];
        }""")
    assert shown[0] and np.std(shown[1]) > 20


def test_memory_does_not_grow(browser, address):
    """Of the whole page and its worker, over many frames of changing content."""
    with opened(browser, address + BLANK) as page:
        frames = moving_square(8, 240, 320, seed=1)
        used = page.evaluate(
            """async ({frames, count}) => {
              const {Engine} = await import("/engine.js");
              const code = (one) => one.charCodeAt(0);
              const bytes = (text) => Uint8ClampedArray.from(atob(text), code);
              const all = frames.map(bytes);
              const image = {data: all[0], width: 320, height: 240};
              const format = {format: "RGBA", codedWidth: 320, codedHeight: 240};
              const box = {x: 40, y: 0, width: 240, height: 240};
              const motion = {relative: true, adaptScale: false, bestFrame: false};
              const how = {box, mirror: false, motion, only: false};
              const engine = new Engine();
              await engine.call("start");
              await engine.call("loadModel");
              await engine.call("setSource", [image, false]);
              await engine.call("cropSource", [box]);
              const used = [];
              for (let i = 0; i < count; i++) {
                const frame = new VideoFrame(all[i % all.length], {...format, timestamp: i});
                await engine.call("animate", [frame, how], [frame]);
                if (i % (count / 4) !== count / 8) continue;
                used.push((await performance.measureUserAgentSpecificMemory()).bytes);
              }
              return used;
            }""",
            {"frames": [rgba(frame) for frame in frames], "count": FRAMES},
        )
    assert len(used) == 4
    assert max(used[1:]) < 1.05 * used[0]
