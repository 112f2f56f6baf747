"""Proof of a network from its files."""
