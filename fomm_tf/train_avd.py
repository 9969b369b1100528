"""`python -m fomm_tf.train_avd`; see `fomm_tf.tpsmm.train_avd`."""

from fomm_tf.tpsmm.train_avd import command, main

__all__ = ["command", "main"]

if __name__ == "__main__":
    command()
