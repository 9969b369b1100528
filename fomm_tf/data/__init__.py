"""Pictures, videos and datasets: reading, writing, augmenting, drawing. One module per task."""
