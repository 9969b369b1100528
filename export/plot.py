"""Plots the speed of exported graphs against their quality or size."""

from __future__ import annotations

from itertools import cycle
from pathlib import Path
from typing import Any

from export.benchmark_table import Benchmark, Subject, figure

_COLOURS = ("#1f6fb4", "#2a9d5c", "#d98200", "#c0392b", "#7d4fa8", "#5c6770")
_MARKERS = ("o", "s", "D", "^", "v", "P")
_INK, _GREY, _FAINT = "#222222", "#666666", "#e4e4e4"


def save_plot(result: Benchmark, path: Path) -> None:
    """Writes a plot in the format of the suffix of `path`. Needs matplotlib.

    Milliseconds per frame against PSNR; for random weights, where PSNR is meaningless, against file
    size. One marker per precision and number of threads.
    """
    # Not through pyplot, which selects a display backend.
    from matplotlib.figure import Figure

    picture = Figure(figsize=(9, 5), dpi=150, layout="constrained")
    axes = picture.add_subplot()
    height, width = result.size
    title = f"{result.model}, {width} x {height}, on {result.machine['CPU']}"
    if result.random_weights:
        title += " (random weights)"
    axes.set_title(title, loc="left", fontsize=11, color=_INK, pad=24)
    axes.set_xlabel("milliseconds per frame of the generator (left is faster)", color=_INK)
    by_size = result.random_weights
    label = "size of the files, MB (down is smaller)" if by_size else "PSNR vs. the Keras model, dB"
    axes.set_ylabel(label, color=_INK)
    threads = sorted({one.threads for one in result.exported})
    markers = dict(zip(threads, cycle(_MARKERS), strict=False))
    names = dict.fromkeys(one.name for one in result.exported)
    for name, colour in zip(names, cycle(_COLOURS), strict=False):
        group = [one for one in result.exported if one.name == name]
        _draw(axes, group, colour, markers, by_size)
    for count, marker in markers.items():
        axes.plot([], [], marker, color=_GREY, markersize=7, label=_threads(count))
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False, labelcolor=_INK)
    _set_axes(axes, result)
    _draw_keras(axes, result.keras)
    picture.savefig(path)


def _draw(
    axes: Any, group: list[Subject], colour: str, markers: dict[int, str], by_size: bool
) -> None:
    """One precision: a marker for each number of threads, joined by a line."""
    places = [
        (one.times.median("decode"), one.bytes / 1e6 if by_size else one.psnr or 0) for one in group
    ]
    label = f"{group[0].name}, {figure(group[0].bytes / 1e6)} MB"
    axes.plot(*zip(*places, strict=True), color=colour, linewidth=2.5, alpha=0.5, label=label)
    for one, place in zip(group, places, strict=True):
        axes.plot(*place, markers[one.threads], color=colour, markersize=9, zorder=3)


def _set_axes(axes: Any, result: Benchmark) -> None:
    times = [one.times.median("decode") for one in result.subjects]
    axes.set_xlim(0, 1.08 * max([*times, result.keras.times.median("generate")]))
    axes.margins(y=0.12)
    if result.random_weights:
        axes.set_ylim(bottom=0)
    axes.grid(color=_FAINT, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(colors=_GREY)


def _draw_keras(axes: Any, keras: Subject) -> None:
    """Vertical lines for the Keras model, labelled above, without overlap."""
    places = sorted((keras.times.median(name), name) for name in ("decode", "generate"))
    for (x, name), side, gap in zip(places, ("right", "left"), (-2, 2), strict=True):
        axes.axvline(x, color=_GREY, linewidth=1, linestyle=(0, (4, 3)), zorder=1)
        axes.annotate(
            f"Keras {name}, {_threads(keras.threads)}",
            (x, 1.0),
            xycoords=("data", "axes fraction"),
            xytext=(gap, 5),
            textcoords="offset points",
            ha=side,
            fontsize=9,
            color=_GREY,
        )


def _threads(count: int) -> str:
    return f"{count} thread{'s' * (count > 1)}"
