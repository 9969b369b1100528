"""The page's buttons run the commands, show their progress, and can be cancelled. No Gradio."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import pytest

from fomm_tf import animate
from fomm_tf.errors import ModelError, UserError
from fomm_tf.ui.__main__ import main
from fomm_tf.ui.commands import Progress, animate_line, export_line, find_models, run

SLOW = """
import sys, time
from pathlib import Path
from tqdm import tqdm
Path(sys.argv[1]).touch()
try:
    for _ in tqdm(range(200), "result.mp4"):
        time.sleep(0.05)
finally:
    Path(sys.argv[1]).unlink()
"""


def python(code: str, *arguments: object) -> list[str]:
    return [sys.executable, "-c", code, *map(str, arguments)]


def test_models_are_found_in_folders_and_as_folders(tmp_path):
    for name, files in {
        "m/b": ["config.yaml", "weights.npz"],
        "m/a": ["manifest.json"],
        "m/other": ["config.yaml"],
        "x": ["manifest.json"],
    }.items():
        (tmp_path / name).mkdir(parents=True)
        for file in files:
            (tmp_path / name / file).touch()
    found = find_models(tmp_path / "m", tmp_path / "x", tmp_path / "nowhere")
    assert [path.relative_to(tmp_path).as_posix() for path in found] == ["m/a", "m/b", "x"]


def test_the_command_understands_the_line():
    flags = {"absolute": True, "adapt_scale": False, "best_frame": True, "paste_back": True}
    line = animate_line(Path("m"), Path("a b.png"), Path("d.mp4"), Path("o.mp4"), True, **flags)
    args = animate._parse(line[3:])
    assert (args.model, args.source, args.out) == (Path("m"), Path("a b.png"), Path("o.mp4"))
    assert args.mode == "standard" and args.best_frame and args.paste_back and not args.adapt_scale
    assert args.crop == "face"
    with pytest.raises(TypeError, match="speed"):
        animate_line(Path("m"), Path("s"), Path("d"), Path("o"), False, speed=True)
    assert shlex.join(export_line(Path("m"), Path("o"), "int8")[1:]) == (
        "-m export.convert --model m --out o --precision int8"
    )


def test_progress_with_the_time_that_is_left():
    code = (
        "import time; from tqdm import tqdm\n"
        "for _ in tqdm(range(4), 'looking for faces', mininterval=0): time.sleep(0.05)\n"
        "print('r.mp4: 4 frames')"
    )
    found = list(run(python(code)))
    assert found[-1] == Progress(1.0, "r.mp4: 4 frames")
    half = next(progress for progress in found if progress.fraction == 0.5)
    assert half.text.startswith("looking for faces, 00:0") and half.text.endswith(" left")


def test_notices_and_the_command_s_own_error():
    code = "import sys; print('a.png: cropped', file=sys.stderr); sys.exit('error: no such video')"
    running = run(python(code))
    assert next(running) == Progress(None, "a.png: cropped")
    with pytest.raises(UserError, match="^no such video$"):
        list(running)


def test_cancelling_ends_the_command_and_lets_it_tidy_up(tmp_path):
    running = run(python(SLOW, tmp_path / "unfinished"))
    assert next(running).fraction == 0
    running.close()
    assert not (tmp_path / "unfinished").exists()


def test_no_model(tmp_path):
    with pytest.raises(ModelError, match="no model was found; give --models DIR"):
        main(["--models", str(tmp_path)])


def test_without_gradio(monkeypatch):
    monkeypatch.setitem(sys.modules, "gradio", None)
    monkeypatch.delitem(sys.modules, "fomm_tf.ui.page", raising=False)
    with pytest.raises(UserError, match=r"pip install 'fomm-tf\[ui\]'"):
        main(["--models", "models", "--no-browser"])
