"""A packet's way through the network: the decisions of the kernel's IPv4 path, in their order."""
