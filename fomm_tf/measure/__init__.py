"""Measurement of image quality and speed, and the description of the machine."""
