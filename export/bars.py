"""What exported graphs must reach to count as the model they were made of, by precision."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

from export.deviations import PICTURES, ClipDifference, Outputs
from fomm_tf.manifest import Manifest


class Bar(NamedTuple):
    """Limits for graphs of one precision.

    psnr: dB, of the frames (or the parts' masks, of a model that gives no frames) on equal inputs
    and of every whole clip. picture, keypoints: largest differences on equal inputs, of those and
    of all else that `detect` gives. l1: part by which the L1 of reconstruction may differ.
    """

    psnr: float
    picture: float = math.inf
    keypoints: float = math.inf
    l1: float = math.inf


class Check(NamedTuple):
    """One limit, and what was found: `text` says both."""

    passed: bool
    text: str


BARS = {
    # Over whole clips rounding may add up where a warp meets an edge: no limit for single pixels.
    "float32": Bar(psnr=70, picture=2e-4, keypoints=2e-5),
    "float16": Bar(psnr=45),
    "dynamic": Bar(psnr=20),
    "int8 quality": Bar(psnr=38, l1=0.02),
    "int8 fast": Bar(psnr=32, l1=0.05),
}


def kind(manifest: Manifest) -> str:
    """The precision, and the recipe of those that have one: a key of `BARS`."""
    recipe = manifest.recipe
    return manifest.precision if recipe is None else f"{manifest.precision} {recipe}"


def check(bar: Bar, outputs: Outputs, clips: list[ClipDifference]) -> Iterator[Check]:
    """Every limit of the bar that there is."""
    for (signature, name), tally in outputs.items():
        if name in PICTURES:
            if bar.picture < math.inf:
                yield _at_most(f"{signature} {name}", tally.max, bar.picture)
            yield _decibels(f"{signature} {name}", tally.psnr, bar.psnr)
        elif signature == "detect" and bar.keypoints < math.inf:
            yield _at_most(f"{signature} {name}", tally.max, bar.keypoints)
    for clip in clips:
        yield _decibels(clip.name, clip.animation.psnr, bar.psnr)
    if clips and bar.l1 < math.inf:
        change = l1_change(clips)
        text = f"L1 of reconstruction changes by {change:+.2%}, at most {bar.l1:.0%}"
        yield Check(abs(change) <= bar.l1, text)


def l1_change(clips: list[ClipDifference]) -> float:
    """The L1 of the graphs' reconstructions over that of the model's, less 1; over all clips."""
    keras, exported = (
        sum(getattr(clip, one).l1_sum for clip in clips) for one in ("keras", "exported")
    )
    return exported / keras - 1 if keras else math.inf


# Comparisons are so written that what is not a number fails.
def _at_most(what: str, found: float, limit: float) -> Check:
    return Check(found <= limit, f"{what} differs by {found:.1e}, at most {limit:.0e}")


def _decibels(what: str, found: float, limit: float) -> Check:
    return Check(found >= limit, f"{what} is at {found:.1f} dB, at least {limit:.0f}")
