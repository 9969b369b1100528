"""Acceptance thresholds by precision: what exported graphs must reach to count as their model.

The commands, the tests and docs/quantization.md go by this table. No TensorFlow.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from fomm_tf.inference.manifest import Manifest, Precision

if TYPE_CHECKING:
    from export.deviations import ClipDifference, Outputs


class Thresholds(NamedTuple):
    """Limits for graphs of one precision.

    psnr: dB, of the frames (or the parts' masks, of a model that gives no frames) on equal inputs
    and of every whole clip. picture, keypoints: largest differences on equal inputs, of those and
    of all else that `detect` gives. l1: part by which the L1 of reconstruction may differ.
    """

    psnr: float
    picture: float = math.inf
    keypoints: float = math.inf
    l1: float = math.inf

    def __str__(self) -> str:
        """The table's row in words."""
        parts = [f"at least {self.psnr:g} dB"]
        if self.keypoints < math.inf:
            parts.append(f"all that detect gives within {self.keypoints:.0e}")
        if self.picture < math.inf:
            parts.append(f"frames within {self.picture:.0e}")
        if self.l1 < math.inf:
            parts.append(f"L1 of reconstruction changed by at most {self.l1:.0%}")
        return ", ".join(parts)


class Check(NamedTuple):
    """One limit, and what was found: `text` says both."""

    passed: bool
    text: str


THRESHOLDS = {
    # Over whole clips rounding may add up where a warp meets an edge: no limit for single pixels.
    "float32": Thresholds(psnr=70, picture=2e-4, keypoints=2e-5),
    "float16": Thresholds(psnr=45),
    "dynamic": Thresholds(psnr=20),
    "int8 quality": Thresholds(psnr=38, l1=0.02),
    "int8 fast": Thresholds(psnr=32, l1=0.05),
}
# What `export.convert` refuses to write: what is worse is no rounding but a mistake. A model that
# int8 does not suit is exported all the same: `export.verify` tells.
REFUSED: dict[Precision, Thresholds] = {
    "float32": THRESHOLDS["float32"],
    "float16": THRESHOLDS["float16"],
    "dynamic": THRESHOLDS["dynamic"],
    "int8": Thresholds(psnr=20),
}


# Of any output by LiteRT's CompiledModel to the classic interpreter's, against the range of its
# numbers: kernels may round differently, a wrongly bound buffer is far below.
COMPILED_PSNR = 40


def precision_of(manifest: Manifest) -> str:
    """The precision, and the recipe of those that have one: a key of `THRESHOLDS`."""
    recipe = manifest.recipe
    return manifest.precision if recipe is None else f"{manifest.precision} {recipe}"


def check(thresholds: Thresholds, outputs: Outputs, clips: list[ClipDifference]) -> Iterator[Check]:
    """Every limit that there is."""
    for (signature, name), tally in outputs.items():
        what = f"{signature} {name}"
        if tally.is_picture:
            if thresholds.picture < math.inf:
                yield _at_most(what, tally.max, thresholds.picture)
            yield _decibels(what, tally.psnr, thresholds.psnr)
        elif signature == "detect" and thresholds.keypoints < math.inf:
            yield _at_most(what, tally.max, thresholds.keypoints)
    for clip in clips:
        yield _decibels(clip.name, clip.animation.psnr, thresholds.psnr)
    if clips and thresholds.l1 < math.inf:
        change = l1_change(clips)
        text = f"L1 of reconstruction changes by {change:+.2%}, at most {thresholds.l1:.0%}"
        yield Check(abs(change) <= thresholds.l1, text)


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
