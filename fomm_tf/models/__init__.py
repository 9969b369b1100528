"""The networks, one per file; `layers` and `sampler` are what they share."""
