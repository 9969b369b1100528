"""The kinds of models, and where the parts of each are. Nothing is imported before it is asked for.

All kinds have the same interface: configs that of `config.BaseConfig`, models that of
`base_model.BaseModel`, exported models that of `runtime.ExportedModel`, training steps that of
`training.base_step.BaseStep`.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fomm_tf.errors import UserError


@dataclass(frozen=True)
class Kind:
    """name: as messages call one of it. The others are dotted names: its classes, functions that
    take over a motion (see `moving.TakesOverMotion`), start training from weights (see
    `training.initial_weights.load_initial_weights`) and recognise its loaded YAML."""

    name: str
    config: str
    model: str
    exported: str
    transfer: str
    step: str
    initial_weights: str
    recognise: str | None = None

    @property
    def config_class(self) -> Any:
        """Its subclass of `BaseConfig`."""
        return _found(self.config)

    @property
    def model_class(self) -> Any:
        """Its subclass of `BaseModel`."""
        return _found(self.model)

    @property
    def exported_class(self) -> Any:
        """Its subclass of `ExportedModel`, which needs no TensorFlow."""
        return _found(self.exported)

    @property
    def transfer_function(self) -> Callable[..., Any]:
        """What `moving.TakesOverMotion.transfer` calls, with the config first; no TensorFlow."""
        return _found(self.transfer)

    @property
    def step_class(self) -> Any:
        """Its subclass of `BaseStep`."""
        return _found(self.step)

    def load_initial_weights(self, step: Any, path: Any) -> str | None:
        """Fills a step's networks; returns what there is to say about it."""
        return _found(self.initial_weights)(step, path)


FOMM = Kind(
    "First Order Motion Model",
    config="fomm_tf.config.Config",
    model="fomm_tf.model.FirstOrderMotionModel",
    exported="fomm_tf.exported.ExportedFOMM",
    transfer="fomm_tf.motion_transfer.transfer",
    step="fomm_tf.training.step.TrainingStep",
    initial_weights="fomm_tf.training.initial_weights.load_initial_weights",
)
COPART = Kind(
    "co-part segmentation model",
    config="fomm_tf.copart.config.CoPartConfig",
    model="fomm_tf.copart.model.CoPartModel",
    exported="fomm_tf.copart.exported.ExportedSegmentation",
    transfer="fomm_tf.copart.motion_transfer.transfer",
    step="fomm_tf.copart.step.CoPartTrainingStep",
    initial_weights="fomm_tf.copart.initial_weights.load_initial_weights",
    recognise="fomm_tf.copart.config.is_copart",
)
MONKEYNET = Kind(
    "Monkey-Net",
    config="fomm_tf.monkeynet.config.MonkeyNetConfig",
    model="fomm_tf.monkeynet.model.MonkeyNetModel",
    exported="fomm_tf.monkeynet.exported.ExportedMonkeyNet",
    transfer="fomm_tf.monkeynet.motion_transfer.transfer",
    step="fomm_tf.monkeynet.step.MonkeyNetTrainingStep",
    initial_weights="fomm_tf.training.initial_weights.load_initial_weights",
    recognise="fomm_tf.monkeynet.config.is_monkeynet",
)
KINDS = (FOMM, COPART, MONKEYNET)


def kind_of(config: Any) -> Kind:
    """The kind that a typed config is for."""
    return next(kind for kind in KINDS if isinstance(config, kind.config_class))


def kind_of_yaml(data: Any) -> Kind:
    """The kind that loaded YAML is for: FOMM where no other recognises it."""
    recognisers: dict[Kind, Callable[[Any], bool]] = {
        kind: _found(kind.recognise) for kind in KINDS if kind.recognise
    }
    return next((kind for kind, recognise in recognisers.items() if recognise(data)), FOMM)


def refuse_other_kinds(
    kind: Kind, taken: Kind, where: object, error: type[UserError], advice: str = ""
) -> None:
    """Raises `error`, one line that begins with `where`, unless `kind` is the one that is taken."""
    if kind is not taken:
        raise error(f"{where} is a {kind.name}, and not a {taken.name}{advice}")


def _found(name: str) -> Any:
    module, _, attribute = name.rpartition(".")
    return getattr(importlib.import_module(module), attribute)
