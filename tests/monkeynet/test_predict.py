"""The predict command: training a predictor, and going on from videos and from a picture."""

from dataclasses import replace

import numpy as np
import pytest
from commands import assert_one_line_error, run_command
from monkeynet.tiny_monkeynet import tiny_monkeynet_config
from PIL import Image
from sample_media import moving_square, write_video

from fomm_tf.errors import DataError, ModelError, UserError
from fomm_tf.inference.loading import load_model
from fomm_tf.media.pictures import read_picture, to_float
from fomm_tf.media.video_reader import open_video
from fomm_tf.monkeynet import MonkeyNet, prediction
from fomm_tf.monkeynet.keypoint_predictor import KeypointPredictor, predictor_state
from fomm_tf.monkeynet.model import MonkeyNetModel
from fomm_tf.monkeynet.prediction import predict_keypoints
from fomm_tf.monkeynet.predictor_file import load_predictor, save_predictor
from fomm_tf.predict import main

SIDE = 32


def save_model(folder, seed, **changes):
    """An untrained model with some of its `prediction_params` changed."""
    import keras

    keras.utils.set_random_seed(seed)
    config = tiny_monkeynet_config()
    params = replace(config.prediction_params, **changes)
    MonkeyNetModel(replace(config, prediction_params=params)).save(folder)
    return folder


@pytest.fixture(scope="module")
def model_dir(tmp_path_factory):
    return save_model(tmp_path_factory.mktemp("models") / "monkey", seed=4)


@pytest.fixture(scope="module")
def trained(model_dir, moving_squares, tmp_path_factory):
    """The command's end, and what it wrote."""
    out = tmp_path_factory.mktemp("predicted") / "results"
    line = ("--model", model_dir, "--data", moving_squares, "--out", out, "--epochs", 3)
    return run_command("predict", *line), out


@pytest.fixture(scope="module")
def picture(tmp_path_factory):
    path = tmp_path_factory.mktemp("picture") / "me.png"
    Image.fromarray(moving_square(1, SIDE, SIDE, seed=3)[0]).save(path)
    return path


def run(*arguments: object) -> None:
    main([str(argument) for argument in arguments])


def pictures_in(path) -> np.ndarray:
    return np.stack(list(open_video(path)))


def test_a_dataset_trains_and_its_test_videos_are_continued(trained):
    done, out = trained
    assert done.returncode == 0, done.stderr
    assert "trained on 4 videos for 3 epochs" in done.stdout
    assert f"{out / 'predictor.npz'}: the predictor" in done.stdout
    names = ["0.gif", "1.gif", "png", "predictor.npz"]
    assert sorted(path.name for path in out.iterdir()) == names
    assert pictures_in(out / "0.gif").shape == (4, SIDE, 2 * SIDE, 3)
    with Image.open(out / "png" / "1.png") as strip:
        assert strip.size == (4 * SIDE, SIDE)


def test_a_saved_predictor_takes_the_place_of_training(
    trained, model_dir, moving_squares, tmp_path
):
    _, out = trained
    line = ["--model", model_dir, "--data", moving_squares, "--videos", 1, "--out"]
    run(*line, tmp_path / "loaded", "--predictor", out / "predictor.npz")
    assert sorted(path.name for path in (tmp_path / "loaded").iterdir()) == ["0.gif", "png"]
    run(*line, tmp_path / "again", "--epochs", 3)
    for folder in ("loaded", "again"):
        np.testing.assert_array_equal(
            read_picture(tmp_path / folder / "png" / "0.png"), read_picture(out / "png" / "0.png")
        )
    with (
        np.load(out / "predictor.npz") as first,
        np.load(tmp_path / "again" / "predictor.npz") as second,
    ):
        assert first.files == second.files
        for name in first.files:
            np.testing.assert_array_equal(first[name], second[name])


@pytest.fixture
def given(monkeypatch):
    """What the command goes on from; nothing is made of it but grey frames."""
    seen = []

    def record(model, predictor, predict_variance, given, count):
        seen.append(given)
        return iter(np.full((count, SIDE, SIDE, 3), 0.5, np.float32))

    monkeypatch.setattr(prediction, "continue_frames", record)
    return seen


def test_a_picture_goes_on(trained, model_dir, picture, tmp_path):
    """As fast as the training videos, 10 frames per second; more frames than were learned."""
    predictor_file = trained[1] / "predictor.npz"
    line = ("--model", model_dir, "--predictor", predictor_file, "--source", picture, "--out")
    done = run_command("predict", *line, tmp_path / "result.mp4", "--frames", 7, "--threads", 1)
    assert done.returncode == 0, done.stderr
    assert f"{tmp_path / 'result.mp4'}: 7 frames" in done.stdout
    video = open_video(tmp_path / "result.mp4")
    assert (video.width, video.height, video.fps) == (SIDE, SIDE, 10)
    assert len(list(video)) == 7


def test_frames_are_the_picture_at_the_predicted_keypoints(trained, model_dir, picture, tmp_path):
    predictor_file = trained[1] / "predictor.npz"
    line = ("--model", model_dir, "--predictor", predictor_file, "--source", picture)
    run(*line, "--out", tmp_path / "frames", "--frames", 3)
    model = load_model(model_dir, MonkeyNet())
    predictor, fps = load_predictor(predictor_file, model)
    assert fps == 10
    source = to_float(read_picture(picture))[None]
    kp = model.detect(source)
    video = kp.map(lambda part: np.repeat(part[None], 3, axis=1))
    places = predict_keypoints(predictor, video, 1, predict_variance=True)
    for index, written in enumerate(pictures_in(tmp_path / "frames")):
        moment = places.map(lambda part, index=index: part[:, index])
        frame = model.generate(source, kp, moment)["prediction"][0]
        np.testing.assert_allclose(written, frame * 255, atol=0.51)
    assert np.abs(places.value[:, 2] - kp.value).max() > 1e-2


def test_a_picture_is_fitted(trained, model_dir, given, tmp_path, capsys):
    wide = moving_square(4, SIDE, 100)[3]
    Image.fromarray(wide).save(tmp_path / "wide.png")
    line = ("--model", model_dir, "--predictor", trained[1] / "predictor.npz")
    for out, notice, *more in (
        ("box", "", "--box", "60,0,32,32"),
        ("crop", "100x32 is cropped to its middle"),
        ("bars", "100x32 gets black bars", "--fit", "letterbox"),
    ):
        run(*line, "--source", tmp_path / "wide.png", "--out", tmp_path / out, *more)
        told = capsys.readouterr().err
        assert notice in told if notice else "wide.png" not in told
    box, crop, bars = (np.rint(frames[0] * 255) for frames in given)
    np.testing.assert_array_equal(box, wide[:, 60:92])
    np.testing.assert_array_equal(crop, wide[:, 34:66])
    assert not bars[:10].any() and bars[12:20].mean() > 50
    # As many as prediction_params.num_frames.
    assert len(list((tmp_path / "box").iterdir())) == 4


def test_a_picture_stands_for_all_frames_that_are_given(picture, given, tmp_path, capsys):
    save_model(tmp_path / "model", seed=4, init_frames=2)
    model = load_model(tmp_path / "model", MonkeyNet())
    params = model.config.prediction_params.rnn_params
    predictor = KeypointPredictor(model.config.model_params.common_params, params)
    save_predictor(tmp_path / "p.npz", predictor, model, 12.5)
    line = ["--model", tmp_path / "model", "--predictor", tmp_path / "p.npz", "--source", picture]
    run(*line, "--out", tmp_path / "frames")
    assert "repeated as the first 2 frames" in capsys.readouterr().err
    assert given[0].shape == (2, SIDE, SIDE, 3)
    np.testing.assert_array_equal(given[0][1], to_float(read_picture(picture)))
    with pytest.raises(UserError, match="--frames 2 leaves nothing to predict: 2 are given"):
        run(*line, "--out", tmp_path / "none.mp4", "--frames", 2)
    assert not (tmp_path / "none.mp4").exists()


# The predictor's file


def test_a_predictor_file_holds_all(trained, model_dir, tmp_path):
    model = load_model(model_dir, MonkeyNet())
    predictor, _ = load_predictor(trained[1] / "predictor.npz", model)
    save_predictor(tmp_path / "copy.npz", predictor, model, 29.97)
    again, fps = load_predictor(tmp_path / "copy.npz", model)
    assert fps == 29.97
    for name, value in predictor_state(predictor).items():
        np.testing.assert_array_equal(predictor_state(again)[name], value)


def changed(path, **entries):
    with np.load(path) as stored:
        kept = dict(stored) | entries
    np.savez(path, **{name: value for name, value in kept.items() if value is not None})


def test_files_that_are_no_predictor_of_the_model(trained, model_dir, tmp_path):
    model = load_model(model_dir, MonkeyNet())
    path = tmp_path / "p.npz"
    stored = (trained[1] / "predictor.npz").read_bytes()
    nan = {"linear.bias": np.full(18, np.nan, np.float32)}
    for words, entries in (
        ("is not a predictor file; train a predictor", {"detector": None}),
        ("is not a predictor file; train a predictor", {"fps": None}),
        ("of this config: linear.bias differs", {"linear.bias": None}),
        ("of this config: other differs", {"other": np.zeros(1)}),
        ("linear.bias contains NaN or infinite values", nan),
        ("linear.bias contains NaN or infinite values", {"linear.bias": np.array(["a"] * 18)}),
        ("keypoints of another model; train", {"detector": np.zeros(32, np.uint8)}),
        ("damaged: it has no frame rate", {"fps": np.array([0.0])}),
        ("damaged: it has no frame rate", {"fps": np.array(["fast"])}),
        ("is larger than the weights .*; train", {"linear.bias": np.zeros(10**5)}),
    ):
        path.write_bytes(stored)
        changed(path, **entries)
        with pytest.raises(ModelError, match=words):
            load_predictor(path, model)
    path.write_bytes(stored[: len(stored) // 2])
    with pytest.raises(ModelError, match="damaged or not a weights file .*; train a predictor"):
        load_predictor(path, model)
    with pytest.raises(ModelError, match="weights.npz is (no predictor file|larger than)"):
        load_predictor(model_dir / "weights.npz", model)


def test_a_predictor_knows_its_model(trained, model_dir, picture, tmp_path):
    """Other weights of the detector, or another recurrent network."""
    predictor = trained[1] / "predictor.npz"
    other = save_model(tmp_path / "other", seed=5)
    line = ("--predictor", predictor, "--source", picture, "--out", tmp_path / "result.mp4")
    done = run_command("predict", "--model", other, *line)
    assert_one_line_error(done, predictor, "was trained on the keypoints of another model")
    params = replace(tiny_monkeynet_config().prediction_params.rnn_params, num_features=6)
    deeper = save_model(tmp_path / "deeper", seed=4, rnn_params=params)
    with pytest.raises(ModelError, match="of this config: rnn.* differs|is larger than"):
        run("--model", deeper, *line)
    assert not (tmp_path / "result.mp4").exists()


# Errors


def test_what_cannot_be_predicted(trained, model_dir, tiny_model_dir, moving_squares, tmp_path):
    rest = ["--data", moving_squares, "--out", tmp_path / "out"]
    with pytest.raises(ModelError, match="First Order Motion Model, not a Monkey-Net"):
        run("--model", tiny_model_dir, *rest)
    long = save_model(tmp_path / "long", seed=4, num_frames=50)
    with pytest.raises(DataError, match="no training video has 50 frames"):
        run("--model", long, *rest)
    (tmp_path / "videos").mkdir()
    for index in range(2):
        write_video(tmp_path / "videos" / f"{index}.mp4", moving_square(1, SIDE, SIDE))
    rest[1] = tmp_path / "videos"
    with pytest.raises(DataError, match="none of its test videos could be continued"):
        run("--model", model_dir, *rest, "--predictor", trained[1] / "predictor.npz")


def test_wrong_input_shows_before_the_model_is_loaded(tmp_path, picture, trained):
    predictor = trained[1] / "predictor.npz"
    line = ["--model", tmp_path / "nothing", "--out", tmp_path / "result.mp4"]
    for words, *more in (
        ("no such predictor file", "--source", picture, "--predictor", tmp_path / "p.npz"),
        ("no such picture", "--source", tmp_path / "no.png", "--predictor", predictor),
        ("inside the 32x32", "--source", picture, "--predictor", predictor, "--box", "0,0,33,32"),
    ):
        with pytest.raises(UserError, match=words):
            run(*line, *more)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "give --data, or --source and --predictor"),
        (["--data", "d", "--source", "a.png", "--predictor", "p"], "give --data, or --source"),
        (["--source", "a.png"], "--source needs --predictor FILE"),
        (["--predictor", "p"], "give --data, or --source and --predictor"),
        (["--source", "a.png", "--predictor", "p", "--epochs", "3"], "--epochs is for training"),
        (["--data", "d", "--predictor", "p", "--seed", "0"], "--seed is for training"),
        (["--source", "a.png", "--predictor", "p", "--videos", "3"], "--videos goes with --data"),
        (["--data", "d", "--frames", "3"], "goes with --source only"),
        (["--data", "d", "--box", "0,0,1,1"], "goes with --source only"),
        (["--data", "d", "--fit", "letterbox"], "goes with --source only"),
        (["--source", "a.png", "--predictor", "p", "--frames", "0"], "at least 1"),
    ],
)
def test_bad_command_lines(arguments, words, capsys):
    with pytest.raises(SystemExit) as caught:
        run("--model", "m", "--out", "o", *arguments)
    assert caught.value.code == 2
    assert words in capsys.readouterr().err
