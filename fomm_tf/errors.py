"""Errors a user can cause."""

from __future__ import annotations


class UserError(Exception):
    """Something in the input is wrong; the message is one line that says what, and what to do."""


class ConfigError(UserError):
    """A configuration file has an unknown key, a wrong type or an impossible combination."""


class ModelError(UserError):
    """A folder or checkpoint is no usable model, or an input does not fit the model."""


class DataError(UserError):
    """A picture, video or dataset folder cannot be read."""
