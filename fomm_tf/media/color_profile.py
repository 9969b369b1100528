"""Pictures with an embedded colour profile (ICC), as sRGB."""

from __future__ import annotations

import io
from functools import lru_cache

import numpy as np
from PIL import Image, ImageCms

_MODES = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}

# A transform from a profile that is sRGB by another name changes nothing by more than this.
_ROUNDING = 1


def to_srgb(picture: Image.Image, profile: bytes | None) -> Image.Image:
    """The picture, of mode RGB, L or CMYK, as RGB by its profile.

    Without a profile, or with one that is broken or for other modes, it is converted as if it were
    sRGB, grey or plain CMYK, as viewers do.
    """
    transform = _transform(profile, picture.mode) if profile else None
    if transform is None:
        return picture.convert("RGB")
    converted = ImageCms.applyTransform(picture, transform)
    assert converted is not None
    return converted


@lru_cache(8)
def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """The transform to sRGB; None where there is none to make, or it would change nothing."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if _MODES.get(source.profile.xcolor_space.strip()) != mode:
            return None
        srgb = ImageCms.createProfile("sRGB")
        transform = ImageCms.buildTransform(source, srgb, mode, "RGB")
        probe = _probe(mode)
        converted = ImageCms.applyTransform(probe, transform)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None
    difference = np.asarray(converted, int) - np.asarray(probe.convert("RGB"), int)
    return None if np.abs(difference).max() <= _ROUNDING else transform


def _probe(mode: str) -> Image.Image:
    """Colours all over the mode's cube."""
    bands = Image.getmodebands(mode)
    levels = np.linspace(0, 255, 256 if bands == 1 else 6).astype(np.uint8)
    grid = np.stack(np.meshgrid(*[levels] * bands), axis=-1).reshape(1, -1, bands)
    return Image.fromarray(grid[..., 0] if bands == 1 else grid, mode)
