"""Evaluates how well parts predict annotated landmarks: a command for co-part models."""

from fomm_tf.copart.evaluate_landmarks import command, main

__all__ = ["command", "main"]

if __name__ == "__main__":
    command()
