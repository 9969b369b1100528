"""Monkey-Net (arXiv 1812.08861): keypoints with a variance, and no Jacobians."""
