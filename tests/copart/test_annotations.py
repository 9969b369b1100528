"""Landmarks from a CSV file, and where they lie in a fitted picture."""

import numpy as np
import pytest
from PIL import Image

from fomm_tf.copart.annotations import landmarks_in_frame, read_annotations
from fomm_tf.errors import DataError
from fomm_tf.media.fitting import fit

HEADER = "picture,nose_x,nose_y,chin_x,chin_y\n"


@pytest.fixture
def root(tmp_path):
    """A folder with pictures that need not be pictures yet."""
    for name in ("train/anna/1.png", "test/bert.png", "all/2.png"):
        path = tmp_path / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path / "data"


def write(root, text, encoding="utf-8"):
    path = root.parent / "faces.csv"
    path.write_text(text, encoding)
    return path


def test_splits_by_folder(root):
    # With the mark that spreadsheets put in front, blank lines, spaces and quotes.
    text = f'{HEADER}\n train/anna/1.png , 1.5, 2,3,4\n"test/bert.png",-1,-1,-1.0,"7"\n\n'
    names, (first, second) = read_annotations(write(root, text, "utf-8-sig"), root)
    assert names == ["nose", "chin"]
    assert (first.path, first.split) == (root / "train/anna/1.png", "train")
    assert (second.path, second.split) == (root / "test/bert.png", "test")
    np.testing.assert_array_equal(first.landmarks, [[1.5, 2], [3, 4]])
    np.testing.assert_array_equal(second.landmarks, [[np.nan, np.nan], [np.nan, 7]])


def test_splits_by_a_column(root):
    text = "picture,split,a_x,a_y\nall/2.png,train,1,2\ntrain/anna/1.png,test,-3,0\n"
    names, pictures = read_annotations(write(root, text), root)
    assert names == ["a"]
    assert [picture.split for picture in pictures] == ["train", "test"]
    np.testing.assert_array_equal(pictures[1].landmarks, [[-3, 0]])


GOOD = HEADER + "train/anna/1.png,1,2,3,4\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "line 1: the first column must be named picture"),
        ("file,a_x,a_y\n", "line 1: the first column must be named picture"),
        ("picture\n", "line 1: after picture and split must be NAME_x, NAME_y"),
        ("picture,split\n", "line 1: after picture and split must be NAME_x, NAME_y"),
        ("picture,a_x,b_y\n", "line 1: after picture and split must be NAME_x, NAME_y"),
        ("picture,a_x,a_y,b_x\n", "line 1: after picture and split must be NAME_x, NAME_y"),
        ("picture,a_x,a_y,a_x,a_y\n", "line 1: every landmark needs a unique name"),
        ("picture,_x,_y\n", "line 1: every landmark needs a unique name"),
        (GOOD + "test/bert.png,1,2,3\n", "line 3: has 4 columns, but the first line has 5"),
        (GOOD + "\ntest/bert.png,1,2,x,4\n", "line 4: 'x' must be a number in pixels"),
        (GOOD + "test/bert.png,1,,3,4\n", "line 3: '' must be a number in pixels"),
        (GOOD + "test/bert.png,1,nan,3,4\n", "line 3: 'nan' must be a number in pixels"),
        (GOOD + "test/bert.png,1,inf,3,4\n", "line 3: 'inf' must be a number in pixels"),
        (GOOD + "all/2.png,1,2,3,4\n", "line 3: without a split column, .* not 'all'"),
        (GOOD + ",1,2,3,4\n", "line 3: without a split column, .* not ''"),
        (GOOD + "test/none.png,1,2,3,4\n", "line 3: .*none.png: no such picture"),
        (GOOD + "test,1,2,3,4\n", "line 3: .*test: no such picture"),
        (GOOD + "test/../../x.png,1,2,3,4\n", "line 3: .*x.png: must be a path inside"),
        (GOOD + "/test/x.png,1,2,3,4\n", "line 3: /test/x.png: must be a path inside"),
        (GOOD + "train/anna/1.png,5,6,7,8\n", "line 3: train/anna/1.png is annotated twice"),
        (GOOD + '"test/bert.png,1,2,3,4\n', "line 3: unexpected end of data"),
        (GOOD, "annotates no test picture"),
        (HEADER + "test/bert.png,1,2,3,4\n", "annotates no train picture"),
        ("picture,split,a_x,a_y\nall/2.png,trian,1,2\n", "line 2: split must be .* not 'trian'"),
    ],
)
def test_bad_files_are_one_line_with_the_place(root, text, words):
    path = write(root, text)
    with pytest.raises(DataError, match=words) as caught:
        read_annotations(path, root)
    assert str(caught.value).startswith(str(path)) and "\n" not in str(caught.value)


def test_files_that_are_no_text(root):
    with pytest.raises(DataError, match="no such file of landmarks"):
        read_annotations(root / "none.csv", root)
    path = root / "picture.csv"
    path.write_bytes(b"\x89PNG\xff\xfe\x00")
    with pytest.raises(DataError, match="picture.csv: is not a CSV file"):
        read_annotations(path, root)


@pytest.mark.parametrize("picture_size", [(64, 64), (32, 32), (128, 96), (64, 200), (90, 256)])
@pytest.mark.parametrize("size", [(64, 64), (48, 80)])
def test_landmarks_move_with_the_pixels(picture_size, size):
    """A dot that is fitted lies where its landmark is said to."""
    height, width = picture_size
    x, y = width // 2 - 9, height // 2 + 5
    canvas = np.zeros((height, width, 3), np.uint8)
    canvas[y - 2 : y + 3, x - 2 : x + 3] = 255
    fitted = fit(np.array(Image.fromarray(canvas)), size)[..., 0].astype(np.float64)
    rows, columns = np.mgrid[: size[0], : size[1]]
    center = [(fitted * columns).sum() / fitted.sum(), (fitted * rows).sum() / fitted.sum()]
    placed = landmarks_in_frame(np.array([[x, y], [np.nan, 3]]), picture_size, size)
    np.testing.assert_allclose(placed[0], center, atol=0.1)
    assert np.isnan(placed[1, 0]) and np.isfinite(placed[1, 1])
