"""Initial weights of a training run, other than random ones."""

from __future__ import annotations

from pathlib import Path

from fomm_tf.errors import ModelError
from fomm_tf.inference.loading import load_model
from fomm_tf.training.step import InitialWeights
from fomm_tf.weights.state_dict import state_dict
from fomm_tf.weights.torch_checkpoint import read_checkpoint


def read_initial_weights(path: Path) -> InitialWeights:
    """Reads a model folder or an official `.pth.tar`, for `BaseStep.start_from`.

    Raises ModelError with one line.
    """
    if path.is_dir():
        model = load_model(path)
        modules = {name: state_dict(network) for name, network in model.networks.items()}
        return InitialWeights(path, modules, model.config)
    if path.is_file():
        return InitialWeights(path, read_checkpoint(path), None)
    raise ModelError(f"--init {path}: no such model folder or checkpoint")
