"""The table says what was measured, and a run measures everything it names."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys

import pytest
from commands import ENVIRONMENT, ROOT, assert_one_line_error
from PIL import Image

from export import benchmark
from export.benchmark_table import HEAD, KERAS, Benchmark, Subject
from export.plot import save_plot
from fomm_tf.errors import ConfigError
from fomm_tf.measure.timing import Times, interleaved, timer


def run(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "export.benchmark", *map(str, arguments)],
        cwd=ROOT,
        env=ENVIRONMENT | environment,
        capture_output=True,
        text=True,
        timeout=300,
    )


def result(random_weights: bool = False) -> Benchmark:
    """What a run could have given: three rounds with one outlier each."""

    def times(**milliseconds: float) -> Times:
        return Times({name: [x / 1000, x / 100, x / 2000] for name, x in milliseconds.items()})

    exports = [("float32", 1, 8, 90), ("float32", 2, 8, 50), ("int8 fast", 1, 2, 20)]
    return Benchmark(
        model="some-model",
        size=(64, 96),
        clips=["some clip"],
        random_weights=random_weights,
        machine={"CPU": "some CPU", "VNNI": "none known"},
        subjects=[
            Subject(KERAS, 2, 7_900_000, times(detect=3, encode=2, decode=80, generate=100)),
            *(
                Subject(name, threads, size * 1_000_000, times(detect=2, encode=1, decode=ms), 41.5)
                for name, threads, size, ms in exports
            ),
        ],
    )


def rows(markdown: list[str]) -> list[list[str]]:
    lines = [line for line in markdown if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


# The whole command


def test_a_model_is_exported_timed_and_compared(official_model_dir, tmp_path):
    out = tmp_path / "new" / "out"
    (tmp_path / "tmp").mkdir()
    arguments = ["--model", official_model_dir, "--precisions", "float32", "int8", "--rounds", 1]
    arguments += ["--threads", 1, "--size", "64x96", "--out", out]
    done = run(*arguments, TMPDIR=str(tmp_path / "tmp"))
    assert done.returncode == 0, done.stderr
    assert f"table, plot and all times: {out}" in done.stdout
    assert (out / "benchmark.md").read_text() in done.stdout
    assert Image.open(out / "benchmark.png").size[0] > 1000
    assert not list((tmp_path / "tmp").iterdir())

    written = json.loads((out / "benchmark.json").read_text())
    assert (written["model"], written["size"]) == ("official", [64, 96])
    assert written["machine"]["threads"] == "Keras 1, graphs 1" and "VNNI" in written["machine"]
    keras, float32, quality, fast = written["subjects"]
    assert set(keras["times"]["rounds"]) == {"detect", "encode", "decode", "generate"}
    assert keras["psnr"] is None
    names = ["float32", "int8 quality", "int8 fast"]
    for subject, name in zip((float32, quality, fast), names, strict=True):
        assert (subject["name"], subject["threads"]) == (name, 1)
        assert set(subject["times"]["rounds"]) == {"detect", "encode", "decode"}
        for seconds in subject["times"]["rounds"].values():
            assert len(seconds) == 1 and min(seconds) > 0
    assert max(quality["bytes"], fast["bytes"]) < float32["bytes"]
    assert 0 < min(quality["psnr"], fast["psnr"]) < float32["psnr"] < 200
    assert [row[0] for row in rows(done.stdout.splitlines())[2:]] == [
        *("Keras, `generate`", "Keras, `decode`", *names)
    ]


def test_a_config_gets_random_weights_and_no_quality(tiny_yaml):
    done = run("--config", tiny_yaml, "--precisions", "float32", "--threads", 1, "--rounds", 1)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("**tiny**, 64 x 64")
    assert "Random weights: no quality to measure." in done.stdout
    assert all(row[-1] == "" for row in rows(done.stdout.splitlines())[2:])


def test_errors_of_the_command_are_one_line(tmp_path):
    done = run("--model", tmp_path / "none", "--threads", 1)
    assert_one_line_error(done, "none: no such model folder")
    assert done.stdout == ""


def test_bad_arguments_are_refused_at_once(tmp_path, monkeypatch, capsys):
    with pytest.raises(ConfigError, match="--threads 9999: there are [0-9]+ processors here"):
        benchmark.main(["--model", "m", "--threads", "1", "9999"])
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="--out: .*file exists and is not a folder"):
        benchmark.main(["--model", "m", "--out", str(tmp_path / "file")])
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match="--out needs matplotlib"):
        benchmark.main(["--model", "m", "--out", str(tmp_path)])
    misplaced = ["--model", "m", "--precisions", "float16", "--calibration", "videos"]
    both = ["--model", "m", "--config", "c"]
    for line in (both, [], ["--model", "m", "--rounds", "0"], misplaced):
        with pytest.raises(SystemExit) as stopped:
            benchmark.main(line)
        assert stopped.value.code == 2
    assert "Traceback" not in capsys.readouterr().err


def test_help_waits_for_neither_tensorflow_nor_matplotlib():
    line = [sys.executable, "-X", "importtime", "-m", "export.benchmark", "--help"]
    done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and "examples:" in done.stdout
    assert "argparse" in done.stderr
    assert "tensorflow" not in done.stderr and "matplotlib" not in done.stderr


# Its parts


def test_table_has_medians_ratios_and_shares():
    head, _, generate, decode, one, two, fast = rows(result().markdown())
    assert head == [cell.strip() for cell in HEAD]
    assert generate[:6] == ["Keras, `generate`", "2", "100", "50.0-1,000", "1.00 x", "0.80 x"]
    assert decode[:6] == ["Keras, `decode`", "2", "80.0", "40.0-800", "1.25 x", "1.00 x"]
    assert generate[6:] == decode[6:] == ["3.00", "2.00", "7.90", "0.988", ""]
    assert one[:6] == ["float32", "1", "90.0", "45.0-900", "1.11 x", "0.89 x"]
    assert two[2:6] == ["50.0", "25.0-500", "2.00 x", "1.60 x"]
    assert fast == [
        *("int8 fast", "1", "20.0", "10.0-200", "5.00 x", "4.00 x"),
        *("2.00", "1.00", "2.00", "0.250", "41.5"),
    ]
    text = "\n".join(result().markdown())
    assert "96 x 64" in text and "VNNI none known" in text and "Medians of 3 " in text


def test_table_without_float32_has_no_shares():
    found = result()
    found.subjects = [found.keras, found.exported[-1]]
    assert [row[9] for row in rows(found.markdown())[2:]] == ["", "", ""]


def test_rounds_are_interleaved_and_the_first_does_not_count(monkeypatch):
    monkeypatch.setattr("fomm_tf.measure.timing.LEAST_SECONDS", 1e-5)
    called = []
    subjects = [
        {"one": lambda: called.append("a one"), "two": lambda: called.append("a two")},
        {"one": lambda: called.append("b one")},
    ]
    timers = [{name: timer(call) for name, call in one.items()} for one in subjects]
    first, second = interleaved(timers, 2, lambda: None)
    assert list(first.rounds) == ["one", "two"] and list(second.rounds) == ["one"]
    assert all(len(seconds) == 2 for seconds in [*first.rounds.values(), *second.rounds.values()])
    order = [name for i, name in enumerate(called) if i == 0 or called[i - 1] != name]
    assert order == 3 * ["a one", "a two", "b one"]


@pytest.mark.parametrize("random_weights", [False, True])
def test_plot(random_weights, tmp_path):
    save_plot(result(random_weights), tmp_path / "plot.png")
    with Image.open(tmp_path / "plot.png") as picture:
        colours = picture.convert("RGB").getcolors(1 << 20)
    assert len(colours) > 20  # not an empty sheet
    assert max(colours)[1] == (255, 255, 255)
