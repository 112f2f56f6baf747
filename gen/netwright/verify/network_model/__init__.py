"""Facts -> machines as their kernels stand after boot, and the network that they are wired to."""
