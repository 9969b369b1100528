"""Errors a user can cause."""

from __future__ import annotations


class UserError(Exception):
    """Invalid input; the message is one line with the problem and what to do."""


class ConfigError(UserError):
    """A configuration file has an unknown key, a wrong type or an impossible combination."""


class ModelError(UserError):
    """A folder or checkpoint is not a usable model, or an input does not fit the model."""


class DataError(UserError):
    """A picture, video or dataset folder cannot be read."""
