"""Swaps parts of a picture into a video: a command for co-part models."""

from fomm_tf.copart.swap_parts import command, main

__all__ = ["command", "main"]

if __name__ == "__main__":
    command()
