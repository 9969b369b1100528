"""From a model folder to TFLite graphs that run without TensorFlow: `python -m export.convert`."""
