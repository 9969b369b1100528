"""Where a training run may start from, other than random weights."""

from __future__ import annotations

from pathlib import Path

from fomm_tf.errors import ModelError
from fomm_tf.models.state_dict import load_state_dict, state_dict
from fomm_tf.training.base_step import BaseStep
from fomm_tf.training.checkpoints import load_official_state


def load_initial_weights(step: BaseStep, path: Path) -> str | None:
    """Fills the networks of `step` from a model folder or an official `.pth.tar` of its own kind.

    The official file also brings its discriminator and Adam states where it has them; a
    discriminator that there is none for stays new. Returns what was left at random, in words for
    the user, or None for what needs no telling. Raises ModelError.
    """
    if path.is_dir():
        model = type(step.model).load(path)
        for module, network in model.networks.items():
            load_state_dict(step.networks[module], state_dict(network), f"{path} ({module})")
    elif path.is_file():
        load_official_state(step, path)
    else:
        raise ModelError(f"--init {path}: no such model folder or checkpoint")
    return None
