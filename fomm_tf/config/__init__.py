"""Configurations: the schema of YAML files, and the sections that all kinds of models share."""
