"""netwright: one topology file in, the network configuration of every machine of a cluster out."""

__version__ = "0.1.0"
NOT_ENOUGH_MEMORY = "there is not enough memory; allow more of it (ulimit -v), or split the topology"
"""Stands where it is loaded in any case."""
