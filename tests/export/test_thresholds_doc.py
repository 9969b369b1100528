"""docs/quantization.md quotes the acceptance thresholds as they are."""

import math
from pathlib import Path

from export.thresholds import REFUSED, THRESHOLDS, Thresholds

PAGE = Path(__file__).parents[2] / "docs" / "quantization.md"


def section() -> str:
    return PAGE.read_text("utf-8").split("## Acceptance thresholds\n")[1].split("\n## ")[0]


def limit(cell: str) -> float:
    """The number in a cell of the table; an empty one is no limit."""
    if cell.endswith("%"):
        return float(cell.removesuffix("%")) / 100
    return float(cell) if cell else math.inf


def test_the_table_has_every_threshold():
    lines = [line for line in section().splitlines() if line.startswith("|")]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]
    assert {name: Thresholds(*map(limit, cells)) for name, *cells in rows} == THRESHOLDS


def test_the_limits_of_convert_are_as_described():
    text = " ".join(section().split())
    assert f"or int8 graphs {REFUSED['int8'].psnr:g} dB." in text
    for precision in ("float32", "float16", "dynamic"):
        assert REFUSED[precision] == THRESHOLDS[precision]
