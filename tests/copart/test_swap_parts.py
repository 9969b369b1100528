"""The swap_parts command, end to end with a small model, and what it refuses."""

import numpy as np
import pytest
from commands import assert_one_line_error, run_command
from copart.golden import load
from PIL import Image
from sample_media import moving_square, write_video

from fomm_tf.copart.pictures import paint_parts
from fomm_tf.errors import UserError
from fomm_tf.media.pictures import read_picture
from fomm_tf.media.video_reader import open_video
from fomm_tf.swap_parts import main

SIDE = 64


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A model that also has a dense motion network, and a picture and a video for it."""
    folder = tmp_path_factory.mktemp("swap")
    load("first-order-supervised").save(folder / "model")
    frames = moving_square(3, SIDE, SIDE, seed=1)
    Image.fromarray(moving_square(1, SIDE, SIDE, seed=2)[0]).save(folder / "me.png")
    write_video(folder / "talk.mp4", frames, fps=10, lossless=True, audio="aac")
    return folder


def arguments(folder, out, *more) -> list[str]:
    given = ("--model", folder / "model", "--target", folder / "talk.mp4", "--out", out, *more)
    return [str(argument) for argument in given]


def swap_arguments(folder, out, *more) -> list[str]:
    return arguments(folder, out, "--source", folder / "me.png", "--parts", "1,2", *more)


def test_end_to_end(folder, tmp_path):
    out = tmp_path / "result.mp4"
    done = run_command("swap_parts", *swap_arguments(folder, out, "--hard"))
    assert done.returncode == 0, done.stderr
    assert f"{out}: 3 frames in" in done.stdout
    video = open_video(out)
    assert (video.height, video.width, video.fps) == (SIDE, SIDE, 10)
    assert video.has_audio
    assert len(list(video)) == 3


def test_frames_are_those_of_the_model(folder, tmp_path):
    from fomm_tf.copart.part_swap import PartSwap

    main(swap_arguments(folder, tmp_path / "frames", "--use-source-segmentation"))
    source = read_picture(folder / "me.png").astype(np.float32)[None] / 255
    swap = PartSwap(load("first-order-supervised"), source, [1, 2], use_source_segmentation=True)
    written = sorted((tmp_path / "frames").iterdir())
    assert len(written) == 3
    for frame, path in zip(open_video(folder / "talk.mp4"), written, strict=True):
        expected = swap(frame.astype(np.float32)[None] / 255).prediction[0] * 255
        assert np.abs(read_picture(path) - expected).max() <= 1


def test_options_reach_the_swap(folder, tmp_path, monkeypatch):
    from fomm_tf.copart import part_swap

    class Stop(Exception):
        pass

    def record(model, source, parts, **options):
        raise Stop(parts, {name for name, value in options.items() if value})

    monkeypatch.setattr(part_swap, "PartSwap", record)
    for flag in ("hard", "use_source_segmentation", "first_order"):
        with pytest.raises(Stop) as caught:
            main(swap_arguments(folder, tmp_path / "out", f"--{flag.replace('_', '-')}"))
        assert caught.value.args == ([1, 2], {flag})
    with pytest.raises(Stop) as caught:
        main(swap_arguments(folder, tmp_path / "out", "--show-segmentation"))
    assert caught.value.args == ([1, 2], set())


def test_showing_the_parts(folder, tmp_path):
    main(arguments(folder, tmp_path / "parts", "--show-segmentation"))
    frame = next(iter(open_video(folder / "talk.mp4")))
    model = load("first-order-supervised")
    segmentation = model.detect(frame.astype(np.float32)[None] / 255).segmentation[0]
    shown = read_picture(sorted((tmp_path / "parts").iterdir())[0])
    np.testing.assert_array_equal(shown, paint_parts(frame, segmentation))

    main(swap_arguments(folder, tmp_path / "panels", "--show-segmentation"))
    panels = read_picture(sorted((tmp_path / "panels").iterdir())[0])
    assert panels.shape == (SIDE, 3 * SIDE, 3)
    np.testing.assert_array_equal(panels[:, SIDE : 2 * SIDE], shown)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--source", "me.png"], "--source and --parts must be given together"),
        (["--parts", "1"], "--source and --parts must be given together"),
        ([], "--show-segmentation to see the parts"),
        (["--show-segmentation", "--hard"], "--hard needs --source and --parts"),
        (["--source", "me.png", "--parts", "1;2"], "not a list of part numbers"),
    ],
)
def test_wrong_command_lines(folder, more, words, capsys):
    with pytest.raises(SystemExit):
        main(arguments(folder, "out.mp4", *more))
    assert words in capsys.readouterr().err


def test_wrong_input_leaves_no_result(folder, tmp_path):
    out = tmp_path / "result.mp4"
    picture = ["--source", str(folder / "me.png")]
    for more, words in (
        ([*picture, "--parts", "9"], "there is no part 9: parts are 1 to 4"),
        ([*picture, "--parts", "1", "--box", "0,0,65,64"], "does not lie inside"),
        (["--source", str(folder / "no.png"), "--parts", "1"], "no such picture"),
    ):
        with pytest.raises(UserError, match=words):
            main(arguments(folder, out, *more))
        assert not out.exists()


def test_a_model_of_another_kind(folder, tiny_model_dir, tmp_path):
    line = swap_arguments(folder, tmp_path / "out.mp4")
    line[1] = str(tiny_model_dir)
    assert_one_line_error(run_command("swap_parts", *line), tiny_model_dir, "not a co-part")
    line[1] = str(tmp_path / "nothing")
    with pytest.raises(UserError, match="no such model folder"):
        main(line)
