"""Predicts future frames from a picture or from first frames: a command for Monkey-Net."""

from fomm_tf.monkeynet.predict import command, main

__all__ = ["command", "main"]

if __name__ == "__main__":
    command()
