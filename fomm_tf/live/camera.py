"""Cameras by FFmpeg's devices, and files played in real time as if they were one."""

from __future__ import annotations

import errno
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import av
import av.device
import numpy as np

from fomm_tf.errors import DataError
from fomm_tf.media.video_reader import open_video

# FFmpeg's kind of device on each system; lavfi:SOURCE is a generated picture, for trying out.
_FORMATS = {"linux": "v4l2", "darwin": "avfoundation", "win32": "dshow"}
_DEFAULT = {"linux": "/dev/video0", "darwin": "0", "win32": ""}
_GENERATED = "lavfi:"
_REASONS = {
    errno.ENOENT: "there is no such camera",
    errno.ENODEV: "it was unplugged",
    errno.EIO: "it was unplugged",
    errno.EBUSY: "it is in use by another program",
    errno.EACCES: "it may not be used (permission denied)",
    errno.EPERM: "it may not be used (permission denied)",
    errno.ENOTTY: "it is no camera",
    errno.EINVAL: "it is no camera, or gives no picture",
}


def list_cameras() -> list[str]:
    """A line for each camera: the name for `open_camera`, and what the system calls it."""
    try:
        devices = av.device.enumerate_input_devices(_format())
    except (av.FFmpegError, ValueError):
        return []
    return [f"{device.name}  {device.description}" for device in devices]


def open_camera(name: str | None = None) -> Iterator[np.ndarray]:
    """The pictures of a camera, uint8 [H, W, 3], as they come; None: the system's first.

    name: as listed by `list_cameras`; lavfi:SOURCE is a source of FFmpeg's, as lavfi:testsrc2.
    Raises DataError here if it cannot be used, and on reading if it is unplugged.
    """
    name = name or _DEFAULT.get(sys.platform, "")
    kind, address = _format(), name
    if name.startswith(_GENERATED):
        kind, address = "lavfi", name.removeprefix(_GENERATED)
    elif sys.platform == "win32":
        address = f"video={name}"
    try:
        container = av.open(address, "r", format=kind)
    except (av.FFmpegError, OSError, ValueError) as error:
        raise _camera_error(name, error) from error
    return _read(container, name)


def play(path: Path) -> Iterator[np.ndarray]:
    """The frames of a video, uint8 [H, W, 3], each at its time; late ones are not waited for.

    Raises DataError for a video that cannot be read.
    """
    video = open_video(path)

    def frames() -> Iterator[np.ndarray]:
        start = time.monotonic()
        for frame in video.timed():
            time.sleep(max(0.0, start + frame.time - time.monotonic()))
            yield frame.image

    return frames()


def _read(container: av.container.InputContainer, name: str) -> Iterator[np.ndarray]:
    try:
        with container:
            for frame in container.decode(video=0):
                yield frame.to_ndarray(format="rgb24")
    except (av.FFmpegError, OSError) as error:
        raise _camera_error(name, error) from error
    # A generated picture may have an end; a camera gives pictures until it is gone.
    if not name.startswith(_GENERATED):
        raise DataError(f"camera {name}: it gives no more pictures (was it unplugged?)")


def _camera_error(name: str, error: Exception) -> DataError:
    number = getattr(error, "errno", None)
    reason = _REASONS.get(number or 0, str(getattr(error, "strerror", None) or error))
    return DataError(f"camera {name}: {reason}; --list-cameras lists those that there are")


def _format() -> str:
    return _FORMATS.get(sys.platform, "v4l2")
