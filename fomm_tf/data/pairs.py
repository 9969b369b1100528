"""Pairs of source and driving videos of a dataset, by the official protocol."""

from __future__ import annotations

import csv
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from fomm_tf.errors import DataError

Pair = tuple[Path, Path]


def draw_pairs(videos: Sequence[Path], count: int, seed: int = 0) -> list[Pair]:
    """`count` different (source, driving) pairs, or as many as there are.

    Drawn without replacement from all pairs of the first `count` videos, as in the official
    frames_dataset.py. Equal seeds yield equal pairs.
    """
    videos = videos[:count]
    total = len(videos) ** 2
    chosen = np.random.default_rng(seed).choice(total, min(total, count), replace=False)
    return [(videos[i // len(videos)], videos[i % len(videos)]) for i in chosen]


def pair_names(pairs: Sequence[Pair], names: Mapping[Path, str]) -> list[str]:
    """A unique name for each pair, SOURCE-DRIVING of `names`.

    With videos a, a-b, b-c and c two pairs would be a-b-c: then all names have a wider dash, and if
    that is not enough, the pair's number.
    """
    for dash in ("-", "--"):
        found = [f"{names[source]}{dash}{names[driving]}" for source, driving in pairs]
        if len(set(found)) == len(set(pairs)):
            return found
    return [f"{number:04d}-{name}" for number, name in enumerate(found)]


def read_pairs(
    path: str | os.PathLike, videos: Sequence[Path], count: int
) -> tuple[list[Pair], int]:
    """The first `count` (source, driving) pairs of a CSV file with these two columns.

    The columns hold names of `videos`, with or without suffix; surrounding blanks are ignored, and
    semicolons or tabs may separate them, as spreadsheets write. Returns the pairs, and the number
    of lines skipped because they name other videos. Raises DataError if the file is not such a
    list, or no pair is left.
    """
    path = Path(path)
    by_name = {video.stem: video for video in videos} | {video.name: video for video in videos}
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            heading = next((line for line in file if line.strip()), "")
            separator = max(",;\t", key=heading.count)
            names = [cell.strip() for cell in next(csv.reader([heading], delimiter=separator), [])]
            if not {"source", "driving"} <= set(names):
                raise DataError(f"{path}: a pairs list needs the columns source and driving")
            reader = csv.DictReader(file, names, delimiter=separator, skipinitialspace=True)
            lines = [
                ((line["source"] or "").strip(), (line["driving"] or "").strip())
                for line in reader
                if any(isinstance(cell, str) and cell.strip() for cell in line.values())
            ]
    except FileNotFoundError as error:
        raise DataError(
            f"{path}: no such pairs list (dataset_params.pairs_list of the model's config.yaml; "
            "null draws pairs at random)"
        ) from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path}: is not a CSV file ({error})") from error
    pairs = [(by_name[a], by_name[b]) for a, b in lines if a in by_name and b in by_name]
    if not pairs:
        raise DataError(f"{path}: names no pair of the {len(videos)} videos, e.g. {videos[0].name}")
    return pairs[:count], len(lines) - len(pairs)
