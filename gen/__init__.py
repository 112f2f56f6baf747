"""netwright: one topology file in, the network configuration of every machine of a cluster out."""

__version__ = "0.1.0"
