"""Exports models to TFLite graphs that run without TensorFlow: `python -m export.convert`."""
