"""Every console script of setup.py leads to a function."""

from __future__ import annotations

import re
from importlib import import_module

import pytest
from commands import ROOT

SCRIPTS = re.findall(r'"(fomm-[\w-]+)": "([\w.]+)"', (ROOT / "setup.py").read_text())


@pytest.mark.parametrize(("script", "module"), SCRIPTS)
def test_a_script_leads_to_a_command(script, module):
    assert callable(import_module(module).command), script


def test_there_is_one_for_every_command():
    assert len(SCRIPTS) == 16
