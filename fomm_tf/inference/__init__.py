"""Running models: Keras ones and exported graphs, and animating pictures with either."""
