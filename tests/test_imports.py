"""What runs without TensorFlow imports without it, and no --help waits for it."""

from __future__ import annotations

import re
import subprocess

import pytest
from commands import command_line, run_program

FREE_OF_TENSORFLOW = [
    "fomm_tf",
    "fomm_tf.errors",
    "fomm_tf.face",
    "fomm_tf.live.session",
    "fomm_tf.ui.commands",
    "fomm_tf.files",
    "fomm_tf.keypoints",
    "fomm_tf.config",
    "fomm_tf.registry",
    "fomm_tf.fomm.exported",
    "fomm_tf.copart.exported",
    "fomm_tf.monkeynet.exported",
    "fomm_tf.copart.config",
    "fomm_tf.copart.segments",
    "fomm_tf.copart.pictures",
    "fomm_tf.copart.annotations",
    "fomm_tf.copart.landmark_pictures",
    "fomm_tf.monkeynet.config",
    "fomm_tf.monkeynet.motion",
    "fomm_tf.fomm.motion",
    "fomm_tf.tpsmm.config",
    "fomm_tf.tpsmm.motion",
    "fomm_tf.tpsmm.exported",
    "fomm_tf.inference.motion",
    "fomm_tf.copart.motion",
    "fomm_tf.inference.manifest",
    "fomm_tf.measure.metrics",
    "fomm_tf.inference.runtime",
    "fomm_tf.weights.torch_checkpoint",
    "fomm_tf.media.pictures",
    "fomm_tf.media.video_reader",
    "fomm_tf.data.dataset",
    "fomm_tf.data.cartoon_faces",
    "fomm_tf.data.portraits",
    "fomm_tf.inference.visualizer",
    "fomm_tf.inference.animation",
    "fomm_tf.animate",
    "fomm_tf.swap_parts",
    "fomm_tf.predict",
    "fomm_tf.evaluate_landmarks",
    "fomm_tf.train_avd",
]
COMMANDS = [
    *("animate", "evaluate", "limits", "train", "convert_checkpoint", "benchmark", "swap_parts"),
    *("distill", "predict", "evaluate_landmarks", "train_avd"),
    *("data.cartoon_faces", "data.crop_videos", "data.portraits", "live", "ui"),
]
HEAVY = {"tensorflow", "keras", "torch", "matplotlib"}


def test_modules():
    """In one process, so that the first one named is the one that imports what it must not."""
    program = (
        "import importlib, sys\n"
        "for name in sys.argv[1:]:\n"
        "    importlib.import_module(name)\n"
        f"    assert not {HEAVY} & sys.modules.keys(), name\n"
    )
    run_program(program, *FREE_OF_TENSORFLOW)


def test_public_names_that_need_no_network():
    program = (
        "import fomm_tf, sys\n"
        "fomm_tf.animate_frames, fomm_tf.transfer_motion, fomm_tf.Keypoints, fomm_tf.ModelError\n"
        f"assert not {HEAVY} & sys.modules.keys()\n"
    )
    run_program(program)


@pytest.mark.parametrize("name", COMMANDS)
def test_help(name):
    line = command_line(name, "--help")
    line[1:1] = ["-X", "importtime"]
    done = subprocess.run(line, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"usage: python -m fomm_tf.{name}")
    assert f"\n  python -m fomm_tf.{name} " in done.stdout, "no example"
    imported = set(re.findall(r"\| +(\w+)$", done.stderr, re.MULTILINE))
    assert "argparse" in imported and not imported & HEAVY
