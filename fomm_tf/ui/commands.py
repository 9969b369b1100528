"""The page's buttons as command lines: run in a process of their own, with progress. No Gradio."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, NamedTuple

from fomm_tf.errors import UserError
from fomm_tf.inference.folder import CONFIG_FILE, WEIGHTS_FILE
from fomm_tf.inference.manifest import MANIFEST_FILE

_BAR = re.compile(r"(?P<what>.*?):? +(?P<percent>\d+)%\|.*\[[^<]*<(?P<left>[\d:?]+)")
# Fields of the animate form -> options of the command, where they are not of the same name.
_FLAGS = ("absolute", "adapt_scale", "best_frame", "side_by_side", "paste_back")


# How long a command may take to remove what it was writing.
GRACE_SECONDS = 5.0


class Progress(NamedTuple):
    """fraction: 0 to 1 of the present part, or None if not known; text: one line."""

    fraction: float | None
    text: str


def find_models(*roots: Path) -> list[Path]:
    """The model folders and exported folders in `roots`, or which they are, in order of names."""
    candidates = [path for root in roots for path in (root, *sorted(root.glob("*")))]
    return [path for path in candidates if is_exported(path) or is_trained(path)]


def is_exported(folder: Path) -> bool:
    return (folder / MANIFEST_FILE).is_file()


def is_trained(folder: Path) -> bool:
    return all((folder / name).is_file() for name in (CONFIG_FILE, WEIGHTS_FILE))


def animate_line(
    model: Path, source: Path, driving: Path, out: Path, crop: bool, **flags: bool
) -> list[str]:
    """`python -m fomm_tf.animate`; flags: its options of these names, as `best_frame`."""
    line = [sys.executable, "-m", "fomm_tf.animate", "--model", model, "--source", source]
    line += ["--driving", driving, "--out", out, *(["--crop", "face"] if crop else [])]
    line += [f"--{name.replace('_', '-')}" for name in _FLAGS if flags.pop(name, False)]
    if flags:
        raise TypeError(f"animate_line has no options {sorted(flags)}")
    return [str(part) for part in line]


def export_line(model: Path, out: Path, precision: str) -> list[str]:
    """`python -m export.convert`."""
    line = [sys.executable, "-m", "export.convert", "--model", model, "--out", out]
    return [str(part) for part in (*line, "--precision", precision)]


def run(line: Sequence[str]) -> Iterator[Progress]:
    """Runs a command; yields what its progress bars show, and last what it says on stdout.

    Closing the iterator ends the command, which then leaves nothing half-written. Raises UserError
    with the command's own message.
    """
    process = subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    last = ""
    try:
        assert process.stderr is not None and process.stdout is not None
        for text in _lines(process.stderr):
            bar = _BAR.match(text)
            if bar is None:
                last = text
                yield Progress(None, text)
            else:
                left = f", {bar['left']} left" if "?" not in bar["left"] else ""
                yield Progress(int(bar["percent"]) / 100, f"{bar['what'].strip()}{left}")
        said = process.stdout.read().decode(errors="replace").strip()
        if process.wait():
            raise UserError(last.removeprefix("error: ") or "the command failed")
        yield Progress(1.0, said)
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """As Ctrl-C would, so that it removes its temporary files; Windows has no such signal."""
    if process.poll() is None:
        process.terminate() if os.name == "nt" else process.send_signal(signal.SIGINT)
        try:
            process.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    for pipe in (process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()


def _lines(pipe: IO[bytes]) -> Iterator[str]:
    """The lines of a pipe, also those that a progress bar ends by a carriage return."""
    rest = b""
    while chunk := pipe.read1(4096):  # type: ignore[attr-defined]
        *whole, rest = re.split(rb"[\r\n]", rest + chunk)
        yield from (line.decode(errors="replace").strip() for line in whole if line.strip())
    if rest.strip():
        yield rest.decode(errors="replace").strip()
