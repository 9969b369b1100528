"""Building blocks that the networks of several kinds share, and the geometry they compute with."""
