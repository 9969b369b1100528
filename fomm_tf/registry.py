"""The available kinds of models, and which of them a config is for."""

from __future__ import annotations

import os
from typing import Any

from fomm_tf.config.base import BaseConfig
from fomm_tf.config.bases import load_with_bases
from fomm_tf.copart import CoPart
from fomm_tf.fomm import FOMM
from fomm_tf.kind import Kind
from fomm_tf.monkeynet import MonkeyNet
from fomm_tf.tpsmm import TPSMM

# The first is the default, for files that no other kind recognises.
KINDS: list[Kind] = [FOMM(), MonkeyNet(), CoPart(), TPSMM()]


def kind_of(config: BaseConfig) -> Kind:
    """The kind that a typed config is for."""
    return next(kind for kind in KINDS if type(config) is kind.config())


def parse_config(data: Any, where: str) -> BaseConfig:
    """The typed config that loaded YAML is for; `where` (the file) begins every message.

    Raises: ConfigError.
    """
    found = [kind for kind in KINDS[1:] if isinstance(data, dict) and kind.recognises(data)]
    return (found or KINDS)[0].config().from_dict(data, where)


def load_config(path: str | os.PathLike) -> Any:
    """Reads a configuration file, merged over its `base` if it names one, as the config class of
    its kind.

    Unknown or missing keys, wrong types, values out of range and inconsistencies are reported in
    one line with the key's path. Raises: ConfigError; OSError if unreadable.
    """
    return parse_config(*load_with_bases(path))
