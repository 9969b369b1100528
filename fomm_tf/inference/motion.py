"""How a model takes over a motion, be it a Keras model or an exported one. No TensorFlow."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

from fomm_tf.config.base import BaseConfig
from fomm_tf.errors import ModelError

_UNSUPPORTED = {
    "relative": "relative motion: give --absolute (relative=False)",
    "adapt_scale": "scale adaption: leave out --adapt-scale (adapt_scale=False)",
    "best_frame": "a best frame: leave out --best-frame (best_frame=False)",
}


@dataclass(frozen=True)
class MotionOptions:
    """How driving keypoints become those of the result (arXiv 2003.00196, eq. 13 and 14).

    relative: the source object moves as the driving one has moved since its initial frame, and
    keeps its own place, size and proportions; without it, it takes those of the driving object.
    relative_jacobian: the same for the local affine maps, of relative motion and where there are
    any. adapt_scale: relative motion is scaled to the source object's size. best_frame: the
    initial frame is the driving frame whose pose is most like the source's, and not the first.
    """

    relative: bool = True
    relative_jacobian: bool = True
    adapt_scale: bool = False
    best_frame: bool = False


DEFAULT_MOTION = MotionOptions()


class MotionTransfer(ABC):
    """A model with a config whose kind says how it moves.

    DETECTED: the NamedTuple that `detect` gives; its fields are the names of the graph's outputs.
    SUPPORTED: the fields of `MotionOptions` that have an effect. With `adapt_scale` and
    `best_frame` what `detect` gives has the keypoints' places as `value`.
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
        """What moves the source picture as the driving frame has moved since the initial one, or
        to where the driving frame is; each is what `detect` gives. NumPy. Raises ModelError for
        options that this kind of model does not support, and keypoints that do not fit."""

    @property
    def default_motion(self) -> MotionOptions:
        """Relative motion where it is supported."""
        return MotionOptions(relative="relative" in self.SUPPORTED)

    def check_motion(self, options: MotionOptions) -> None:
        """Raises ModelError for an option that this kind of model does not support."""
        for name, advice in _UNSUPPORTED.items():
            if getattr(options, name) and name not in self.SUPPORTED:
                raise ModelError(f"a {self.config.KIND} does not support {advice}")
