"""How a model takes over a motion, be it a Keras model or an exported one. No TensorFlow."""

from __future__ import annotations

from typing import Any

from fomm_tf.kinds import kind_of


class TakesOverMotion:
    """A model with a config, whose kind says how it moves."""

    config: Any

    def transfer(
        self,
        kp_source: Any,
        kp_driving: Any,
        kp_initial: Any,
        relative: bool = True,
        relative_jacobian: bool = True,
        adapt_scale: bool = False,
    ) -> Any:
        """What moves the source picture as the driving frame has moved since the initial one
        (`relative`), or to where the driving frame is; each is what `detect` gives. NumPy; see
        `fomm_tf.motion_transfer`. Raises ModelError for what this kind of model cannot do."""
        keypoints = kp_source, kp_driving, kp_initial
        options = relative, relative_jacobian, adapt_scale
        return kind_of(self.config).transfer_function(self.config, *keypoints, *options)
