"""Motion transfer of Keras and exported models. No TensorFlow."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from fomm_tf.config.base import BaseConfig
from fomm_tf.errors import ModelError

_UNSUPPORTED = {
    "relative": "relative motion: give --absolute (relative=False)",
    "adapt_scale": "scale adaptation: omit --adapt-scale (adapt_scale=False)",
    "best_frame": "a best frame: omit --best-frame (best_frame=False)",
    "disentangled": "disentangled motion: omit --mode avd (disentangled=False)",
    "background": "a moving background: omit --background (background=False)",
}


@dataclass(frozen=True)
class MotionOptions:
    """How driving motion is transferred to the source (arXiv 2003.00196, eq. 13 and 14).

    relative: the driving object's motion since its initial frame is applied to the source object,
    which keeps its own place, size and proportions; without it, it adopts the driving object's.
    relative_jacobian: the same for the Jacobians, if the model has them; only with `relative`.
    adapt_scale: relative motion is scaled to the source object's size. best_frame: the initial
    frame is the driving frame whose pose is closest to the source's, instead of the first.
    disentangled: a network takes over the driving object's pose without its proportions (arXiv
    2104.11280); then `relative` does not matter. background: the motion of the driving video's
    background, where the camera moves, is estimated and transferred too.
    """

    relative: bool = True
    relative_jacobian: bool = True
    adapt_scale: bool = False
    best_frame: bool = False
    disentangled: bool = False
    background: bool = False


DEFAULT_MOTION = MotionOptions()


class MotionTransfer(ABC):
    """A model that can transfer motion; each kind implements it.

    DETECTED: the NamedTuple returned by `detect`; its fields are the names of the graph's outputs.
    SUPPORTED: the fields of `MotionOptions` that have an effect. `adapt_scale` and `best_frame`
    need the keypoints' positions as its field `value`.
    """

    DETECTED: ClassVar[Any]
    SUPPORTED: ClassVar[frozenset[str]]

    config: BaseConfig

    @abstractmethod
    def transfer(
        self,
        kp_source: Any,
        kp_driving: Any,
        kp_initial: Any,
        options: MotionOptions = DEFAULT_MOTION,
    ) -> Any:
        """The keypoints that apply to the source the driving frame's motion since the initial one
        (relative), or its pose (absolute); all are outputs of `detect`. NumPy. Raises ModelError
        for unsupported options and keypoints that do not fit."""

    @abstractmethod
    def detect(self, images: np.ndarray) -> Any:
        """Detections in images: a `DETECTED` of arrays."""

    def detect_driving(self, source: np.ndarray, driving: np.ndarray) -> Any:
        """`detect` of driving frames, with what only a comparison with the source can find: a
        kind that supports `background` adds its motion. Images as for `detect`."""
        return self.detect(driving)

    @property
    def default_motion(self) -> MotionOptions:
        """Relative motion where it is supported."""
        return MotionOptions(relative="relative" in self.SUPPORTED)

    def check_motion(self, options: MotionOptions) -> None:
        """Raises ModelError for an option that this kind of model does not support."""
        for name, advice in _UNSUPPORTED.items():
            if getattr(options, name) and name not in self.SUPPORTED:
                raise ModelError(f"a {self.config.KIND} does not support {advice}")
