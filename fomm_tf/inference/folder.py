"""The files of a model folder."""

CONFIG_FILE = "config.yaml"
WEIGHTS_FILE = "weights.npz"
