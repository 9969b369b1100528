"""Mobile networks as graphs, in every precision."""

import numpy as np
import pytest
from fomm.tiny_mobile import tiny_mobile_config
from sample_media import moving_square
from tiny import save_random_model

import fomm_tf
from export import advise
from export.benchmark_table import Subject
from export.conversion import convert
from export.profile import profile_graph, profile_table
from fomm_tf.errors import UserError
from fomm_tf.inference.manifest import GENERATOR
from fomm_tf.measure.metrics import psnr
from fomm_tf.measure.timing import Times


@pytest.fixture(scope="module")
def model_dir(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mobile") / "model"
    save_random_model(folder, tiny_mobile_config(), seed=5, gain=1.5, spread=0.05)
    return folder


@pytest.mark.parametrize(
    ("precision", "least"), [("float32", 90), ("float16", 45), ("dynamic", 25), ("int8", 25)]
)
def test_graphs_give_the_models_frames(model_dir, tmp_path, precision, least):
    convert(model_dir, tmp_path / "out", precision)
    graphs, model = fomm_tf.load_exported(tmp_path / "out"), fomm_tf.load_model(model_dir)
    source, driving = (frame[None] / np.float32(255) for frame in moving_square(2, 64, 64))
    frames = []
    for one in (model, graphs):
        keypoints = one.detect(source), one.detect(driving)
        frames.append(one.decode(one.encode(source), *keypoints))
    assert psnr(np.square(frames[0] - frames[1]).mean()) > least


# export.advise


def subject(name: str, threads: int, ms: float, quality: float) -> Subject:
    seconds = ms / 2000
    times = Times({"detect": [seconds] * 3, "decode": [seconds] * 3})
    return Subject(name, threads, 1_000_000, times, quality)


def test_the_fastest_that_is_close_is_recommended():
    float32 = subject("float32", 2, 20, 100)
    fast = subject("int8 fast", 2, 10, 31)  # Its limit is 32 dB.
    quality = subject("int8 quality", 2, 12, 40)
    assert advise.recommended([float32, fast, quality]) is quality
    # Within ten percent fewer threads win, and then what is closer to the model.
    single = subject("int8 quality", 1, 13, 40)
    assert advise.recommended([float32, quality, single]) is single
    closer = subject("float16", 1, 13.1, 60)
    assert advise.recommended([quality, single, closer]) is closer
    with pytest.raises(UserError, match="no precision is close enough"):
        advise.recommended([fast])


def test_the_command_prints_a_table_and_one_recommendation(model_dir, capsys):
    arguments = ["--model", str(model_dir), "--threads", "1", "--rounds", "1"]
    advise.main(arguments)
    lines = capsys.readouterr().out.splitlines()
    assert sum(line.startswith("| int8") for line in lines) == 2
    use = next(line for line in lines if line.startswith("Use "))
    assert "with 1 thread:" in use
    assert lines[-2].startswith(f"  python -m export.convert --model {model_dir} --out exported")


# export.profile


@pytest.mark.parametrize("precision", ["float16", "int8"])
def test_every_operator_is_timed(model_dir, tmp_path, precision):
    convert(model_dir, tmp_path / "out", precision)
    content = (tmp_path / "out" / GENERATOR).read_bytes()
    times = profile_graph(content, "animate", 1)
    assert [one.ms for one in times] == sorted((one.ms for one in times), reverse=True)
    assert times[-1].ms > 0
    kinds = {one.kind for one in times}
    assert {"CONV_2D", "DEPTHWISE_CONV_2D", "GATHER", "RESIZE_BILINEAR"} <= kinds
    assert ("DEPTH_TO_SPACE", (1, 64, 64, 4)) in {one[:2] for one in times}
    lines = profile_table(times, rows=3)
    assert len(lines) == 6 and lines[-1].startswith(f"| all {len(times)} |")
