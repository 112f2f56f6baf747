"""What a delivery runs: everything is understood, on a list of what cannot touch the network, or named as unknown."""
