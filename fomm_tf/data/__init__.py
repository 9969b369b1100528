"""Datasets of videos: reading, augmentation, batches, and a synthetic one."""
