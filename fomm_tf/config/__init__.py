"""Configurations: the schema of YAML files, and the sections shared by all kinds of models."""
