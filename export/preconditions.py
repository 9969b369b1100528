"""Preconditions of an export. No TensorFlow."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from fomm_tf.errors import ModelError
from fomm_tf.inference.manifest import MANIFEST_FILE
from fomm_tf.registry import KINDS


def check_replaceable(out: Path) -> None:
    """Raises ModelError unless `out` is free, empty or an exported model and nothing else."""
    if out.is_dir():
        names = {path.name for path in out.iterdir()}
        if names and not (MANIFEST_FILE in names and names <= _written()):
            raise ModelError(f"{out} is not empty and not an exported model; give another --out")
    elif out.exists() or out.is_symlink():
        raise ModelError(f"{out} exists and is not a folder; give another --out")


def _written() -> set[str]:
    """All files of exported models of any kind."""
    return {MANIFEST_FILE, *(name for kind in KINDS for name in kind.exported().FILES)}


def check_quantizer() -> None:
    """Raises ModelError if ai-edge-quantizer is not installed."""
    if importlib.util.find_spec("ai_edge_quantizer") is None:
        raise ModelError("int8 needs another package: pip install 'ai-edge-quantizer~=0.10.0'")
