"""Acceptance thresholds by precision: how closely exported graphs must match their model.

The commands, the tests and docs/quantization.md use this table. No TensorFlow.
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

    psnr: dB, of the frames (or the parts' masks, for a model without frames) on equal inputs and of
    every whole clip. picture, keypoints: maximum differences on equal inputs, of those and of all
    other outputs of `detect`. l1: maximum relative change of the reconstruction's L1.
    """

    psnr: float
    picture: float = math.inf
    keypoints: float = math.inf
    l1: float = math.inf

    def __str__(self) -> str:
        """The table's row in words."""
        parts = [f"at least {self.psnr:g} dB"]
        if self.keypoints < math.inf:
            parts.append(f"all outputs of detect within {self.keypoints:.0e}")
        if self.picture < math.inf:
            parts.append(f"frames within {self.picture:.0e}")
        if self.l1 < math.inf:
            parts.append(f"L1 of reconstruction changed by at most {self.l1:.0%}")
        return ", ".join(parts)


class Check(NamedTuple):
    """One limit and the measured value: `text` states both."""

    passed: bool
    text: str


THRESHOLDS = {
    # Over whole clips rounding may accumulate where a warp meets an edge: no per-pixel limit.
    "float32": Thresholds(psnr=70, picture=2e-4, keypoints=2e-5),
    "float16": Thresholds(psnr=45),
    "dynamic": Thresholds(psnr=20),
    "int8 quality": Thresholds(psnr=38, l1=0.02),
    "int8 fast": Thresholds(psnr=32, l1=0.05),
}
# `export.convert` writes nothing beyond these: such errors are bugs, not rounding. A model that is
# unsuitable for int8 is still exported: `export.verify` reports it.
REFUSED: dict[Precision, Thresholds] = {
    "float32": THRESHOLDS["float32"],
    "float16": THRESHOLDS["float16"],
    "dynamic": THRESHOLDS["dynamic"],
    "int8": Thresholds(psnr=20),
}


# PSNR of any output by LiteRT's CompiledModel against the classic interpreter's, with its range as
# peak: kernels may round differently, a wrongly bound buffer is far below.
COMPILED_PSNR = 40


def precision_of(manifest: Manifest) -> str:
    """The precision, with the recipe if it has one: a key of `THRESHOLDS`."""
    recipe = manifest.recipe
    return manifest.precision if recipe is None else f"{manifest.precision} {recipe}"


def check(thresholds: Thresholds, outputs: Outputs, clips: list[ClipDifference]) -> Iterator[Check]:
    """All limits that apply."""
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
    """Relative change of the reconstruction's L1 from the model to the graphs, over all clips."""
    keras, exported = (
        sum(getattr(clip, one).l1_sum for clip in clips) for one in ("keras", "exported")
    )
    return exported / keras - 1 if keras else math.inf


# Comparisons are written so that NaN fails.
def _at_most(what: str, found: float, limit: float) -> Check:
    return Check(found <= limit, f"{what} differs by {found:.1e}, at most {limit:.0e}")


def _decibels(what: str, found: float, limit: float) -> Check:
    return Check(found >= limit, f"{what} is at {found:.1f} dB, at least {limit:.0f}")
