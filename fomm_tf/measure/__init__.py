"""Measuring: quality of pictures, time, and the machine it was measured on."""
