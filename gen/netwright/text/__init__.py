"""Texts that people write, read as YAML: their places, scalars and findings."""
