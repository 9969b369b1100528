"""The interface of a kind of model.

Every kind is a package with the same file names: `config.py`, one file for each network,
`model.py`, `exported.py`, `motion.py`, `step.py`, and `official.py` where the checkpoints of its
official release need more than renaming. docs/adding-a-model.md explains all of it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from fomm_tf.errors import ConfigError

if TYPE_CHECKING:
    from fomm_tf.config.base import BaseConfig
    from fomm_tf.inference.exported import ExportedModel
    from fomm_tf.inference.model import BaseModel
    from fomm_tf.training.step import BaseStep


class Kind(ABC):
    """Access to the classes of a kind. Modules are imported lazily; only `model` and `step` may
    import TensorFlow."""

    @abstractmethod
    def recognises(self, data: dict[str, Any]) -> bool:
        """Whether a loaded YAML file with these keys is for this kind."""

    @abstractmethod
    def config(self) -> type[BaseConfig]:
        """The typed view of its YAML files."""

    @abstractmethod
    def model(self) -> type[BaseModel]:
        """The Keras model."""

    @abstractmethod
    def exported(self) -> type[ExportedModel]:
        """The same model as exported graphs."""

    @abstractmethod
    def step(self) -> type[BaseStep]:
        """Its training step."""

    def distillation(self) -> Callable[..., BaseStep]:
        """Its training step with a teacher, called with (config, strategy, teacher, made_frames).
        Raises ConfigError for a kind that has none."""
        raise ConfigError(f"a {self.config().KIND} cannot be distilled")
