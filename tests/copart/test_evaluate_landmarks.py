"""The evaluate_landmarks command on drawn pictures whose parts and landmarks are known."""

import json

import numpy as np
import pytest
from commands import assert_one_line_error, run_command
from copart.tiny_copart import tiny_copart_config
from PIL import Image

from fomm_tf.copart import evaluate_landmarks
from fomm_tf.copart.landmark_pictures import draw_landmarks
from fomm_tf.copart.model import CoPartModel
from fomm_tf.copart.segments import Segments
from fomm_tf.errors import DataError, ModelError
from fomm_tf.evaluate_landmarks import main
from fomm_tf.media.pictures import read_picture

SIDE = 64


class FakeModel:
    """Part 1 is what is red, part 2 what is blue."""

    frame_size = (SIDE, SIDE)
    config = tiny_copart_config()

    def detect(self, images):
        red, blue = images[..., 0] > 0.5, images[..., 2] > 0.5
        maps = np.stack([~(red | blue), red, blue], axis=-1).astype(np.float32)
        return Segments(maps, np.zeros((1, 2, 2), np.float32))


@pytest.fixture
def fake(monkeypatch):
    monkeypatch.setattr(evaluate_landmarks, "load_model", lambda path, kind: FakeModel())


def draw(path, places, height=SIDE, width=SIDE):
    """A red and a blue square of 9 x 9 pixels around two places."""
    canvas = np.zeros((height, width, 3), np.uint8)
    for (x, y), channel in zip(places, (0, 2), strict=True):
        canvas[y - 4 : y + 5, x - 4 : x + 5, channel] = 255
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(canvas).save(path)


def landmarks_of(places):
    """The middle between the squares, and a corner of the red one."""
    (x1, y1), (x2, y2) = places
    return [(x1 + x2) / 2, (y1 + y2) / 2, x1 - 4, y1 + 4]


def dataset(root, train=12, test=4, size=(SIDE, SIDE), noise=0.0):
    """Draws the pictures; returns the lines of their CSV file."""
    rng = np.random.default_rng(0)
    lines = ["picture,middle_x,middle_y,corner_x,corner_y"]
    for split, count in (("train", train), ("test", test)):
        for index in range(count):
            # Apart and inside the middle that is left of any shape of picture.
            offset = (np.array(size[::-1]) - SIDE) // 2
            places = rng.integers([[6, 6], [38, 6]], [[26, 58], [58, 58]]) + offset
            name = f"{split}/{index}.png"
            draw(root / name, places.tolist(), *size)
            values = np.array(landmarks_of(places)) + rng.normal(0, noise, 4)
            lines.append(",".join([name, *map(str, values)]))
    return lines


def run(root, lines, out):
    (root / "faces.csv").write_text("\n".join(lines) + "\n")
    line = ("--model", root / "model", "--data", root, "--landmarks", root / "faces.csv")
    main([str(part) for part in (*line, "--out", out)])
    return json.loads((out / "metrics.json").read_text())


def test_landmarks_that_the_parts_tell(fake, tmp_path, capsys):
    lines = dataset(tmp_path)
    lines[2] = lines[2].rsplit(",", 2)[0] + ",-1,-1"
    metrics = run(tmp_path, lines, tmp_path / "out")
    assert metrics["error"] < 1e-3 and metrics["error_mean_place"] > 10
    assert metrics["per_landmark"].keys() == {"middle", "corner"}
    total = sum(landmark["error_mean_place"] for landmark in metrics["per_landmark"].values())
    assert total == pytest.approx(metrics["error_mean_place"])
    assert (metrics["train_pictures"], metrics["test_pictures"]) == (12, 4)
    assert metrics["frame_size"] == [SIDE, SIDE] and not metrics["skipped"]
    told = capsys.readouterr()
    assert told.out.splitlines()[1].split()[:4] == ["2", "12", "4", "0.00"]
    assert "warning" not in told.err and "cropped" not in told.err


def test_the_mean_place_is_that_of_the_training_pictures(fake, tmp_path):
    lines = dataset(tmp_path)
    values = [np.array(line.split(",")[1:], float) for line in lines[1:]]
    mean = np.mean(values[:12], axis=0)
    metrics = run(tmp_path, lines, tmp_path / "out")
    expected = np.abs(np.array(values[12:]) - mean).mean(axis=0).sum()
    assert metrics["error_mean_place"] == pytest.approx(expected)


def test_landmarks_that_the_parts_do_not_tell(fake, tmp_path):
    metrics = run(tmp_path, dataset(tmp_path, noise=3), tmp_path / "out")
    # Four coordinates, each off by about 0.8 x 3 pixels and the regression's own error.
    assert 5 < metrics["error"] < 25


def test_pictures_of_another_size(fake, tmp_path, capsys):
    """Errors count in pixels of the model's frame, whatever the pictures' sizes."""
    lines = dataset(tmp_path, size=(SIDE, 100))
    metrics = run(tmp_path, lines, tmp_path / "out")
    assert metrics["error"] < 1e-3
    assert capsys.readouterr().err.count("100x64 is centre-cropped") == 1
    large = dataset(tmp_path / "large")
    for path in (tmp_path / "large").glob("*/*.png"):
        picture = Image.open(path)
        picture.resize((2 * SIDE, 2 * SIDE), Image.Resampling.NEAREST).save(path)
    doubled = [
        ",".join([name, *(str(2 * float(value) + 0.5) for value in values)])
        for name, *values in (line.split(",") for line in large[1:])
    ]
    again = run(tmp_path / "large", [large[0], *doubled], tmp_path / "large" / "out")
    assert again["error_mean_place"] == pytest.approx(metrics["error_mean_place"])
    assert again["error"] < 0.5


def test_pictures_to_look_at(fake, tmp_path):
    run(tmp_path, dataset(tmp_path, test=9, noise=2), tmp_path / "out")
    sheet = read_picture(tmp_path / "out" / "landmarks.png")
    assert sheet.shape == (6 * 256, 2 * 256, 3)
    lines = dataset(tmp_path / "few", test=2)
    # Nothing is annotated in the second one.
    lines[-1] = "test/1.png,-1,-1,-1,-1"
    run(tmp_path / "few", lines, tmp_path / "few" / "out")
    assert read_picture(tmp_path / "few" / "out" / "landmarks.png").shape == (256, 512, 3)


def test_drawn_landmarks():
    grey = np.full((64, 64, 3), 90, np.uint8)
    true, regressed = np.array([[10.0, 20], [np.nan, 5]]), np.array([[50.0, 20], [30, 50]])
    drawn = draw_landmarks(grey, true, regressed)
    assert drawn.shape == (256, 256, 3)
    np.testing.assert_array_equal(drawn[81, 41], (0, 220, 0))
    np.testing.assert_array_equal(drawn[81, 201], (255, 0, 200))
    np.testing.assert_array_equal(drawn[201, 121], (255, 0, 200))
    assert drawn[81, 60:180].min() == 255, "no line between true and regressed"
    assert (drawn[100:190] == 90).all()


def test_few_pictures_are_warned_of(fake, tmp_path, capsys):
    run(tmp_path, dataset(tmp_path, train=4), tmp_path / "out")
    told = capsys.readouterr().err
    assert "annotated in only 4 training pictures; the regression from 2 parts has 5" in told


def test_damaged_pictures_are_skipped(fake, tmp_path, capsys):
    lines = dataset(tmp_path)
    (tmp_path / "train" / "3.png").write_text("no picture")
    metrics = run(tmp_path, lines, tmp_path / "out")
    assert list(metrics["skipped"]) == [str(tmp_path / "train" / "3.png")]
    assert metrics["train_pictures"] == 11 and metrics["error"] < 1e-3
    assert "warning: skipped: " in capsys.readouterr().err
    for path in (tmp_path / "test").iterdir():
        path.write_text("no picture")
    with pytest.raises(DataError, match="none of the annotated test pictures can be read"):
        run(tmp_path, lines, tmp_path / "out")


def test_a_landmark_without_annotation(fake, tmp_path):
    lines = dataset(tmp_path)
    lines[13:] = [line.rsplit(",", 2)[0] + ",-1,-1" for line in lines[13:]]
    with pytest.raises(DataError, match="landmark corner is annotated in no test picture"):
        run(tmp_path, lines, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_as_users_run_it(tmp_path, tiny_model_dir):
    """With a model of its own kind, and with what is wrong in one line."""
    lines = dataset(tmp_path)
    path, out = tmp_path / "faces.csv", tmp_path / "out"
    path.write_text("\n".join(lines))
    CoPartModel(tiny_copart_config()).save(tmp_path / "model")
    line = ("--data", tmp_path, "--landmarks", path, "--out", out)
    done = run_command("evaluate_landmarks", "--model", tmp_path / "model", *line)
    assert done.returncode == 0, done.stderr
    assert f"{out}: metrics.json, landmarks.png" in done.stdout
    metrics = json.loads((out / "metrics.json").read_text())
    assert metrics["frame_size"] == [32, 32] and np.isfinite(metrics["error"])
    path.write_text("\n".join([*lines, "test/0.png,1,2,3"]))
    done = run_command("evaluate_landmarks", "--model", tmp_path / "model", *line)
    assert_one_line_error(done, f"{path}, line 18: has 4 columns")
    path.write_text("\n".join(lines))
    with pytest.raises(ModelError, match="not a co-part"):
        main(["--model", str(tiny_model_dir), *map(str, line)])
