"""Which motion a co-part model takes over: that of the parts as they are. No TensorFlow."""

from __future__ import annotations

from typing import Any

from fomm_tf.copart.segments import Segments
from fomm_tf.errors import ModelError


def transfer(
    config: Any,
    source: Segments,
    driving: Segments,
    initial: Segments,
    relative: bool,
    relative_jacobian: bool,
    adapt_scale: bool,
) -> Segments:
    """The driving frame's parts. Raises ModelError for relative motion."""
    if relative:
        raise ModelError(
            "a co-part segmentation model knows no relative motion: give --absolute "
            "(relative=False), or swap parts with python -m fomm_tf.swap_parts"
        )
    return driving
