"""What the argument parsers of the commands share."""

from __future__ import annotations

import argparse


def command_parser(name: str, description: str | None, details: str) -> argparse.ArgumentParser:
    """The parser of `python -m fomm_tf.NAME`; `details`, with examples, end its --help."""
    return argparse.ArgumentParser(
        prog=f"python -m fomm_tf.{name}",
        description=description,
        epilog=details,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def positive(text: str) -> int:
    """The type of an argument: a whole number of at least 1."""
    return _whole(text, 1)


def not_negative(text: str) -> int:
    """The type of an argument: a whole number of at least 0."""
    return _whole(text, 0)


def _whole(text: str, least: int) -> int:
    if not text.isdecimal() or int(text) < least:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least {least}")
    return int(text)
