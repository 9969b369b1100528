"""Every console script of setup.py leads to a function."""

from __future__ import annotations

import re
from importlib import import_module

import pytest
from commands import ROOT

SCRIPTS = re.findall(r'"(fomm-[\w-]+)": "([\w.]+)"', (ROOT / "setup.py").read_text())


# Started by the command of the same name in `fomm_tf`.
BEHIND_DOORS = {
    "fomm_tf.copart.evaluate_landmarks",
    "fomm_tf.copart.swap_parts",
    "fomm_tf.monkeynet.predict",
    "fomm_tf.tpsmm.train_avd",
}


@pytest.mark.parametrize(("script", "module"), SCRIPTS)
def test_a_script_leads_to_a_command(script, module):
    assert callable(import_module(module).command), script


def test_there_is_one_for_every_command():
    files = [path for package in ("fomm_tf", "export") for path in (ROOT / package).rglob("*.py")]
    commands = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in files
        if '\nif __name__ == "__main__":\n    command()\n' in path.read_text()
    }
    assert commands - BEHIND_DOORS == {module for _, module in SCRIPTS}
