"""Measures how well parts tell where annotated landmarks are: the command of one kind of model."""

from fomm_tf.copart.evaluate_landmarks import command, main

__all__ = ["command", "main"]

if __name__ == "__main__":
    command()
