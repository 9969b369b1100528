"""A mobile FOMM small enough that a test can train it."""

from __future__ import annotations

from tiny import tiny_config

from fomm_tf.fomm.config import FOMMConfig


def tiny_mobile_config(**changes) -> FOMMConfig:
    """`tiny_config` with the mobile networks."""
    mobile = {
        "model_params.architecture": "mobile",
        "model_params.generator_params.blend_source": True,
    }
    return tiny_config(**mobile | changes)
