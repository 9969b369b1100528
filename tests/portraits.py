"""A photograph of a face: NASA's of Eileen Collins (public domain), from scikit-image's package."""

from __future__ import annotations

import importlib.util
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image

# x, y, w, h of the face, from the eyebrows to the chin, as a person would draw it.
ASTRONAUT_BOX = (174, 72, 100, 102)


@cache
def astronaut() -> np.ndarray:
    """uint8 [512, 512, 3]; do not write to it."""
    return sample("astronaut.png")


def sample(name: str) -> np.ndarray:
    """A picture of the package as uint8 RGB."""
    return np.array(Image.open(_file(name)).convert("RGB"))


def load_sample(name: str) -> np.ndarray:
    """An array of the package."""
    return np.load(_file(name))


def _file(name: str) -> Path:
    """Found without importing the package, which takes long and needs more packages."""
    spec = importlib.util.find_spec("skimage")
    assert spec and spec.submodule_search_locations, "install scikit-image: requirements.lock"
    return Path(spec.submodule_search_locations[0]) / "data" / name
