"""Goes on from a picture, or from the first frames of videos: the command of one kind of model."""

from fomm_tf.monkeynet.predict import command, main

__all__ = ["command", "main"]

if __name__ == "__main__":
    command()
