"""Training: the step, its checkpoints, and the pictures it shows on the way."""
