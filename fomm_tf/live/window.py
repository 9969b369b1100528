"""The window: what drives, what comes of it, how fast; and the keys."""

from __future__ import annotations

import tkinter
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from PIL import Image, ImageTk

from fomm_tf.errors import UserError
from fomm_tf.live.outputs import Recording, new_path, save_still
from fomm_tf.live.puppet import Controls
from fomm_tf.live.session import Animated, Meter, Session
from fomm_tf.media.pictures import to_uint8

# Height of both panels, in pixels of the screen, and milliseconds between looks for a new frame.
HEIGHT = 400
LOOK_MS = 4


class Window:
    """Shows a session until it ends or the user ends it.

    absolute_only: the model has no relative motion. folder: for stills and recordings; comment: in
    recordings. Raises UserError where there is no display.
    """

    def __init__(
        self,
        session: Session,
        controls: Controls,
        sources: int,
        folder: Path,
        comment: str | None,
        absolute_only: bool = False,
    ) -> None:
        self._session, self._controls, self._sources = session, controls, sources
        self._folder, self._comment, self._absolute_only = folder, comment, absolute_only
        self._meter, self._message = Meter(), "space: first frame   q: end   --help: all keys"
        self._last: Animated | None = None
        self._recording: Recording | None = None
        self._stack = ExitStack()
        self._error: BaseException | None = None
        try:
            self._root = tkinter.Tk()
        except tkinter.TclError as error:
            raise UserError(f"no window can be opened ({error}); give --out FILE") from error
        self._root.title("fomm_tf live")
        self._picture = tkinter.Label(self._root, borderwidth=0)
        self._picture.pack()
        self._status = tkinter.Label(self._root, anchor="w")
        self._status.pack(fill="x")
        self._root.protocol("WM_DELETE_WINDOW", self._root.quit)
        self._root.bind("<Key>", self._pressed)
        self._photo: ImageTk.PhotoImage | None = None

    def run(self) -> None:
        """Returns when the window is closed or the camera's file ends; raises what ended it."""
        with self._stack:
            self._next_look = self._root.after(0, self._guarded, self._look)
            self._root.mainloop()
            self._session.stop()
            self._root.after_cancel(self._next_look)
            self._root.destroy()
            if self._error is not None:
                raise self._error

    def _guarded(self, work: Callable[[], None]) -> None:
        """Tk would print an exception and go on: keep it, and end."""
        try:
            work()
        except BaseException as error:
            self._error = error
            self._root.after_idle(self._root.quit)

    def _look(self) -> None:
        animated = self._session.results.take(timeout=0)
        if animated is not None:
            self._show(animated)
        if self._session.results.closed:
            # With a failure there is one more to take, which raises it.
            self._session.results.take()
            self._root.after_idle(self._root.quit)
        else:
            self._next_look = self._root.after(LOOK_MS, self._guarded, self._look)

    def _show(self, animated: Animated) -> None:
        self._last = animated
        image = panels(animated)
        if self._photo is None or (self._photo.width(), self._photo.height()) != image.size:
            self._photo = ImageTk.PhotoImage(image)
            self._picture.configure(image=self._photo)
        else:
            self._photo.paste(image)
        if self._recording is not None:
            self._recording.write(animated.result, animated.captured)
        self._meter.add(animated.captured)
        self._status.configure(text=self._state(animated))

    def _state(self, animated: Animated) -> str:
        controls = self._controls
        words = [
            str(self._meter),
            f"{self._session.dropped} left out",
            "no face" if animated.driving is None else "",
            "absolute" if controls.absolute else "",
            "mirrored" if controls.mirror else "",
            f"picture {controls.source + 1}" if self._sources > 1 else "",
            "RECORDING" if self._recording else "",
            self._message,
        ]
        return "   ".join(word for word in words if word)

    def _pressed(self, event: tkinter.Event) -> None:
        self._guarded(lambda: self._press(event.keysym))

    def _press(self, key: str) -> None:
        controls = self._controls
        if key in ("q", "Escape"):
            self._root.quit()
        elif key == "space":
            controls.restart = True
        elif key == "m":
            controls.mirror = not controls.mirror
            # The pose to compare with is mirrored, too.
            controls.restart = True
        elif key == "a" and not self._absolute_only:
            controls.absolute = not controls.absolute
        elif key == "n":
            controls.source = (controls.source + 1) % self._sources
        elif key.isdecimal() and 0 < int(key) <= self._sources:
            controls.source = int(key) - 1
        elif key == "s" and self._last is not None:
            self._message = str(save_still(self._folder, self._last.result))
        elif key == "r" and self._last is not None:
            self._record()

    def _record(self) -> None:
        if self._recording is None:
            path = new_path(self._folder, ".mp4")
            self._recording = self._stack.enter_context(Recording(path, self._comment))
            self._recording.write(self._last.result, self._last.captured)  # type: ignore[union-attr]
            self._message = str(path)
        else:
            self._stack.close()
            self._message = f"{self._recording.path}: {self._recording.frames} frames"
            self._recording = None


def panels(animated: Animated) -> Image.Image:
    """The driving picture and the result beside each other, of one height."""
    images = [animated.result] if animated.driving is None else [animated.driving, animated.result]
    scaled = []
    for image in images:
        height, width = image.shape[:2]
        size = (round(width * HEIGHT / height), HEIGHT)
        scaled.append(Image.fromarray(to_uint8(image)).resize(size, Image.Resampling.BILINEAR))
    return Image.fromarray(np.concatenate([np.asarray(image) for image in scaled], axis=1))
