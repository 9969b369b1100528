"""Imports point one way: no circles, nothing upwards, and no TensorFlow where it must not be.

Every import counts, also one inside a function and one for type hints only: docs/architecture.md
draws the same layers.
"""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# From the lowest to the highest; a module belongs to the layer that names it most exactly.
LAYERS = [
    ("words", ["errors", "files", "keypoints", "quiet", "cli", "version", "measure.machine"]),
    ("media", ["media"]),
    ("config", ["config"]),
    ("layers", ["layers"]),
    ("weights", ["weights"]),
    ("measure", ["measure"]),
    ("losses", ["losses"]),
    ("data", ["data"]),
    ("inference", ["inference"]),
    ("training", ["training"]),
    ("contract", ["kind"]),
    ("kinds", ["fomm", "monkeynet", "copart"]),
    ("registry", ["registry"]),
    ("any kind", ["inference.loading", "inference.rendering", "inference.pair_animation"]),
    ("any kind", ["training.initial_weights", "training.trainer", "training.dry_run"]),
    ("any kind", ["measure.speed", "measure.reconstruction"]),
    ("facade", [""]),
    ("commands", ["animate", "benchmark", "convert_checkpoint", "evaluate", "plot", "train"]),
    ("commands", ["monkeynet.predict", "copart.swap_parts", "copart.evaluate_landmarks"]),
    ("commands", ["distill"]),
    ("doors", ["predict", "swap_parts", "evaluate_landmarks"]),
]
EXPORT_LAYERS = [
    ("library", [""]),
    ("commands", ["convert", "verify", "benchmark", "layer_groups"]),
    ("commands", ["advise"]),
]
KINDS = ("fomm_tf.fomm", "fomm_tf.monkeynet", "fomm_tf.copart")
# What names kinds: the registry, the package's public names, and the commands of one kind.
NAMING_KINDS = {
    *("fomm_tf.registry", "fomm_tf"),
    *("fomm_tf.predict", "fomm_tf.swap_parts", "fomm_tf.evaluate_landmarks"),
}
HEAVY = {"tensorflow", "keras"}
# Where networks are; everything else runs, or at least starts, without TensorFlow.
WITH_TENSORFLOW = re.compile(
    r"fomm_tf\.(layers|losses|training|measure\.speed|data\.pipeline|weights\.state_dict"
    r"|inference\.(model|keypoint_model)"
    r"|(fomm|monkeynet|copart)\.(?!config$|exported$|motion$|keypoints$|segments$|pictures$"
    r"|annotations$|prediction_params$|landmark_pictures$|official$|predict$|swap_parts$|evaluate_landmarks$).+)"
)
FREE_LAYERS = {
    "fomm_tf.layers.groups",
    "fomm_tf.layers",
    "fomm_tf.losses",
    "fomm_tf.training",
    "fomm_tf.training.background",
    "fomm_tf.training.preemption",
    "fomm_tf.training.run_file",
    "fomm_tf.training.schedule",
    "fomm_tf.training.validation",
}


@cache
def modules() -> dict[str, Path]:
    """Every module of both packages, by its dotted name."""
    found = {}
    for package in ("fomm_tf", "export"):
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts).removesuffix(".__init__")] = path
    return found


def imported(module: str, everywhere: bool = True) -> set[str]:
    """The modules of this project, and the packages of others, that a module imports.

    everywhere: also in functions and for type hints.
    """
    tree = ast.parse(modules()[module].read_text("utf-8"))
    nodes = ast.walk(tree) if everywhere else iter(tree.body)
    names: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{module} imports relatively"
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                names.add(whole if whole in modules() else str(node.module))
    return {name if name in modules() else name.partition(".")[0] for name in names} - {module}


@cache
def graph() -> dict[str, set[str]]:
    return {module: imported(module) & modules().keys() for module in modules()}


def layer_of(module: str) -> tuple[int, str]:
    """The number and the name of a module's layer."""
    package, _, rest = module.partition(".")
    layers = LAYERS if package == "fomm_tf" else EXPORT_LAYERS
    offset = 0 if package == "fomm_tf" else len(LAYERS)
    best: tuple[int, int, str] | None = None
    for number, (name, prefixes) in enumerate(layers):
        for prefix in prefixes:
            # The empty prefix is the package itself, and in `export` all that no other names.
            fits = (
                rest == prefix
                or (prefix or package == "export")
                and (f"{rest}.".startswith(f"{prefix}." if prefix else ""))
            )
            if fits and (best is None or len(prefix) >= best[0]):
                best = len(prefix), offset + number, name
    assert best is not None, f"{module} belongs to no layer: give it one here"
    return best[1:]


def test_every_import_points_down():
    upwards = [
        f"{module} ({layer_of(module)[1]}) imports {other} ({layer_of(other)[1]})"
        for module, others in graph().items()
        for other in others
        if layer_of(module)[0] < layer_of(other)[0]
    ]
    assert not upwards, "\n".join(upwards)


def test_there_are_no_circles():
    done: set[str] = set()

    def visit(module: str, path: list[str]) -> None:
        if module in path:
            pytest.fail("a circle: " + " -> ".join([*path[path.index(module) :], module]))
        if module not in done:
            for other in sorted(graph()[module]):
                visit(other, [*path, module])
            done.add(module)

    for module in graph():
        visit(module, [])


def test_only_the_registry_knows_the_kinds():
    """Everything else asks a kind's classes for what it needs; see docs/adding-a-model.md."""
    for module, others in graph().items():
        if module.startswith(KINDS) or module in NAMING_KINDS:
            continue
        named = sorted(other for other in others if other.startswith(KINDS))
        assert not named, f"{module} imports {named}"


def test_tensorflow_is_imported_by_networks_only():
    """Statically: through what a module imports when it is imported itself."""
    heavy = {module for module in modules() if imported(module, everywhere=False) & HEAVY}
    direct = {module: imported(module, everywhere=False) & modules().keys() for module in modules()}
    changed = True
    while changed:
        more = {module for module, others in direct.items() if others & heavy} - heavy
        heavy |= more
        changed = bool(more)
    for module in sorted(heavy):
        if module.startswith("fomm_tf"):
            assert WITH_TENSORFLOW.match(module), f"{module} imports TensorFlow"
    for module in modules():
        if WITH_TENSORFLOW.match(module) and module not in FREE_LAYERS:
            assert module in heavy, f"{module} does not need TensorFlow: say so here"
