"""Where the training of a co-part model may start from: its own kind, or FOMM."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fomm_tf.base_model import load_official_module
from fomm_tf.copart.model import load_detector
from fomm_tf.copart.official import is_fomm_layout, lacks_segmentation, our_layout
from fomm_tf.copart.step import CoPartTrainingStep
from fomm_tf.errors import ModelError
from fomm_tf.kinds import COPART, FOMM, refuse_other_kinds
from fomm_tf.model import load_model
from fomm_tf.models.state_dict import state_dict
from fomm_tf.torch_checkpoint import read_checkpoint
from fomm_tf.training.checkpoints import load_official_optimizers


def load_initial_weights(step: CoPartTrainingStep, path: Path) -> str | None:
    """Fills the modules of `step` from a model folder or an official `.pth.tar`, of this model or
    of FOMM.

    FOMM gives the reconstruction module, the shifts and the affine maps; what it does not have, the
    segmentation head, stays new. An official co-part file in its own layout also brings Adam's
    states. Returns what was left at random, in words for the user, or None. Raises ModelError.
    """
    if path.is_dir():
        model = load_model(path)
        if model.KIND is not FOMM:
            refuse_other_kinds(model.KIND, COPART, path, ModelError, ", nor a FOMM")
        stored = {name: state_dict(network) for name, network in model.networks.items()}
    elif path.is_file():
        stored = read_checkpoint(path)
    else:
        raise ModelError(f"--init {path}: no such model folder or checkpoint")
    modules: dict[Any, Any] = our_layout(stored)
    load_detector(step.model, modules, path)
    network = step.model.reconstruction_module
    load_official_module(network, modules, "reconstruction_module", path)
    if not is_fomm_layout(stored):
        load_official_optimizers(step, modules, path)
    if lacks_segmentation(modules):
        return f"{path} is a FOMM: it knows no parts, the segmentation starts at random"
    return None
