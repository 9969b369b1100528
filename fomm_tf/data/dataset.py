"""Folders of videos as training pairs and as whole videos, in the official layout. No TensorFlow.

A dataset folder holds `train/` and `test/`, or the videos themselves, which are then split (see
`split_videos`). A video is a video file, a folder of frames in natural order (2.png, 10.png), or
one picture with the frames side by side.
"""

from __future__ import annotations

import copy
import math
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from tqdm import tqdm

from fomm_tf.config.sections import DatasetParams
from fomm_tf.data.augmentation import augment, check_size
from fomm_tf.data.clips import Clip, StillClip, StripClip, list_videos, open_clip
from fomm_tf.errors import ConfigError, DataError
from fomm_tf.media.fitting import fit
from fomm_tf.media.frames import TimedFrame
from fomm_tf.media.pictures import to_float

CACHE_BYTES = 1 << 30


class FramesDataset:
    """The videos of one split, as training pairs (`sample`) and whole (`video`).

    params: `frame_shape` is the shape of returned frames; frames of another size are centre-cropped
    to its aspect ratio and resized. With `id_sampling` an item of "train" is an identity, the part
    of a video's name before "#", and one of its videos is drawn each time.
    split: "train" or "test", see `split_videos`. root: overrides `params.root_dir`. cache_bytes:
    memory for decoded frames. stills: every picture is one frame, not a strip of several; for
    steps that do without a driving frame.

    Unreadable videos are named once on stderr and left out; `broken` maps their paths to the
    reasons, `clips` are the others. Raises DataError if none is left, ConfigError if
    `augmentation_params` would yield frames of another size than `frame_shape`.
    """

    def __init__(
        self,
        params: DatasetParams,
        split: str = "train",
        root: str | Path | None = None,
        cache_bytes: int = CACHE_BYTES,
        stills: bool = False,
    ):
        height, width, channels = params.frame_shape
        if channels != 3:
            raise ConfigError(f"dataset_params.frame_shape: must be RGB, has {channels} channels")
        self.frame_size = (height, width)
        self.root = Path(params.root_dir if root is None else root)
        self._augmentation = params.augmentation_params if split == "train" else None
        if self._augmentation is not None:
            check_size(self._augmentation, self.frame_size)
        self.broken: dict[Path, str] = {}
        # The exception of `sample` inside tf.data, for `pipeline.iterate` to re-raise.
        self.failure: Exception | None = None
        self._told: set[Path | str] = set()
        self._lock = threading.Lock()
        self._cache_left = cache_bytes
        self._cached: dict[Path, np.ndarray] = {}
        paths = split_videos(self.root, split, by_identity=params.id_sampling)
        self._stills = stills
        self.clips = self._usable([self._open(path) for path in paths])
        self._decoding = {clip.path: threading.Lock() for clip in self.clips}
        usable = {clip.path: clip for clip in self.clips}
        groups = _groups(list(usable), params.id_sampling and split == "train")
        self._items = [[usable[path] for path in group] for group in groups]

    def __len__(self) -> int:
        """Number of items: videos, or for "train" with `id_sampling` identities."""
        return len(self._items)

    def sample(self, index: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Source and driving frame of item `index`: float32 [H, W, 3] in [0, 1].

        Two frames of one video, drawn with replacement, in temporal order, and (in "train")
        augmented identically. The result depends only on the files, `index` and `rng`, even if a
        video turns out to be broken: the next item replaces it. Thread-safe. Raises DataError if
        every item is broken.
        """
        for step in range(len(self)):
            clips = self._items[(index + step) % len(self)]
            clip = clips[rng.integers(len(clips))]
            try:
                pair = self._draw(clip, rng)
            except (DataError, OSError) as error:
                self._leave_out(clip, error, "another video takes its place")
                continue
            if self._augmentation is not None:
                pair = augment(pair, self._augmentation, rng)
            return to_float(pair[0]), to_float(pair[1])
        raise DataError(f"{self.root}: none of its videos can be read anymore")

    def with_memory(self, cache_bytes: int = CACHE_BYTES) -> FramesDataset:
        """The same videos with a separate cache; nothing is reopened."""
        other = copy.copy(self)
        other._cache_left, other._cached = cache_bytes, {}
        return other

    def video(self, index: int) -> Iterator[np.ndarray]:
        """All frames of `clips[index]`, one at a time: uint8 [H, W, 3].

        Raises DataError or OSError if the file cannot be read; a damaged one yields the frames that
        can be decoded, and a warning.
        """
        for frame in self.timed_video(index):
            yield frame.image

    def timed_video(self, index: int) -> Iterator[TimedFrame]:
        """Like `video`, with the time and duration of each frame."""
        clip = self.clips[index]
        for frame in clip.timed():
            yield frame._replace(image=self._fit(frame.image, clip))
        self._tell_damage(clip)

    def _open(self, path: Path) -> Clip:
        clip = open_clip(path, self.frame_size)
        return (
            StillClip(path, self.frame_size)
            if self._stills and isinstance(clip, StripClip)
            else clip
        )

    def _draw(self, clip: Clip, rng: np.random.Generator) -> np.ndarray:
        count = clip.count()
        indices = np.sort(rng.integers(count, size=2)).tolist()
        whole = self._whole(clip, count)
        if whole is None:
            return np.stack([self._fit(frame, clip) for frame in clip.read(indices)])
        if indices[1] >= len(whole):
            raise DataError(f"{clip.path}: only {len(whole)} of {count} frames can be read")
        return whole[indices]

    def _whole(self, clip: Clip, count: int) -> np.ndarray | None:
        """All readable frames, cached; None if they do not fit into the cache.

        Nothing is ever evicted: in shuffled passes over more videos than fit, most would be evicted
        before their next use.
        """
        size = count * math.prod(self.frame_size) * 3
        with self._decoding[clip.path]:
            if clip.path in self._cached:
                return self._cached[clip.path]
            with self._lock:
                if size > self._cache_left:
                    return None
                self._cache_left -= size
            frames = np.empty((count, *self.frame_size, 3), np.uint8)
            done = 0
            try:
                for frame, done in zip(clip.frames(), range(1, count + 1), strict=False):
                    frames[done - 1] = self._fit(frame, clip)
            except (DataError, OSError):
                pass  # the frames so far are valid; `_draw` raises if more are needed
            self._tell_damage(clip)
            self._cached[clip.path] = frames[:done]
            return self._cached[clip.path]

    def _fit(self, frame: np.ndarray, clip: Clip) -> np.ndarray:
        if frame.shape[:2] == self.frame_size:
            return frame
        height, width = self.frame_size
        self._tell(
            "size",
            f"note: {clip.path} is {frame.shape[1]}x{frame.shape[0]}; frames that are not"
            f" {width}x{height} are centre-cropped and resized to it",
        )
        return fit(frame, self.frame_size)

    def _usable(self, clips: Sequence[Clip]) -> list[Clip]:
        """The clips whose first frame can be read; reports the others."""
        with ThreadPoolExecutor(8) as pool:
            bar = tqdm(pool.map(_failure, clips), "opening videos", len(clips), False, delay=2)
            failures = list(bar)
        for clip, failure in zip(clips, failures, strict=True):
            if failure is not None:
                self._leave_out(clip, failure, "left out")
        usable = [clip for clip in clips if clip.path not in self.broken]
        if not usable:
            raise DataError(f"{self.root}: none of its {len(clips)} videos can be read")
        if self.broken:
            _say(f"warning: {self.root}: {len(self.broken)} of {len(clips)} videos are left out")
        strips = not self._stills and all(isinstance(clip, StripClip) for clip in usable)
        if strips and all(clip.count() == 1 for clip in usable):
            raise DataError(
                f"{self.root}: every video has only one frame; put the frames of a video side by"
                " side in one picture, or into a folder of their own"
            )
        return usable

    def _leave_out(self, clip: Clip, error: Exception, consequence: str) -> None:
        reason = " ".join(str(error).split())
        self.broken.setdefault(clip.path, reason)
        name = "" if str(clip.path) in reason else f"{clip.path}: "
        self._tell(clip.path, f"warning: {name}{reason} ({consequence})")

    def _tell_damage(self, clip: Clip) -> None:
        if clip.problem is not None:
            self._tell(clip.path, f"warning: {clip.problem}")
        for notice in clip.notices:
            self._tell(f"{clip.path}: {notice}", f"note: {clip.path}: {notice}")

    def _tell(self, key: Path | str, line: str) -> None:
        """Prints a line once per key."""
        with self._lock:
            new = key not in self._told
            self._told.add(key)
        if new:
            _say(line)


def split_videos(root: str | Path, split: str, by_identity: bool = False) -> list[Path]:
    """The videos of one split ("train" or "test") of the dataset folder `root`, in natural order.

    The splits are `root/train` and `root/test`; "test" needs only the latter. A `root` without them
    is split itself: a fifth of its videos is "test" (with `by_identity` of its identities, so that
    none is in both). The split depends only on the names, not on which videos are readable.
    Raises DataError if a split is missing or empty.
    """
    root = Path(root)
    if split not in ("train", "test"):
        raise ValueError(f"split must be 'train' or 'test', not {split!r}")
    has_train, has_test = (root / "train").is_dir(), (root / "test").is_dir()
    if has_test and (has_train or split == "test"):
        return list_videos(root / split)
    if has_train or has_test:
        there, missing = ("train", "test") if has_train else ("test", "train")
        raise DataError(
            f"{root}: has {there}/ but no {missing}/; add it, or put all videos into {root} itself"
        )
    groups = _groups(list_videos(root), by_identity)
    if len(groups) < 2:
        kind = "identity" if by_identity else "video"
        raise DataError(f"{root}: only one {kind}, too few to hold out a fifth for testing")
    order = np.random.default_rng(0).permutation(len(groups)).tolist()
    tests = math.ceil(len(groups) / 5)
    chosen = order[:tests] if split == "test" else order[tests:]
    return [path for group in sorted(chosen) for path in groups[group]]


def split_notice(root: str | Path) -> str | None:
    """A line for the user if `split_videos` takes the "test" videos from `root` itself."""
    if (Path(root) / "test").is_dir():
        return None
    return f"{root} has no test/: using the fifth of its videos that training on it holds out"


def _failure(clip: Clip) -> Exception | None:
    """Why the clip is unusable; None if it is usable."""
    try:
        clip.check()
    except (DataError, OSError) as error:
        return error
    return None


def _groups(paths: Sequence[Path], by_identity: bool) -> list[list[Path]]:
    """The videos one by one, or grouped by the part of their names before "#"."""
    groups: dict[str, list[Path]] = {}
    for path in paths:
        groups.setdefault(path.name.split("#")[0] if by_identity else path.name, []).append(path)
    return list(groups.values())


def _say(line: str) -> None:
    tqdm.write(line, file=sys.stderr)
