"""Image animation by the First Order Motion Model in TensorFlow / Keras, from training to phone.

The public names load on first use, so that TensorFlow is imported only where it is needed.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from fomm_tf.quiet import import_tensorflow
from fomm_tf.version import __version__ as __version__

if TYPE_CHECKING:
    from fomm_tf.errors import ConfigError, DataError, ModelError, UserError
    from fomm_tf.fomm.model import FirstOrderMotionModel
    from fomm_tf.fomm.motion import transfer_motion
    from fomm_tf.inference.animation import animate_frames
    from fomm_tf.inference.exported import ExportedModel
    from fomm_tf.inference.loading import load_exported, load_model, load_official
    from fomm_tf.inference.motion import MotionOptions
    from fomm_tf.keypoints import Keypoints

_HOMES = {
    "ConfigError": "fomm_tf.errors",
    "DataError": "fomm_tf.errors",
    "ExportedModel": "fomm_tf.inference.exported",
    "FirstOrderMotionModel": "fomm_tf.fomm.model",
    "Keypoints": "fomm_tf.keypoints",
    "ModelError": "fomm_tf.errors",
    "MotionOptions": "fomm_tf.inference.motion",
    "UserError": "fomm_tf.errors",
    "animate_frames": "fomm_tf.inference.animation",
    "load_exported": "fomm_tf.inference.loading",
    "load_model": "fomm_tf.inference.loading",
    "load_official": "fomm_tf.inference.loading",
    "transfer_motion": "fomm_tf.fomm.motion",
}
# Those that need TensorFlow.
_KERAS = ("FirstOrderMotionModel", "load_model", "load_official")

__all__ = [
    "ConfigError",
    "DataError",
    "ExportedModel",
    "FirstOrderMotionModel",
    "Keypoints",
    "ModelError",
    "MotionOptions",
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
    if name in _KERAS:
        import_tensorflow()
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
