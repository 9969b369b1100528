"""The animated pictures of a live session: encoded once, then driven frame by frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from fomm_tf.face.crop import FaceFollower
from fomm_tf.face.paste import PasteBack
from fomm_tf.inference.motion import MotionOptions
from fomm_tf.media.fitting import fit
from fomm_tf.media.pictures import Box, to_float


class Source(NamedTuple):
    """A picture to animate: uint8 of the model's size, and what puts results back into the whole
    picture, if asked for."""

    picture: np.ndarray
    paste: PasteBack | None = None


@dataclass
class Controls:
    """What the keys change, between one frame and the next.

    source: number of the picture; restart: take the next frame as the initial one.
    """

    source: int = 0
    mirror: bool = False
    absolute: bool = False
    restart: bool = True


class Puppet:
    """Animates one of several sources by one driving frame after the other.

    model: from `load_model` or `load_exported`. mode: how `fit` fits the camera's picture;
    driving_box: the part of it to use; follow_face: find that by the face instead. Raises
    ModelError for unsupported motion.
    """

    def __init__(
        self,
        model: Any,
        sources: Sequence[Source],
        controls: Controls,
        mode: str = "crop",
        driving_box: Box | None = None,
        follow_face: bool = False,
    ) -> None:
        self._model = model
        self._sources = sources
        batches = [to_float(source.picture)[None] for source in sources]
        self._prepared = [(model.detect(batch), model.encode(batch)) for batch in batches]
        self.controls = controls
        self._mode, self._box = mode, driving_box
        self._follower = FaceFollower(model.frame_size) if follow_face else None
        self._kp_initial: Any = None
        self._motion = model.default_motion
        model.check_motion(self._options())

    def fitted(self, frame: np.ndarray) -> np.ndarray | None:
        """The part of a camera's picture that drives, uint8 of the model's size; None while no face
        has been seen that it could be cropped to."""
        box = self._box
        if self._follower is not None:
            box, moved = self._follower(frame)
            if box is None:
                return None
            self.controls.restart |= moved
        driving = fit(frame, self._model.frame_size, self._mode, box)
        return driving[:, ::-1] if self.controls.mirror else driving

    def animate(self, driving: np.ndarray) -> np.ndarray:
        """The source driven by what `fitted` gave: [H, W, 3], uint8 or float in [0, 1]."""
        number = self.controls.source
        kp_source, encoded = self._prepared[number]
        kp_driving = self._model.detect(to_float(driving)[None])
        if self.controls.restart:
            self.controls.restart, self._kp_initial = False, kp_driving
        kp = self._model.transfer(kp_source, kp_driving, self._kp_initial, self._options())
        result = self._model.decode(encoded, kp_source, kp)[0]
        paste = self._sources[number].paste
        return result if paste is None else paste(result)

    def idle(self) -> np.ndarray:
        """The chosen source as it is: what to show while there is nothing that drives it."""
        source = self._sources[self.controls.source]
        return source.picture if source.paste is None else source.paste(source.picture)

    def _options(self) -> MotionOptions:
        return replace(self._motion, relative=self._motion.relative and not self.controls.absolute)
