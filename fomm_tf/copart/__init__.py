"""Motion-supervised co-part segmentation (arXiv 2004.03234): parts that move alike, and their swap.

A detector of FOMM with one more head says which part each pixel belongs to; a picture is rebuilt
from another one by moving each part as a whole.
"""
