"""Reachability of networks, groups, pods and the internet, as values and as pictures."""
