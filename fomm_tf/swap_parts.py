"""Puts parts of a picture onto a video: the command of one kind of model."""

from fomm_tf.copart.swap_parts import command, main

__all__ = ["command", "main"]

if __name__ == "__main__":
    command()
