"""Training clips of real faces from still photographs: each is turned, made to talk and to blink.

`python -m fomm_tf.data.portraits` writes them to files; `render_clip` makes one.
"""

from __future__ import annotations

from fomm_tf.data.portraits.clip import Clip, render_clip
from fomm_tf.data.portraits.dataset import MAX_SIZE, MIN_SIZE, write_dataset

__all__ = ["MAX_SIZE", "MIN_SIZE", "Clip", "render_clip", "write_dataset"]
