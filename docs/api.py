"""Writes docs/api.md from the docstrings: `make docs`.

griffe reads the sources without importing them, and griffe2md renders what it finds. What is chosen
here is what the page is about; links lead to what is on the page, and to nothing else.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import griffe
from griffe2md import render_object_docs

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "api.md"

# Heading, what to say below it, and the names, in the order to read them.
SECTIONS = [
    (
        "Public names",
        "Those of `import fomm_tf`. Each is imported on first use: what needs no TensorFlow works "
        "without it. A loaded model has the methods of [`BaseModel`](#basemodel), and an exported "
        "one those of [`ExportedModel`](#exportedmodel); both can [`transfer`](#motiontransfer) "
        "motion.",
        [
            "inference.loading.load_model",
            "inference.loading.load_official",
            "inference.loading.load_exported",
            "inference.animation.animate_frames",
            "inference.motion.MotionOptions",
            "fomm.motion.transfer_motion",
            "keypoints.Keypoints",
            "fomm.model.FirstOrderMotionModel",
            "inference.exported.ExportedModel",
            "errors.UserError",
            "errors.ConfigError",
            "errors.DataError",
            "errors.ModelError",
        ],
    ),
    (
        "The contract for a kind of model",
        "What a kind's classes must answer, and what they are given. How to use it, step by step: "
        "[adding-a-model.md](adding-a-model.md). `ExportedModel`, which is part of it, is above.",
        [
            "kind.Kind",
            "config.base.BaseConfig",
            "config.base.BaseModelParams",
            "config.base.BaseTrainParams",
            "config.base.PairAnimation",
            "config.schema.Section",
            "inference.motion.MotionTransfer",
            "inference.model.BaseModel",
            "inference.keypoint_model.KeypointModel",
            "inference.model.load_official_module",
            "layers.groups.LayerGroup",
            "layers.groups.Mode",
            "inference.exported.Output",
            "inference.manifest.Signature",
            "inference.manifest.Tensor",
            "inference.manifest.picture_of",
            "inference.manifest.animating_signatures",
            "training.step.BaseStep",
            "training.step.InitialWeights",
        ],
    ),
]
# Methods that a kind defines and nobody else calls.
HOOKS = {"_build", "_keypoints", "_discriminator", "_replica_step"}

INTRODUCTION = """\
# API

Made from the docstrings by `make docs`; change those, and never this file.
"""
OPTIONS = {
    "docstring_style": None,
    "filters": [],
    "heading_level": 3,
    "inherited_members": False,
    "members_order": "source",
    "show_if_no_docstring": False,
    "show_object_full_path": False,
    "show_root_full_path": False,
    "show_root_members_full_path": False,
    "show_signature_annotations": True,
    "summary": False,
}
SIGNATURE = re.compile(r"```python\n(\w+)(\(.*)\n```")
CUT = "# cut\n"


def page() -> str:
    """The whole file."""
    loader = griffe.GriffeLoader(search_paths=[ROOT], allow_inspection=False)
    package = loader.load("fomm_tf")
    parts = [INTRODUCTION]
    for heading, introduction, names in SECTIONS:
        parts += [f"## {heading}\n", f"{introduction}\n"]
        parts += [_entry(package[name]) for name in names]
    text = _laid_out("\n".join(parts))
    return re.sub(r"\n{3,}", "\n\n", text).rstrip() + "\n"


def public_names() -> set[str]:
    """Those that the first section has."""
    return {name.rpartition(".")[2] for name in SECTIONS[0][2]}


def _entry(found: griffe.Object) -> str:
    for name in HOOKS & found.members.keys():
        found.members[name].public = True
    # What only says where else it is told.
    for name, member in list(found.members.items()):
        if member.docstring is not None and member.docstring.value.startswith("See `"):
            del found.members[name]
    heading, _, rest = render_object_docs(found, OPTIONS).partition("\n")
    head = [heading, "", f"*`{found.parent.path}`*", ""]
    if "Bases: <code>[NamedTuple]" in rest:
        fields = [f"{name}: {_field(one)}" for name, one in found.attributes.items()]
        head += ["```python", f"{found.name}({', '.join(fields)})", "```"]
    rest = re.sub(r"^Bases: .*$", _bases, rest, flags=re.MULTILINE)
    return "\n".join([*head, rest])


def _field(found: griffe.Attribute) -> str:
    return f"{found.annotation}" + ("" if found.value is None else f" = {found.value}")


def _bases(line: re.Match[str]) -> str:
    """Without links to what is not on the page, and without bases that say nothing."""
    known = {name.rpartition(".")[2] for _, _, names in SECTIONS for name in names}
    names = [name for name in re.findall(r"\[(\w+)\]", line[0]) if name not in ("ABC", "Exception")]
    links = [f"[`{name}`](#{name.lower()})" if name in known else f"`{name}`" for name in names]
    return f"Bases: {', '.join(links)}" if links else ""


def _laid_out(text: str) -> str:
    """With signatures in lines of a readable length: all go through the formatter at once."""
    code = CUT.join(f"def {name}{rest}: ...\n" for name, rest in SIGNATURE.findall(text))
    line = [sys.executable, "-m", "ruff", "format", "--isolated", "--line-length", "100", "-"]
    done = subprocess.run(line, input=code, capture_output=True, text=True, check=True)
    formatted = iter(done.stdout.split(CUT))

    def replaced(match: re.Match[str]) -> str:
        signature = next(formatted).strip().removeprefix("def ").removesuffix(": ...")
        if match[1][0].isupper():
            signature = signature.removesuffix(" -> None")
        return f"```python\n{signature}\n```"

    return SIGNATURE.sub(replaced, text)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(PAGE)
