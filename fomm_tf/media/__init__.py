"""Pictures, videos and sound: read, fitted, drawn on, written. No TensorFlow."""
