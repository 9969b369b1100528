"""Errors a user can cause, and how every command reports them: one line on stderr, exit code 2."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable


class UserError(Exception):
    """Something in the input is wrong; the message is one line that says what, and what to do."""


class ConfigError(UserError):
    """A configuration file has an unknown key, a wrong type or an impossible combination."""


class ModelError(UserError):
    """A folder or checkpoint is no usable model, or an input does not fit the model."""


class DataError(UserError):
    """A picture, video or dataset folder cannot be read."""


def run_command(main: Callable[[], None]) -> None:
    """Runs a command's `main`; turns user errors into one line and exit code 2, Ctrl-C into 130."""
    try:
        main()
    except UserError as error:
        _fail(str(error))
    except BrokenPipeError:
        # The reader of our output went away (`... | head`): nobody is left to be told.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        name = f"{error.filename}: " if error.filename else ""
        _fail(f"{name}{error.strerror or error}")
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(130)


def _fail(message: str) -> None:
    print("error: " + " ".join(message.split()), file=sys.stderr)
    sys.exit(2)
