"""Results of `python -m export.benchmark`, as a Markdown table and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field

from fomm_tf.measure.timing import Times

KERAS = "Keras"
HEAD = (
    *("", "threads", "ms per frame", "range of ms", "`generate` : this", "`decode` : this"),
    *("`detect`, ms", "`encode`, ms", "MB", "of float32", "PSNR, dB"),
)


@dataclass
class Subject:
    """One way to run the model. bytes: of its files. psnr: against the Keras model, in dB."""

    name: str
    threads: int
    bytes: int
    times: Times = field(default_factory=Times)
    psnr: float | None = None


@dataclass
class Benchmark:
    """One run: the Keras model comes first. size: (height, width) of frames."""

    model: str
    size: tuple[int, int]
    clips: list[str]
    random_weights: bool
    machine: dict[str, str]
    subjects: list[Subject]

    @property
    def keras(self) -> Subject:
        """The baseline."""
        return self.subjects[0]

    @property
    def exported(self) -> list[Subject]:
        """All others."""
        return self.subjects[1:]

    def markdown(self) -> list[str]:
        """Title, machine and table, line by line."""
        height, width = self.size
        lines = [
            f"**{self.model}**, {width} x {height}",
            "",
            "; ".join(f"{key} {value}" for key, value in self.machine.items()),
            "",
            row(HEAD),
            row(["---", *["---:"] * (len(HEAD) - 1)]),
            *map(row, self._cells()),
            "",
            f"Medians of {len(self.keras.times.rounds['generate'])} interleaved rounds. A frame of "
            "the exported graphs is `animate`. The Keras model's `decode` does the same work, its "
            "`generate` encodes the source picture as well.",
        ]
        if self.random_weights:
            return [*lines, "Random weights: no quality to measure."]
        return [*lines, f"PSNR over whole animated clips: {', '.join(self.clips)}."]

    def to_dict(self) -> dict:
        """All results, with all times in seconds."""
        return {"unit": "seconds", **asdict(self)}

    def _cells(self) -> Iterator[list[str]]:
        reference = self.keras.times
        whole = {one.name: one.bytes for one in self.exported}.get("float32")
        for subject in self.subjects:
            names = ("generate", "decode") if subject is self.keras else ("decode",)
            for name in names:
                times = subject.times
                ratios = [
                    f"{reference.median(other) / times.median(name):.2f} x"
                    for other in ("generate", "decode")
                ]
                label = f"{KERAS}, `{name}`" if subject is self.keras else subject.name
                share = f"{subject.bytes / whole:.3f}" if whole else ""
                yield [
                    *(label, str(subject.threads), figure(times.median(name))),
                    "-".join(map(figure, times.span(name))),
                    *ratios,
                    *(figure(times.median(other)) for other in ("detect", "encode")),
                    figure(subject.bytes / 1e6),
                    share,
                    "" if subject.psnr is None else f"{subject.psnr:.1f}",
                ]


def figure(number: float) -> str:
    """Three significant digits or all before the point."""
    digits = 0 if number >= 100 else 1 if number >= 10 else 2
    return f"{number:,.{digits}f}"


def row(cells: list[str] | tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |"
