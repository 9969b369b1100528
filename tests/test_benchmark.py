"""The benchmark times everything that it names, and says when the reader is too slow."""

from __future__ import annotations

import json
import statistics
from pathlib import Path

import pytest
from commands import run_process
from tiny import write_tiny_config

from fomm_tf import benchmark
from fomm_tf.benchmark import MEASUREMENTS, default_config, notes, rows
from fomm_tf.errors import ConfigError, DataError
from fomm_tf.measure.speed import Result

NETWORK = ["step", "detect", "encode", "decode", "generate"]


def result(step=0.5, sample=0.01, cached_sample=0.001) -> Result:
    """What a config could have given: batch 8, three rounds with one outlier."""
    seconds = dict.fromkeys(MEASUREMENTS, 0.02)
    seconds |= {"step": step, "sample": sample, "cached_sample": cached_sample}
    rounds = {name: [value, 9 * value, value / 2] for name, value in seconds.items()}
    return Result("some-64", "some-64.yaml", (64, 48), 8, dict.fromkeys(NETWORK, 3.0), rounds)


def test_command_times_everything(tmp_path):
    config, out, temporary = tmp_path / "tiny.yaml", tmp_path / "new/times.json", tmp_path / "tmp"
    write_tiny_config(config, **{"train_params.loss_weights.perceptual": [1, 0, 0, 0, 0]})
    temporary.mkdir()
    arguments = ["--config", config, "--rounds", 2, "--batch-size", 2, "--json", out]
    done = run_process("benchmark", *arguments, environment={"TMPDIR": str(temporary)})
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout.startswith("machine: CPU ")
    assert "random weights (no download; equally fast)" in done.stdout

    written = json.loads(out.read_text())
    assert int(written["machine"]["cores used"]) >= 1
    assert written["unit"] == "seconds" and written["vgg_weights"] == "random"
    [times] = written["results"]
    assert (times["name"], times["batch_size"], times["frame_size"]) == ("tiny", 2, [64, 64])
    assert list(times["rounds"]) == list(MEASUREMENTS)
    assert all(len(seconds) == 2 for seconds in times["rounds"].values())
    assert all(second > 0 for seconds in times["rounds"].values() for second in seconds)
    # Tracing takes far longer than a call, and must not be among the rounds.
    assert list(times["first"]) == NETWORK
    for name in NETWORK:
        assert times["first"][name] > 2 * max(times["rounds"][name])

    # The table on stdout is that of the times in the file.
    assert "\n".join(rows(Result(**times))) in done.stdout
    assert not list(temporary.glob("fomm-benchmark-*"))


def test_default_batch_size_follows_the_frame_size(tmp_path):
    for size, batch_size in ((64, 8), (128, 8), (256, 1)):
        write_tiny_config(tmp_path / "c.yaml", **{"dataset_params.frame_shape": [size, size, 3]})
        config = benchmark._prepare(tmp_path / "c.yaml", None)
        assert config.train_params.batch_size == batch_size
        assert config.train_params.vgg_weights == "random"
        assert benchmark._prepare(tmp_path / "c.yaml", 5).train_params.batch_size == 5


def test_table_has_medians_and_rates():
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows(result())]
    by_label = {cell[1]: cell for cell in cells}
    assert all(cell[0] == "some-64 (48 x 64)" for cell in cells)
    step = by_label["training step, batch 8"]
    assert step[2:] == ["500", "250-4,500", "16.0 images/s", "3.0 s"]
    assert by_label["`decode`"][2:] == ["20.0", "10.0-180", "50.0 frames/s", "3.0 s"]
    assert by_label["reader, a frame"][2:] == ["20.0", "10.0-180", "50.0 frames/s", ""]
    assert by_label["samples/s from files : the step's images/s"][4] == "6.25 x"
    assert by_label["samples/s from memory : the step's images/s"][4] == "62.5 x"
    head = benchmark.HEAD[1].count("|")
    assert all(row.count("|") == head for row in rows(result()))


def test_reader_ratio_counts_the_images_of_a_batch():
    times = result(step=0.5, sample=0.01)
    assert times.reader_ratio("sample") == pytest.approx((1 / 0.01) / (8 / 0.5))
    assert times.per_second("step") == 8 / statistics.median(times.rounds["step"])


@pytest.mark.parametrize(("sample", "warned"), [(0.04, True), (0.03, False)])
def test_slow_reader_is_pointed_out_in_one_line(sample, warned):
    lines = [line for line in notes([result(sample=sample)], None) if "warning" in line]
    assert len(lines) == warned
    if warned:
        assert "some-64" in lines[0] and "1.56 times from files" in lines[0]
        assert "62.50 times from memory" in lines[0]


def test_notes_name_the_videos_that_were_read():
    assert any("my-videos" in line for line in notes([result()], Path("my-videos")))
    assert any("cartoon faces" in line for line in notes([result()], None))


@pytest.mark.parametrize("name", benchmark.DEFAULT_CONFIGS)
def test_default_configs_are_found_from_any_folder(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert default_config(name).is_file()


def test_default_configs_of_an_installed_package(tmp_path, monkeypatch):
    """It has no configs beside it: those of the current folder, else one clear line."""
    monkeypatch.setattr(benchmark, "__file__", str(tmp_path / "site-packages/fomm_tf/benchmark.py"))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=r"no configs/vox-256\.yaml here; .*--config"):
        default_config("vox-256.yaml")
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs/vox-256.yaml").touch()
    assert default_config("vox-256.yaml") == Path("configs/vox-256.yaml")


@pytest.mark.parametrize(
    ("arguments", "kind", "match"),
    [
        (["--config", "missing.yaml"], OSError, "missing.yaml"),
        (["--config", "tiny.yaml", "--data", "nowhere"], DataError, "nowhere: no such folder"),
        (["--config", "tiny.yaml", "--data", "folder"], DataError, "folder: holds no videos"),
        (["--config", "tiny.yaml", "--json", "folder"], ConfigError, "folder is a folder"),
    ],
)
def test_bad_input_is_refused_at_once(arguments, kind, match, tmp_path, monkeypatch, capsys):
    write_tiny_config(tmp_path / "tiny.yaml")
    (tmp_path / "folder").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(kind, match=match) as caught:
        benchmark.main(arguments)
    assert "\n" not in str(caught.value)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("option", ["--rounds", "--batch-size"])
def test_numbers_must_be_positive(option, capsys):
    with pytest.raises(SystemExit) as caught:
        benchmark.main([option, "0"])
    assert caught.value.code == 2
    assert "'0' is not a whole number of at least 1" in capsys.readouterr().err
