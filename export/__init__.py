"""Exports model folders to TFLite graphs that run without TensorFlow: `python -m export.convert`."""
