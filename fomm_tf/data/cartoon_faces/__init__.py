"""A procedural dataset of moving cartoon faces: unlimited, free, and different for every seed.

`python -m fomm_tf.data.cartoon_faces` writes it to files; `render_video` yields one video's frames.
"""

from __future__ import annotations

from fomm_tf.data.cartoon_faces.dataset import MAX_SIZE, MIN_SIZE, write_dataset
from fomm_tf.data.cartoon_faces.scene import render_video

__all__ = ["MAX_SIZE", "MIN_SIZE", "render_video", "write_dataset"]
