"""Reading pictures of all kinds, and fitting them."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from sample_media import ADOBE_RGB, DISPLAY_P3, SRGB, color_profile, to_xyz

from fomm_tf.errors import DataError
from fomm_tf.media.fitting import check_box, fit, fit_notice
from fomm_tf.media.pictures import open_picture, read_picture, side_by_side, to_float, to_uint8

RED, WHITE, BLACK = (255, 0, 0), (255, 255, 255), (0, 0, 0)


def gradient(h, w):
    """uint8 [h, w, 3]: red grows to the right, green downwards."""
    y, x = np.mgrid[0:h, 0:w]
    red, green = x * 255 // max(1, w - 1), y * 255 // max(1, h - 1)
    return np.stack([red, green, np.zeros((h, w))], axis=-1).astype(np.uint8)


@pytest.mark.parametrize("suffix", ["png", "bmp", "tif", "webp", "ppm"])
def test_lossless_formats_are_exact(tmp_path, suffix):
    Image.fromarray(gradient(9, 7)).save(tmp_path / f"a.{suffix}", lossless=True)
    picture = read_picture(tmp_path / f"a.{suffix}")
    assert picture.dtype == np.uint8 and picture.flags.writeable
    np.testing.assert_array_equal(picture, gradient(9, 7))


def test_alpha_is_put_on_white(tmp_path):
    image = np.zeros((2, 3, 4), np.uint8)
    image[:, 0], image[:, 1], image[:, 2] = (255, 0, 0, 255), (255, 0, 0, 0), (0, 0, 0, 128)
    Image.fromarray(image).save(tmp_path / "a.png")
    assert read_picture(tmp_path / "a.png")[0].tolist() == [list(RED), list(WHITE), [127] * 3]


def test_grey_with_alpha(tmp_path):
    Image.fromarray(np.array([[[0, 255], [0, 0]]], np.uint8), "LA").save(tmp_path / "a.png")
    assert read_picture(tmp_path / "a.png")[0].tolist() == [list(BLACK), list(WHITE)]


def test_palette_with_and_without_transparency(tmp_path):
    picture = Image.new("P", (2, 1))
    picture.putpalette([255, 0, 0, 0, 255, 0])
    picture.putpixel((1, 0), 1)
    picture.save(tmp_path / "plain.png")
    picture.save(tmp_path / "clear.png", transparency=1)
    assert read_picture(tmp_path / "plain.png")[0].tolist() == [list(RED), [0, 255, 0]]
    assert read_picture(tmp_path / "clear.png")[0].tolist() == [list(RED), list(WHITE)]


def test_sixteen_bit_is_scaled_not_clipped(tmp_path):
    levels = np.array([[0, 257, 32768, 65535]], np.uint16)
    for suffix in ("png", "tif"):
        Image.fromarray(levels).save(tmp_path / f"a.{suffix}")
        assert read_picture(tmp_path / f"a.{suffix}")[0, :, 1].tolist() == [0, 1, 128, 255]


def test_thirty_two_bit_integers_and_floats(tmp_path):
    Image.fromarray(np.array([[0, 65535]], np.int32)).save(tmp_path / "i.tif")
    Image.fromarray(np.array([[0, 200]], np.int32)).save(tmp_path / "j.tif")
    Image.fromarray(np.array([[0, 0.5, 1, np.nan]], np.float32)).save(tmp_path / "f.tif")
    assert read_picture(tmp_path / "i.tif")[0, :, 0].tolist() == [0, 255]
    assert read_picture(tmp_path / "j.tif")[0, :, 0].tolist() == [0, 200]
    assert read_picture(tmp_path / "f.tif")[0, :, 0].tolist() == [0, 128, 255, 0]


def test_one_bit_grey_and_cmyk(tmp_path):
    Image.fromarray(np.array([[True, False]])).save(tmp_path / "bit.png")
    assert read_picture(tmp_path / "bit.png")[0].tolist() == [list(WHITE), list(BLACK)]
    Image.new("L", (2, 2), 77).save(tmp_path / "grey.jpg", quality=95)
    assert read_picture(tmp_path / "grey.jpg").tolist() == [[[77] * 3] * 2] * 2
    Image.new("CMYK", (4, 4), (0, 255, 255, 0)).save(tmp_path / "cmyk.tif")
    assert read_picture(tmp_path / "cmyk.tif")[0, 0].tolist() == list(RED)


@pytest.mark.parametrize(
    ("orientation", "upright"),
    [
        (1, lambda a: a),
        (2, lambda a: a[:, ::-1]),
        (3, lambda a: a[::-1, ::-1]),
        (6, lambda a: np.rot90(a, -1)),
        (8, lambda a: np.rot90(a, 1)),
    ],
)
def test_exif_orientation(tmp_path, orientation, upright):
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(gradient(5, 8)).save(tmp_path / "a.png", exif=exif)
    np.testing.assert_array_equal(read_picture(tmp_path / "a.png"), upright(gradient(5, 8)))


def test_animation_gives_its_first_frame(tmp_path):
    frames = [Image.new("RGB", (4, 3), colour) for colour in (RED, WHITE)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    assert (read_picture(tmp_path / "a.gif") == RED).all()


def test_what_is_no_picture_is_one_clear_line(tmp_path):
    (tmp_path / "text.png").write_text("This is no picture.")
    (tmp_path / "empty.png").touch()
    (tmp_path / "folder.png").mkdir()
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    for suffix in ("png", "jpg"):
        whole, cut = tmp_path / f"whole.{suffix}", tmp_path / f"cut.{suffix}"
        Image.fromarray(noise).save(whole)
        cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    for name, message in [
        ("text.png", "is no picture"),
        ("empty.png", "the file is empty"),
        ("folder.png", "it is a folder"),
        ("missing.png", "no such picture"),
        ("cut.png", "damaged"),
        ("cut.jpg", "damaged"),
    ]:
        with pytest.raises(DataError, match=message) as caught:
            read_picture(tmp_path / name)
        assert str(caught.value).startswith(str(tmp_path / name))
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("factor", [1.5, 3])
def test_decompression_bomb_is_refused(tmp_path, monkeypatch, factor):
    Image.new("L", (100, 100)).save(tmp_path / "bomb.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", int(10_000 / factor))
    with pytest.raises(DataError, match="too large"):
        read_picture(tmp_path / "bomb.png")


# Colour profiles

COLORS = np.array([[[200, 150, 120], [90, 60, 40], [128, 128, 128], [250, 250, 250]]], np.uint8)


def as_srgb(colors, primaries, gamma):
    light = (colors / 255) ** gamma @ (np.linalg.inv(to_xyz(SRGB)) @ to_xyz(primaries)).T
    light = np.clip(light, 0, 1)
    return 255 * np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


@pytest.mark.parametrize("primaries", [DISPLAY_P3, ADOBE_RGB])
@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif", "avif"])
def test_colours_are_converted_by_the_profile(tmp_path, suffix, primaries):
    image = np.kron(COLORS, np.ones((32, 32, 1), np.uint8))
    options = {"quality": 100, "lossless": True} if suffix == "webp" else {"quality": 100}
    profile = color_profile(primaries, 2.2)
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(image).save(path, icc_profile=profile, **options)
    expected = as_srgb(COLORS, primaries, 2.2)[0]
    assert np.abs(expected - COLORS[0]).max() > 8
    found = read_picture(path)[16, 16::32]
    np.testing.assert_allclose(found, expected, atol=1.1 if suffix in ("png", "tif") else 4)


def test_colours_with_alpha_and_of_a_palette_are_converted_too(tmp_path):
    profile = color_profile(DISPLAY_P3, 2.2)
    alpha = np.array([[255, 255, 255, 0]], np.uint8)
    Image.fromarray(np.dstack([COLORS, alpha])).save(tmp_path / "a.png", icc_profile=profile)
    expected = as_srgb(COLORS, DISPLAY_P3, 2.2)[0]
    expected[3] = 255
    np.testing.assert_allclose(read_picture(tmp_path / "a.png")[0], expected, atol=1.1)
    palette = Image.fromarray(COLORS).quantize(4)
    palette.save(tmp_path / "p.png", icc_profile=profile)
    np.testing.assert_allclose(read_picture(tmp_path / "p.png")[0, :3], expected[:3], atol=1.1)


def test_grey_by_its_profile(tmp_path):
    levels = np.array([[0, 60, 120, 200, 255]], np.uint8)
    profile = color_profile(None, 1.8, b"GRAY")
    expected = as_srgb(levels[..., None].repeat(3, axis=-1), SRGB, 1.8)[0]
    Image.fromarray(levels).save(tmp_path / "a.png", icc_profile=profile)
    np.testing.assert_allclose(read_picture(tmp_path / "a.png")[0], expected, atol=1.1)
    opaque = Image.fromarray(np.dstack([levels, levels * 0 + 255]), "LA")
    opaque.save(tmp_path / "la.png", icc_profile=profile)
    np.testing.assert_allclose(read_picture(tmp_path / "la.png")[0], expected, atol=1.1)


def test_a_profile_that_is_srgb_by_another_name_changes_nothing(tmp_path):
    from PIL import ImageCms

    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    image = np.random.default_rng(0).integers(0, 255, (40, 50, 3), dtype=np.uint8)
    Image.fromarray(image).save(tmp_path / "a.png", icc_profile=profile)
    np.testing.assert_array_equal(read_picture(tmp_path / "a.png"), image)


@pytest.mark.parametrize("profile", [b"no profile", color_profile(None, 1.8, b"GRAY")])
def test_a_profile_that_is_broken_or_for_other_modes_is_passed_over(tmp_path, profile):
    Image.fromarray(COLORS).save(tmp_path / "a.png", icc_profile=profile)
    np.testing.assert_array_equal(read_picture(tmp_path / "a.png"), COLORS)


# Transparency, size


def test_the_ground_may_have_another_colour(tmp_path):
    image = np.zeros((1, 3, 4), np.uint8)
    image[0] = (255, 0, 0, 255), (255, 0, 0, 0), (200, 100, 0, 51)
    Image.fromarray(image).save(tmp_path / "a.png")
    Image.fromarray(image).save(tmp_path / "a.webp", lossless=True, exact=True)
    for name in ("a.png", "a.webp"):
        found = read_picture(tmp_path / name, ground=(0, 200, 100))[0].tolist()
        assert found == [list(RED), [0, 200, 100], [40, 180, 80]]


def test_large_jpegs_are_read_at_a_smaller_size(tmp_path):
    path = tmp_path / "photo.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(gradient(301, 400)).save(path, quality=95, exif=exif)
    for limit, reduced in ((120_400, 1), (120_399, 2), (30_200, 2), (30_199, 4), (2_000, 8)):
        picture = open_picture(path, max_pixels=limit)
        assert (picture.width, picture.height, picture.reduced) == (301, 400, reduced)
        assert picture.image.shape == (400 // reduced, -(-301 // reduced), 3)
        assert picture.image.shape[0] * picture.image.shape[1] <= limit
        whole = np.asarray(Image.fromarray(read_picture(path)).reduce(reduced)).astype(int)
        assert np.abs(picture.image.astype(int) - whole).mean() < 3
        assert len(picture.notices) == (reduced > 1)
        if reduced > 1:
            assert "301x400" in picture.notices[0]
    assert picture.part(None) is None
    assert picture.part((0, 0, 301, 400)) == (0, 0, 38, 50)
    assert picture.part((9, 8, 7, 9)) == (1, 1, 1, 2)
    with pytest.raises(DataError, match="400x301 is too large .*--max-pixels"):
        read_picture(path, max_pixels=120_399)
    with pytest.raises(DataError, match="too large"):
        open_picture(path, max_pixels=1000)


def test_large_pictures_of_other_kinds_need_a_higher_limit(tmp_path, monkeypatch):
    Image.fromarray(gradient(30, 40)).save(tmp_path / "a.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 500)
    for read in (read_picture, open_picture):
        with pytest.raises(DataError, match="40x30 is too large .500 pixels at most; --max-pix"):
            read(tmp_path / "a.png")
    np.testing.assert_array_equal(
        read_picture(tmp_path / "a.png", max_pixels=1200), gradient(30, 40)
    )
    assert open_picture(tmp_path / "a.png", max_pixels=1200).notices == []
    assert Image.MAX_IMAGE_PIXELS == 500


def test_a_photo_of_108_megapixels(tmp_path):
    Image.new("L", (12000, 9000), 77).save(tmp_path / "photo.jpg")
    picture = open_picture(tmp_path / "photo.jpg")
    assert picture.image.shape == (4500, 6000, 3) and picture.reduced == 2
    assert (picture.image == 77).all()


def test_a_heic_is_named(tmp_path):
    (tmp_path / "photo.heic").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(500))
    with pytest.raises(DataError, match="photo.heic: .*it is a HEIC: save it as JPEG or PNG"):
        read_picture(tmp_path / "photo.heic")


# Fitting


def test_a_frame_that_fits_is_not_touched():
    frame = np.random.default_rng(0).integers(0, 255, (16, 24, 3), dtype=np.uint8)
    for mode in ("crop", "letterbox"):
        np.testing.assert_array_equal(fit(frame, (16, 24), mode), frame)


def test_crop_takes_the_middle_and_keeps_the_aspect():
    frame = np.zeros((60, 100, 3), np.uint8)
    frame[:, 20:80] = WHITE
    assert (fit(frame, (60, 60)) == 255).all()
    assert (fit(frame.swapaxes(0, 1), (30, 30)) == 255).all()
    # Into a wide frame: full width, so the black sides stay, of the right share.
    wide = fit(frame, (20, 100))
    assert (wide[:, 20:80] == 255).all() and not wide[:, :19].any()


def test_crop_of_an_odd_rest_is_centred_to_half_a_pixel():
    frame = gradient(10, 21)
    cut = fit(frame, (10, 10))
    assert abs(int(cut[0, :, 0].mean()) - int(frame[0, :, 0].mean())) <= 1
    np.testing.assert_array_equal(cut, fit(frame[:, ::-1], (10, 10))[:, ::-1])


def test_a_circle_stays_a_circle():
    y, x = np.mgrid[0:90, 0:160]
    disc = ((x - 80) ** 2 + (y - 45) ** 2 < 900)[..., None].repeat(3, axis=2)
    frame = (disc * 255).astype(np.uint8)
    for mode in ("crop", "letterbox"):
        result = fit(frame, (64, 64), mode)[..., 0] > 127
        height, width = result.any(axis=1).sum(), result.any(axis=0).sum()
        assert abs(int(height) - int(width)) <= 1 and height > 15


def test_letterbox_keeps_all_between_black_bars():
    frame = np.full((50, 100, 3), 255, np.uint8)
    result = fit(frame, (64, 64), "letterbox")
    assert (result[16:48] == 255).all()
    assert not result[:16].any() and not result[48:].any()
    tall = fit(frame.swapaxes(0, 1), (64, 64), "letterbox")
    np.testing.assert_array_equal(tall, result.swapaxes(0, 1))


def test_letterbox_of_a_line_has_at_least_a_pixel():
    assert fit(np.full((1, 500, 3), 255, np.uint8), (16, 16), "letterbox").any()


def test_box_selects_and_is_cropped_to_the_aspect():
    frame = np.zeros((50, 80, 3), np.uint8)
    frame[10:20, 30:50] = RED
    assert (fit(frame, (8, 16), box=(30, 10, 20, 10)) == RED).all()
    assert (fit(frame, (8, 8), box=(30, 10, 20, 10)) == RED).all()
    boxed = fit(frame, (8, 8), "letterbox", box=(30, 10, 20, 10))
    assert (boxed[2:6] == RED).all() and not boxed[:2].any()


def test_resizing_is_antialiased():
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::2] = 255
    inner = fit(stripes, (16, 16))[:, 2:-2].astype(int)
    assert np.abs(inner - 127).max() <= 4


@pytest.mark.parametrize("box", [(-1, 0, 5, 5), (0, 0, 0, 5), (8, 0, 3, 3), (0, 6, 5, 5)])
def test_a_box_outside_is_refused(box):
    frame = np.zeros((10, 10, 3), np.uint8)
    with pytest.raises(DataError, match="does not lie inside the 10x10"):
        fit(frame, (8, 8), box=box)
    with pytest.raises(DataError, match="of me.png"):
        check_box(box, frame, "me.png")


def test_notices():
    assert fit_notice((480, 480), (256, 256)) is None
    assert fit_notice((480, 640), (256, 256), box=(0, 0, 100, 100)) is None
    crop = fit_notice((480, 640), (256, 256))
    assert "640x480" in crop and "160 of 640" in crop and "width" in crop
    assert "height" in fit_notice((640, 480), (256, 256))
    assert "black bars" in fit_notice((480, 640), (256, 256), "letterbox")
    assert fit_notice((256, 512), (128, 256), "letterbox") is None
    assert "100x50" in fit_notice((480, 640), (256, 256), box=(1, 2, 100, 50))


# Values


def test_float_and_uint8_there_and_back():
    levels = np.arange(256, dtype=np.uint8)
    floats = to_float(levels)
    assert floats.dtype == np.float32 and floats[0] == 0 and floats[255] == 1
    np.testing.assert_array_equal(to_uint8(floats), levels)
    np.testing.assert_array_equal(to_uint8(levels), levels)
    np.testing.assert_array_equal(
        to_uint8(np.array([-0.5, 0.499 / 255, 0.501 / 255, 9])), [0, 0, 1, 255]
    )


def test_side_by_side_takes_both_kinds():
    row = side_by_side(np.zeros((4, 3, 3), np.uint8), np.ones((4, 5, 3), np.float32))
    assert row.shape == (4, 8, 3) and row.dtype == np.uint8
    assert not row[:, :3].any() and (row[:, 3:] == 255).all()
