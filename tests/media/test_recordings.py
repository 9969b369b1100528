"""What phones, recorders and browsers produce, read as players show it."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
import pytest
from av.stream import Disposition
from av.video.reformatter import Colorspace
from recordings import (
    Pictures,
    Sound,
    bar_colors,
    bars,
    beep_in,
    pitch_in,
    rewritten,
    write_tracks,
)
from sample_media import BT2020, DISPLAY_P3, SRGB, moving_square, to_xyz

from fomm_tf.media.fitting import fit, fit_frames
from fomm_tf.media.video_reader import count_frames, open_video, read_frames
from fomm_tf.media.video_writer import VideoWriter

COLORS = [(30, 60, 200), (200, 40, 60), (40, 200, 90), (250, 250, 250), (128, 128, 128), (0, 0, 0)]


def copied(source, target):
    """What `animate` does, without a model: the frames and the sound of `source`."""
    video = open_video(source)
    with VideoWriter(target, video.fps, audio_from=source) as writer:
        for time, duration, image in video.timed():
            writer.write(image, time, duration)
    assert writer.problem is None
    return target


# Time


@pytest.fixture(scope="module", params=["libx264", "libvpx", "libvpx-vp9"])
def recording(request, tmp_path_factory):
    """Two seconds at 25 frames per second, key frames at 0 and 1 s; a beep from 1.5 to 1.8 s."""
    suffix, sound = (".mp4", "aac") if request.param == "libx264" else (".webm", "libopus")
    folder = tmp_path_factory.mktemp(request.param)
    options = {"g": "25", "keyint_min": "25", "bf": "2" if suffix == ".mp4" else "0"}
    return write_tracks(
        folder / f"base{suffix}",
        Pictures(moving_square(50), request.param, options=options),
        Sound(sound, end=2, beep=(1.5, 1.8)),
    )


@pytest.mark.parametrize("suffix", [".mkv", None])
def test_a_video_cut_off_its_key_frame(recording, tmp_path, suffix):
    """As `ffmpeg -ss 0.7 -c copy -copyinkf` cuts: the first second cannot be decoded."""
    cut = rewritten(
        recording,
        tmp_path / f"cut{suffix or recording.suffix}",
        lambda packet: packet.pts * packet.time_base >= 0.7,
    )
    video = open_video(cut)
    frames = list(video.timed())
    assert count_frames(cut) == len(frames) == 25
    assert [frame.time for frame in frames] == pytest.approx(np.arange(25) / 25, abs=2e-3)
    np.testing.assert_array_equal(frames[0].image, read_frames(recording, [25])[0])
    assert "damaged" in video.problem and "ends after" not in video.problem
    begins, ends = beep_in(copied(cut, tmp_path / "copy.mp4"))
    assert begins == pytest.approx(0.5, abs=0.03) and ends == pytest.approx(0.8, abs=0.03)


def test_what_is_missing_at_the_start_is_named(tmp_path):
    base = write_tracks(
        tmp_path / "base.mp4", Pictures(moving_square(50), options={"g": "25", "bf": "0"})
    )
    cut = rewritten(base, tmp_path / "cut.mkv", lambda p: p.pts * p.time_base >= 0.5)
    video = open_video(cut)
    assert len(list(video)) == 25
    assert "its first 0.5 seconds lack" in video.problem


@pytest.mark.parametrize("shift", [0.5, 100])
@pytest.mark.parametrize("suffix", [".mkv", None])
def test_times_that_start_late_are_no_damage(recording, tmp_path, shift, suffix):
    late = rewritten(
        recording, tmp_path / f"late{suffix or recording.suffix}", lambda packet: True, shift
    )
    video = open_video(late)
    assert video.frame_count == 50
    assert video.fps == pytest.approx(25, rel=0.01)
    frames = list(video.timed())
    assert video.problem is None
    assert [frame.time for frame in frames] == pytest.approx(np.arange(50) / 25, abs=2e-3)
    begins, ends = beep_in(copied(late, tmp_path / "copy.mp4"))
    assert begins == pytest.approx(1.5, abs=0.03) and ends == pytest.approx(1.8, abs=0.03)


@pytest.mark.parametrize("suffix", [".mkv", ".webm"])
def test_pictures_that_start_late_and_are_cut_off(tmp_path, suffix):
    codec = "libx264" if suffix == ".mkv" else "libvpx"
    noise = np.random.default_rng(0).integers(0, 255, (50, 64, 64, 3), dtype=np.uint8)
    path = write_tracks(tmp_path / f"a{suffix}", Pictures(noise, codec, start=100))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    video = open_video(path)
    assert len(list(video)) < 40
    assert "of 2.0 seconds" in video.problem or "ends in the middle" in video.problem


@pytest.mark.parametrize("codec", ["libx264", "libx265", "libvpx-vp9"])
def test_frames_that_the_decoder_holds_at_the_end_have_their_times(tmp_path, codec):
    suffix = ".webm" if "vpx" in codec else ".mp4"
    options = {} if "vpx" in codec else {"bf": "3", "preset": "medium"}
    path = write_tracks(
        tmp_path / f"a{suffix}", Pictures(moving_square(20), codec, options=options)
    )
    times = [frame.time for frame in open_video(path).timed()]
    assert times == pytest.approx(np.arange(20) / 25, abs=2e-3)


def test_an_edit_list_hides_what_is_before_it(tmp_path):
    base = write_tracks(
        tmp_path / "base.mp4",
        Pictures(moving_square(50), options={"g": "25", "bf": "0"}),
        Sound(end=2, beep=(1.5, 1.8)),
    )
    # The muxer gives what is before zero an edit list: decoded, not shown.
    path = rewritten(base, tmp_path / "edited.mp4", lambda packet: True, -0.4)
    video = open_video(path)
    frames = list(video.timed())
    assert count_frames(path) == len(frames) == 40
    assert video.problem is None and frames[0].time == 0
    np.testing.assert_array_equal(frames[0].image, read_frames(base, [10])[0])
    assert beep_in(copied(path, tmp_path / "copy.mp4"))[0] == pytest.approx(1.1, abs=0.03)


@pytest.mark.parametrize(
    ("suffix", "fps"),
    [
        (".mp4", Fraction(24000, 1001)),
        (".mkv", Fraction(30000, 1001)),
        (".webm", Fraction(30000, 1001)),
        (".mp4", Fraction(60000, 1001)),
    ],
)
def test_rates_of_film_and_television_for_a_minute(tmp_path, suffix, fps):
    count = round(60 * fps)
    codec = "libvpx" if suffix == ".webm" else "libx264"
    path = write_tracks(
        tmp_path / f"a{suffix}",
        Pictures(moving_square(2, 16, 16)[np.arange(count) % 2], codec, fps=float(fps)),
    )
    video = open_video(path)
    frames = list(video.timed())
    assert len(frames) == count and video.problem is None
    assert video.fps == pytest.approx(float(fps), rel=1e-3)
    assert [frame.time for frame in frames] == pytest.approx(
        np.arange(count) / float(fps), abs=1.1e-3
    )
    with VideoWriter(tmp_path / "copy.mp4", video.fps) as writer:
        for time, duration, image in frames[::100]:
            writer.write(image, time, duration)
    with av.open(str(tmp_path / "copy.mp4")) as container:
        last = list(container.decode(video=0))[-1]
    assert last.time == pytest.approx((count - 1) // 100 * 100 / float(fps), abs=1.1e-3)


@pytest.mark.parametrize("codec", ["libvpx", "libvpx-vp9"])
def test_what_a_browser_records_has_neither_rate_nor_duration(tmp_path, codec):
    path = write_tracks(
        tmp_path / "a.webm",
        Pictures(moving_square(50), codec),
        Sound("libopus", end=2, beep=(1.5, 1.8)),
        live="1",
    )
    with av.open(str(path)) as container:
        assert not container.duration
    video = open_video(path)
    frames = list(video.timed())
    assert video.frame_count is None and video.problem is None
    assert video.fps == pytest.approx(25, rel=0.02)
    assert [frame.time for frame in frames] == pytest.approx(np.arange(50) / 25, abs=2e-3)
    assert count_frames(path) == 50
    assert beep_in(copied(path, tmp_path / "copy.mp4"))[0] == pytest.approx(1.5, abs=0.03)


# Sound


@pytest.mark.parametrize(
    ("suffix", "sound"),
    [
        (".mov", Sound("pcm_s16le", layout="5.1")),
        (".mkv", Sound("flac", layout="5.1")),
        (".mkv", Sound("libopus", gap=(0.3, 0.8))),
        (".mp4", Sound("aac", gap=(0.3, 0.8))),
        (".webm", Sound("libopus", gap=(0.3, 0.8))),
        (".mkv", Sound("flac", gap=(0.3, 0.8))),
        (".mkv", Sound("vorbis", gap=(0.3, 0.8))),
        (".mkv", Sound("aac", start=0.8)),
        (".webm", Sound("libopus", start=0.8)),
        (".mov", Sound("pcm_s16le", start=0.8)),
    ],
    ids=str,
)
def test_sound_stays_in_step(tmp_path, suffix, sound):
    """5.1 channels, gaps (a recorder that was muted), a start after the pictures."""
    sound.end, sound.beep = 2.0, (1.5, 1.8)
    codec = "libvpx" if suffix == ".webm" else "libx264"
    path = write_tracks(tmp_path / f"a{suffix}", Pictures(moving_square(50), codec), sound)
    begins, ends = beep_in(copied(path, tmp_path / "copy.mp4"))
    assert begins == pytest.approx(1.5, abs=0.03) and ends == pytest.approx(1.8, abs=0.03)


# Colours


SIZES = [(360, 640), (576, 720), (640, 480), (720, 1280), (1280, 720), (544, 1280), (720, 960)]


@pytest.mark.parametrize(
    ("suffix", "codec", "pixels", "sizes"),
    [
        (".mkv", "ffv1", "yuv420p", SIZES),
        (".mp4", "libx264", "yuv420p", SIZES[::6]),
        (".mkv", "libx265", "yuv420p10le", SIZES[::6]),
        (".webm", "libvpx-vp9", "yuv420p", SIZES[::6]),
    ],
)
def test_untagged_colours_go_by_the_size(tmp_path, suffix, codec, pixels, sizes):
    for height, width in sizes:
        hd = height >= 720 or width >= 1280
        matrix = Colorspace.ITU709 if hd else Colorspace.ITU601
        track = Pictures([bars(height, width, COLORS)] * 5, codec, pixels, matrix=matrix)
        video = open_video(write_tracks(tmp_path / f"{width}x{height}{suffix}", track))
        np.testing.assert_allclose(bar_colors(next(iter(video)), 6), COLORS, atol=4)
        assert video.notices == []


@pytest.mark.parametrize("height", [90, 720])
def test_vp8_has_one_matrix_only(tmp_path, height):
    track = Pictures([bars(height, height * 16 // 9, COLORS)], "libvpx")
    video = open_video(write_tracks(tmp_path / "a.webm", track))
    np.testing.assert_allclose(bar_colors(next(iter(video)), 6), COLORS, atol=4)


@pytest.mark.parametrize(
    ("matrix", "tag"),
    [(Colorspace.ITU601, 5), (Colorspace.ITU601, 6), (Colorspace.ITU709, 1), (Colorspace.FCC, 4)],
)
@pytest.mark.parametrize("height", [90, 720])
def test_tagged_colours_go_by_the_tag(tmp_path, matrix, tag, height):
    image = bars(height, height * 16 // 9, COLORS)
    for codec in ("libx264", "ffv1"):
        track = Pictures([image], codec, matrix=matrix, tags={"colorspace": tag})
        video = open_video(write_tracks(tmp_path / f"{codec}.mkv", track))
        np.testing.assert_allclose(bar_colors(next(iter(video)), 6), COLORS, atol=3)


@pytest.mark.parametrize("tag", [3, 8, 10, 12, 14])
def test_a_tag_that_the_converter_does_not_know_does_not_end_in_an_error(tmp_path, tag):
    track = Pictures([bars(64, 96, COLORS)], "ffv1", tags={"colorspace": tag})
    image = next(iter(open_video(write_tracks(tmp_path / "a.mkv", track))))
    np.testing.assert_allclose(bar_colors(image, 6)[3:], COLORS[3:], atol=3)


@pytest.mark.parametrize("height", [90, 720])
@pytest.mark.parametrize(
    ("suffix", "track"),
    [
        (".mp4", Pictures([], full_range=True, tags={"color_range": 2, "colorspace": 5})),
        (".mp4", Pictures([], pixel_format="yuv444p", tags={"colorspace": 5})),
        (".mp4", Pictures([], pixel_format="yuv420p10le", tags={"colorspace": 5})),
        (".mp4", Pictures([], "libx265", "yuv420p10le", tags={"colorspace": 5})),
        (".mkv", Pictures([], "ffv1", "yuv422p", tags={"colorspace": 5})),
        (".avi", Pictures([], "mjpeg", "yuvj420p", full_range=True, tags={"color_range": 2})),
        (".mkv", Pictures([], "mjpeg", "yuvj444p", full_range=True, tags={"color_range": 2})),
    ],
)
def test_full_range_4_4_4_10_bits_and_mjpeg(tmp_path, suffix, track, height):
    track.frames = [bars(height, height * 16 // 9, COLORS)] * 5
    video = open_video(write_tracks(tmp_path / f"a{suffix}", track))
    np.testing.assert_allclose(bar_colors(next(iter(video)), 6), COLORS, atol=3)
    assert video.notices == []


# HDR


SDR = [(0, 0, 0), (64, 64, 64), (128, 128, 128), (192, 192, 192), (200, 150, 120), (90, 60, 40)]
WHITE_AND_ABOVE = [1, 2, 4.9]  # times diffuse white


def light(colors):
    v = np.asarray(colors) / 255
    return np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4)


def pq(nits):
    y = (nits / 10_000) ** 0.1593017578125
    return ((0.8359375 + 18.8515625 * y) / (1 + 18.6875 * y)) ** 78.84375


def hlg(nits):
    """What a display of 1000 cd/m2 shows so."""
    luminance = np.maximum(nits / 1000 @ np.array([0.2627, 0.678, 0.0593]), 1e-9)[..., None]
    scene = np.minimum(nits / 1000 * luminance ** (1 / 1.2 - 1), 1)
    above = 0.17883277 * np.log(np.maximum(12 * scene - 0.28466892, 1e-9)) + 0.55991073
    return np.where(scene <= 1 / 12, np.sqrt(3 * scene), above)


def stored(signal, height=64):
    """Bars of R'G'B' in [0, 1] as BT.2020 in 10 bits: a yuv444p10le frame."""
    luma = signal @ np.array([0.2627, 0.678, 0.0593])
    planes = luma, (signal[:, 2] - luma) / 1.8814, (signal[:, 0] - luma) / 1.4746
    frame = av.VideoFrame(32 * len(signal), height, "yuv444p10le")
    for plane, levels, scale, zero in zip(
        frame.planes, planes, (876, 896, 896), (64, 512, 512), strict=True
    ):
        row = np.zeros(plane.line_size // 2, "<u2")
        row[: plane.width] = np.repeat(np.rint(zero + scale * levels), 32)
        plane.update(np.tile(row, (plane.height, 1)).tobytes())
    return frame


def hdr_frame(transfer, pixels):
    nits = 203 * np.concatenate([light(SDR), np.repeat(np.array(WHITE_AND_ABOVE)[:, None], 3, 1)])
    nits = nits @ (np.linalg.inv(to_xyz(BT2020)) @ to_xyz(SRGB)).T
    frame = stored(transfer(nits))
    return frame if pixels == "yuv444p10le" else frame.reformat(format=pixels)


@pytest.mark.parametrize(("name", "transfer", "tag"), [("HLG", hlg, 18), ("PQ", pq, 16)])
@pytest.mark.parametrize(
    ("suffix", "codec", "pixels", "options"),
    [
        (".mp4", "libx265", "yuv420p10le", {}),
        (".mov", "libx265", "yuv420p10le", {}),
        (".mkv", "libx264", "yuv420p10le", {}),
        (".mov", "prores_ks", "yuv422p10le", {}),
        (".mp4", "libsvtav1", "yuv420p10le", {"crf": "8", "preset": "10"}),
        (".mkv", "ffv1", "yuv444p10le", {}),
    ],
)
def test_hdr_looks_as_on_an_ordinary_screen(
    tmp_path, monkeypatch, name, transfer, tag, suffix, codec, pixels, options
):
    monkeypatch.setenv("SVT_LOG", "0")
    tags = {"color_primaries": 9, "color_trc": tag, "colorspace": 9, "color_range": 1}
    frames = [hdr_frame(transfer, pixels)] * 5
    track = Pictures(frames, codec, pixels, options=options, tags=tags)
    video = open_video(write_tracks(tmp_path / f"a{suffix}", track))
    assert len(video.notices) == 1 and f"HDR ({name})" in video.notices[0]
    found = bar_colors(list(video)[1], 9)
    np.testing.assert_allclose(found[:6], SDR, atol=6)
    # White paper is nearly white; lights above it are told apart, and are grey as it is.
    white, bright, brightest = found[6:, 1]
    assert 235 <= white < bright < brightest <= 255
    assert np.ptp(found[6:], axis=1).max() <= 4
    np.testing.assert_array_equal(read_frames(video.path, [1])[0], list(video)[1])


@pytest.mark.parametrize("primaries", [("BT.2020", 9, BT2020), ("P3", 12, DISPLAY_P3)])
def test_a_wide_gamut_without_hdr(tmp_path, primaries):
    _, tag, xy = primaries
    colors = np.array([*SDR, (220, 60, 50)])
    mixed = light(colors) @ (np.linalg.inv(to_xyz(xy)) @ to_xyz(SRGB)).T
    signal = np.where(mixed <= 0.0031308, 12.92 * mixed, 1.055 * mixed ** (1 / 2.4) - 0.055)
    assert np.abs(255 * signal - colors).max() > 8
    tags = {"color_primaries": tag, "color_trc": 1, "colorspace": 9, "color_range": 1}
    track = Pictures([stored(signal)], "ffv1", "yuv444p10le", tags=tags)
    video = open_video(write_tracks(tmp_path / "a.mkv", track))
    np.testing.assert_allclose(bar_colors(next(iter(video)), 7), colors, atol=4)
    assert video.notices == []


def test_colours_outside_srgb_keep_their_hue(tmp_path):
    signal = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1]], float)
    tags = {"color_primaries": 9, "color_trc": 1, "colorspace": 9, "color_range": 1}
    track = Pictures([stored(signal)], "ffv1", "yuv444p10le", tags=tags)
    found = bar_colors(next(iter(open_video(write_tracks(tmp_path / "a.mkv", track)))), 3)
    assert found.argmax(axis=1).tolist() == [0, 1, 2]
    assert (np.diagonal(found) > 190).all() and np.sort(found)[:, 1].max() < 150


# Transparency

RGBA = [(200, 40, 60, 255), (40, 200, 90, 0), (0, 0, 0, 128), (250, 250, 250, 255)]


@pytest.mark.parametrize("ground", [(255, 255, 255), (20, 180, 220)])
@pytest.mark.parametrize(
    ("suffix", "codec", "pixels"),
    [
        (".webm", "libvpx-vp9", "yuva420p"),
        (".webm", "libvpx", "yuva420p"),
        (".mkv", "libvpx-vp9", "yuva420p"),
        (".mov", "qtrle", "argb"),
        (".mov", "prores_ks", "yuva444p10le"),
        (".mov", "png", "rgba"),
        (".mkv", "ffv1", "bgra"),
    ],
)
def test_what_is_transparent_is_put_on_the_ground(tmp_path, suffix, codec, pixels, ground):
    path = tmp_path / f"a{suffix}"
    options = {"profile": "4444"} if codec == "prores_ks" else {}
    write_tracks(path, Pictures([bars(64, 128, RGBA)] * 3, codec, pixels, options=options))
    video = open_video(path) if ground == (255, 255, 255) else open_video(path, ground=ground)
    frames = list(video.timed())
    assert [frame.time for frame in frames] == pytest.approx([0, 0.04, 0.08], abs=2e-3)
    alpha = np.array(RGBA)[:, 3:] / 255
    expected = alpha * np.array(RGBA)[:, :3] + (1 - alpha) * ground
    np.testing.assert_allclose(bar_colors(frames[2].image, 4), expected, atol=5)
    assert count_frames(path) == 3
    if ground == (255, 255, 255):
        np.testing.assert_array_equal(read_frames(path, [2])[0], frames[2].image)


# Tracks

RED = np.full((10, 48, 64, 3), (200, 40, 60), np.uint8)
BLUE = np.full((20, 32, 32, 3), (30, 60, 200), np.uint8)
DEFAULT, NOT = Disposition.default, Disposition(0)


def is_blue(path):
    video = open_video(path)
    np.testing.assert_allclose(next(iter(video))[16, 16], BLUE[0, 0, 0], atol=4)
    assert (video.height, video.width) == (32, 32)
    assert count_frames(path) == 20 and len(list(video)) == 20
    return video


@pytest.mark.parametrize("suffix", [".mkv", ".mov", ".mp4"])
def test_of_two_picture_tracks_the_default_one(tmp_path, suffix):
    still = Pictures(RED[:1], disposition=NOT)
    path = write_tracks(
        tmp_path / f"a{suffix}", still, Pictures(BLUE, disposition=DEFAULT), Sound()
    )
    assert is_blue(path).notices == [
        "of its 2 picture tracks the second (32x32, the default) is used"
    ]
    assert len(read_frames(path, [19])) == 1


@pytest.mark.parametrize(("suffix", "mark"), [(".mp4", DEFAULT), (".mkv", DEFAULT), (".mkv", NOT)])
def test_of_tracks_that_are_alike_the_one_that_moves(tmp_path, suffix, mark):
    path = write_tracks(
        tmp_path / f"motion{suffix}",
        Pictures(RED[:1], disposition=mark),
        Pictures(BLUE, disposition=mark),
    )
    assert "second" in is_blue(path).notices[0]


@pytest.mark.parametrize("suffix", [".mkv", ".mp4"])
def test_one_track_is_no_choice(tmp_path, suffix):
    assert is_blue(write_tracks(tmp_path / f"a{suffix}", Pictures(BLUE), Sound())).notices == []


def test_cover_art_is_never_the_video(tmp_path):
    cover = Pictures(RED[:1], "mjpeg", "yuvj420p", disposition=Disposition.attached_pic)
    path = write_tracks(tmp_path / "a.mp4", cover, Pictures(BLUE, disposition=NOT))
    with av.open(str(path)) as container:
        dispositions = [stream.disposition for stream in container.streams.video]
    assert sum(bool(d & Disposition.attached_pic) for d in dispositions) == 1
    assert is_blue(path).notices == []


def test_sound_with_cover_art_is_no_video(tmp_path):
    cover = Pictures(RED[:1], "mjpeg", "yuvj420p", disposition=Disposition.attached_pic)
    path = write_tracks(tmp_path / "a.mp4", Sound(), cover)
    with pytest.raises(Exception, match="no picture track, only sound"):
        open_video(path)


@pytest.mark.parametrize("suffix", [".mkv", ".mov"])
@pytest.mark.parametrize("default", [0, 1])
def test_of_two_sound_tracks_the_default_one(tmp_path, suffix, default):
    marks = [DEFAULT if i == default else NOT for i in range(2)]
    path = write_tracks(
        tmp_path / f"a{suffix}",
        Pictures(BLUE),
        Sound(pitch=440, disposition=marks[0], language="eng"),
        Sound(pitch=880, disposition=marks[1], language="ger"),
    )
    which = ["first (eng, the default)", "second (ger, the default)"][default]
    assert open_video(path).notices == [f"of its 2 sound tracks the {which} is used"]
    copied(path, tmp_path / "copy.mp4")
    assert pitch_in(tmp_path / "copy.mp4") == pytest.approx(440 * (default + 1), abs=3)


# The size changes


def turned_recording(path, codec, sizes=((48, 64), (64, 48), (48, 64))):
    """A disc in frames of these sizes (height, width), 10 frames each, in one picture track."""
    parts = []
    for k, (h, w) in enumerate(sizes):
        y, x = np.mgrid[:h, :w]
        disc = ((x - w / 2 + 0.5) ** 2 + (y - h / 2 + 0.5) ** 2 < 400) * np.uint8(230)
        frames = [disc[..., None].repeat(3, axis=2)] * 10
        pixels = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        part = Pictures(frames, codec, pixels)
        parts.append(write_tracks(path.with_name(f"part{k}{path.suffix}"), part))
    with av.open(str(path), "w") as container:
        stream = None
        for k, part in enumerate(parts):
            with av.open(str(part)) as source:
                stream = stream or container.add_stream_from_template(source.streams.video[0])
                for packet in source.demux(video=0):
                    if packet.size:
                        shift = round(Fraction(k * 10, 25) / packet.time_base)
                        packet.pts, packet.dts = packet.pts + shift, (packet.dts or 0) + shift
                        packet.stream = stream
                        container.mux(packet)
    return path


@pytest.mark.parametrize(
    ("suffix", "codec"), [(".webm", "libvpx"), (".webm", "libvpx-vp9"), (".mkv", "mjpeg")]
)
def test_frames_of_a_changing_size_are_not_squashed(tmp_path, suffix, codec):
    path = turned_recording(tmp_path / f"turned{suffix}", codec)
    video = open_video(path)
    assert (video.height, video.width) == (48, 64) and video.notices == []
    for _ in range(2):
        frames = list(video)
        assert [frame.shape[:2] for frame in frames] == [(48, 64)] * 10 + [(64, 48)] * 10 + [
            (48, 64)
        ] * 10
        assert video.problem is None
        assert video.notices == [
            "the frames' size changes at 0.4 s, from 64x48 to 48x64; each is fitted by itself"
        ]
    for mode in ("crop", "letterbox"):
        for fitted in fit_frames(video.timed(), (32, 32), mode):
            disc = fitted.image[..., 0] > 127
            assert abs(int(disc.any(axis=0).sum()) - int(disc.any(axis=1).sum())) <= 1
    assert count_frames(path) == 30
    two = read_frames(path, [5, 15])
    assert two.shape == (2, 48, 64, 3)


def test_a_box_goes_with_the_size_it_was_measured_at(tmp_path):
    video = open_video(turned_recording(tmp_path / "turned.webm", "libvpx"))
    frames = list(fit_frames(video.timed(), (32, 32), "crop", {0: (54, 4, 10, 10)}))
    assert len(frames) == 30
    assert not (frames[5].image > 127).any() and not (frames[25].image > 127).any()
    np.testing.assert_array_equal(frames[15].image, fit(list(video)[15], (32, 32)))
