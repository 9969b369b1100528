"""A camera drives a picture, in a window or into a file. No TensorFlow of its own."""
