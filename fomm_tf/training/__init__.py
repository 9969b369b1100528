"""Training: the step, its checkpoints, and visualizations of its progress."""
