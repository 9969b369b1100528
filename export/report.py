"""The report of `python -m export.verify`, as text and as JSON."""

from __future__ import annotations

import math
import textwrap
from collections import Counter
from dataclasses import dataclass
from typing import Any

from export.delegates import CONVOLUTIONS, Placement
from export.deviations import ClipDifference, Outputs
from export.thresholds import Check, l1_change, precision_of
from fomm_tf.inference.manifest import Manifest
from fomm_tf.measure.metrics import Score
from fomm_tf.measure.tally import Tally


@dataclass(frozen=True)
class Report:
    """runtime: the module that ran the graphs; clips: none for a model without frames; operators:
    by signature."""

    manifest: Manifest
    runtime: str
    outputs: Outputs
    clips: list[ClipDifference]
    operators: dict[str, Placement]
    checks: list[Check]

    @property
    def missed(self) -> list[str]:
        """Descriptions of the missed thresholds."""
        return [check.text for check in self.checks if not check.passed]

    def lines(self) -> list[str]:
        """Tables for a terminal."""
        height, width = self.manifest.size
        title = f"{self.manifest.name}, {precision_of(self.manifest)}, {width} x {height}"
        files = [f"  {one.file:30}{one.bytes / 1e6:10.2f} MB" for one in self.manifest.graphs]
        checks = [f"  {'met' if passed else 'MISSED':8}{text}" for passed, text in self.checks]
        blocks = [
            [f"{title}: {self.runtime} against Keras"],
            self._output_lines(),
            *([self._clip_lines()] if self.clips else []),
            ["operators", *self._operator_lines()],
            ["files", *files],
            ["thresholds", *checks],
        ]
        return "\n\n".join("\n".join(block) for block in blocks).splitlines()

    def to_dict(self) -> dict[str, Any]:
        """The same for JSON; NaN is None."""
        return {
            "name": self.manifest.name,
            "precision": precision_of(self.manifest),
            "size": list(self.manifest.size),
            "runtime": self.runtime,
            "outputs": {
                f"{signature}.{name}": _numbers(tally)
                for (signature, name), tally in self.outputs.items()
            },
            "clips": [
                {"name": clip.name, "frames": clip.frames, **_numbers(clip.animation)}
                | {"worst_frame_psnr": _number(clip.animation.worst_psnr)}
                for clip in self.clips
            ],
            "reconstruction_l1": {
                by: _number(self._total(by).l1) for by in ("keras", "exported") if self.clips
            },
            "operators": {
                signature: placement._asdict() for signature, placement in self.operators.items()
            },
            "bytes": {graph.file: graph.bytes for graph in self.manifest.graphs},
            "thresholds": [check._asdict() for check in self.checks],
        }

    def _total(self, by: str) -> Score:
        total = Score()
        for clip in self.clips:
            total.merge(getattr(clip, by))
        return total

    def _output_lines(self) -> list[str]:
        lines = [f"{'on equal inputs':32}{'max':>10}{'mean':>10}{'PSNR':>8}"]
        for (signature, name), tally in self.outputs.items():
            lines.append(f"  {f'{signature:8}{name}':30}{_columns(tally)}")
        return lines

    def _clip_lines(self) -> list[str]:
        lines = [f"{'whole clips, animated':32}{'max':>10}{'mean':>10}{'PSNR':>8}  worst frame"]
        for clip in self.clips:
            worst = f"{clip.animation.worst_psnr:13.1f}"
            columns = f"{_columns(clip.animation)}{worst}  of {clip.frames}"
            lines.append(f"  {clip.name[:30]:30}{columns}")
        keras, exported = self._total("keras"), self._total("exported")
        change = f"{l1_change(self.clips):+.2%}"
        lines.append(
            f"  reconstructed: L1 {exported.l1:.5f}, by Keras {keras.l1:.5f} ({change}); "
            f"SSIM {exported.ssim:.4f}, by Keras {keras.ssim:.4f}"
        )
        return lines

    def _operator_lines(self) -> list[str]:
        lines = []
        for graph in self.manifest.graphs:
            for signature in graph.signatures:
                lines += _operators(signature.name, self.operators[signature.name])
        return lines


def _operators(signature: str, placement: Placement) -> list[str]:
    counts, taken, partitions, refused = placement
    total, inside = counts.total(), taken.total()
    convolved, fast = (sum(one[name] for name in CONVOLUTIONS) for one in (counts, taken))
    parts = f"{partitions} partition{'s' * (partitions != 1)}"
    return [
        f"  {signature}: {total}, of these by XNNPACK {inside} ({inside / total:.0%}) in {parts}, "
        f"with {fast} of {convolved} convolutions",
        *_counted("all", counts),
        *_counted("not by XNNPACK", counts - taken),
        *_counted("unsupported by GPU", refused),
    ]


def _columns(tally: Tally) -> str:
    return f"{tally.max:10.1e}{tally.mean:10.1e}{tally.psnr:8.1f}"


def _counted(what: str, kinds: Counter[str]) -> list[str]:
    # Non-breaking spaces, replaced by ordinary ones after wrapping.
    text = ", ".join(f"{name}\xa0{count}" for name, count in kinds.most_common()) or "none"
    first = f"    {what + ':':25}"
    lines = textwrap.wrap(text, 100, initial_indent=first, subsequent_indent=" " * len(first))
    return [line.replace("\xa0", " ") for line in lines]


def _numbers(tally: Tally) -> dict[str, float | None]:
    return {name: _number(getattr(tally, name)) for name in ("max", "mean", "psnr")}


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None
