"""Shared by the commands: error handling, argument types, messages."""

from __future__ import annotations

import argparse
import os
import re
import signal
import sys
from collections.abc import Callable

from fomm_tf.errors import UserError


def run_command(main: Callable[[], None]) -> None:
    """Runs a command's `main`; turns user errors into one line and exit code 2, Ctrl-C into 130."""
    try:
        main()
    except UserError as error:
        _fail(str(error))
    except BrokenPipeError:
        # The reader of our output has exited (`... | head`): nobody reads a message.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        name = f"{error.filename}: " if error.filename else ""
        _fail(f"{name}{error.strerror or error}")
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(130)


def command_parser(
    name: str, description: str | None, details: str, package: str = "fomm_tf"
) -> argparse.ArgumentParser:
    """The parser of `python -m PACKAGE.NAME`; `details`, with examples, are --help's epilog."""
    return argparse.ArgumentParser(
        prog=f"python -m {package}.{name}",
        description=description,
        epilog=details,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def positive(text: str) -> int:
    """Argument type: an integer of at least 1."""
    return _whole(text, 1)


def not_negative(text: str) -> int:
    """Argument type: an integer of at least 0."""
    return _whole(text, 0)


def box(text: str) -> tuple[int, int, int, int]:
    """Argument type: X,Y,W,H in pixels."""
    try:
        x, y, w, h = (int(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not four whole numbers X,Y,W,H") from None
    return x, y, w, h


def picture_size(text: str) -> tuple[int, int]:
    """Argument type: HEIGHTxWIDTH in pixels."""
    match = re.fullmatch(r"(\d{1,5})x(\d{1,5})", text)
    if not match:
        raise argparse.ArgumentTypeError(f"{text!r} is not HEIGHTxWIDTH in pixels, as in 256x384")
    return int(match[1]), int(match[2])


def set_threads(count: int | None) -> None:
    """Sets the number of TensorFlow threads (None: all); call it before TensorFlow is used."""
    if count is not None:
        for name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS"):
            os.environ[name] = str(count)


def ignore_interrupts() -> None:
    """For processes started by a command: Ctrl-C, which reaches them too, is the command's."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def say(what: object, notice: str | None) -> None:
    """Reports on stderr what was done to an input, if anything."""
    if notice:
        print(f"{what}: {notice}", file=sys.stderr)


def warn(problem: str | None) -> None:
    """Reports a problem that does not end the command, if there is one."""
    if problem:
        print(f"warning: {problem}", file=sys.stderr)


def _whole(text: str, least: int) -> int:
    if not text.isdecimal() or int(text) < least:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least {least}")
    return int(text)


def _fail(message: str) -> None:
    print("error: " + " ".join(message.split()), file=sys.stderr)
    sys.exit(2)
