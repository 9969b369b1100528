"""Image animation by the First Order Motion Model in TensorFlow / Keras, from training to phone.

The public names load on first use: what runs without TensorFlow imports without it.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from fomm_tf.quiet import import_tensorflow

if TYPE_CHECKING:
    from fomm_tf.animation import animate_frames
    from fomm_tf.errors import ConfigError, DataError, ModelError, UserError
    from fomm_tf.keypoints import Keypoints
    from fomm_tf.model import FirstOrderMotionModel, load_model, load_official
    from fomm_tf.motion_transfer import transfer_motion
    from fomm_tf.runtime import ExportedModel, load_exported

__version__ = "0.1.0"

_HOMES = {
    "animate_frames": "fomm_tf.animation",
    "ConfigError": "fomm_tf.errors",
    "DataError": "fomm_tf.errors",
    "ModelError": "fomm_tf.errors",
    "UserError": "fomm_tf.errors",
    "Keypoints": "fomm_tf.keypoints",
    "ExportedModel": "fomm_tf.runtime",
    "FirstOrderMotionModel": "fomm_tf.model",
    "load_exported": "fomm_tf.runtime",
    "load_model": "fomm_tf.model",
    "load_official": "fomm_tf.model",
    "transfer_motion": "fomm_tf.motion_transfer",
}

__all__ = [
    "ConfigError",
    "DataError",
    "ExportedModel",
    "FirstOrderMotionModel",
    "Keypoints",
    "ModelError",
    "UserError",
    "animate_frames",
    "load_exported",
    "load_model",
    "load_official",
    "transfer_motion",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = _HOMES[name]
    if home == "fomm_tf.model":
        import_tensorflow()
    return getattr(importlib.import_module(home), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
