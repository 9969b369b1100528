"""Weights in files, ours and others', read as data: nothing in them is executed."""
