"""Which videos animate which."""

from __future__ import annotations

from pathlib import Path

import pytest

from fomm_tf.data.pairs import draw_pairs, pair_names, read_pairs
from fomm_tf.errors import DataError

VIDEOS = [Path(f"data/test/{name}.mp4") for name in "abcde"]


def test_drawn_pairs_are_different_and_seeded():
    pairs = draw_pairs(VIDEOS, 4, seed=3)
    assert len(pairs) == len(set(pairs)) == 4
    assert pairs == draw_pairs(VIDEOS, 4, seed=3)
    assert pairs != draw_pairs(VIDEOS, 4, seed=4)
    # As in the official protocol: of the grid of the first `count` videos.
    assert {video for pair in pairs for video in pair} <= set(VIDEOS[:4])


def test_all_pairs_if_there_are_not_more():
    pairs = draw_pairs(VIDEOS[:2], 50)
    assert set(pairs) == {(a, b) for a in VIDEOS[:2] for b in VIDEOS[:2]}


def test_list_names_videos_with_or_without_suffix(tmp_path):
    path = tmp_path / "pairs.csv"
    path.write_text("distance,source,driving,frame\n0,a.mp4,b,1\n0,zzz,b,1\n0,c,a.mp4,0\n0,d,e,0\n")
    pairs, passed_over = read_pairs(path, VIDEOS, count=2)
    assert pairs == [(VIDEOS[0], VIDEOS[1]), (VIDEOS[2], VIDEOS[0])]
    assert passed_over == 1


@pytest.mark.parametrize(
    "content",
    [
        "source, driving\na.mp4, b\nc, a.mp4\n",
        "source;driving\na.mp4;b\nc;a.mp4\n",
        "source\tdriving\na.mp4\tb\nc\ta.mp4\n",
        "source,driving   \na.mp4  ,b   \nc ,a.mp4 \n",
        "source;driving;;\r\na.mp4;b;;\r\nc;a.mp4;;\r\n;;;\r\n",
        '\ufeff"source";"driving"\r\n"a.mp4";"b"\r\n"c";"a.mp4"\r\n',
        '\ufeffsource, driving\na.mp4, "b"\n\nc, a.mp4\n   \n\n',
        "\n\nid;driving;source\n1,5;b;a.mp4\n2,5;a.mp4;c\n",
    ],
)
def test_lists_as_spreadsheets_and_people_write_them(tmp_path, content):
    path = tmp_path / "pairs.csv"
    path.write_bytes(content.encode())
    assert read_pairs(path, VIDEOS, 5) == ([(VIDEOS[0], VIDEOS[1]), (VIDEOS[2], VIDEOS[0])], 0)


def test_names_may_hold_what_separates_elsewhere(tmp_path):
    videos = [Path("one, two.mp4"), Path("a;b.mp4")]
    path = tmp_path / "pairs.csv"
    path.write_text('source,driving\n"one, two","a;b"\n')
    assert read_pairs(path, videos, 5) == ([tuple(videos)], 0)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"from,to\na,b\n", "needs the columns source and driving"),
        (b"", "needs the columns"),
        (b"source,driving\nx,y\n", "names no pair of the 5 videos, e.g. a.mp4"),
        (b"source,driving\na\n", "names no pair"),
        (b"\xff\xfe\x00\x01", "is not a CSV file"),
        (None, "no such pairs list"),
    ],
)
def test_what_is_no_list_of_pairs(tmp_path, content, message):
    path = tmp_path / "pairs.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=message) as caught:
        read_pairs(path, VIDEOS, 5)
    assert str(path) in str(caught.value)


def test_names_of_pairs_are_distinct():
    def named(*stems):
        videos = [Path(f"{stem}.mp4") for stem in stems]
        pairs = [(a, b) for a in videos for b in videos]
        found = pair_names(pairs, {video: video.stem for video in videos})
        assert len(set(found)) == len(pairs)
        return found

    assert named("a", "b") == ["a-a", "a-b", "b-a", "b-b"]
    assert "a--b-c" in named("a", "a-b", "b-c", "c")
    assert named("a", "a-", "-b", "b", "--b", "a--")[0] == "0000-a--a"
