"""Commands of a delivery: each is understood, on a list of what cannot touch the network, or named as unknown."""
