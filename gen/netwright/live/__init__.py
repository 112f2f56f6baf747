"""Machines as they are: the script that collects their facts, and what differs from what was reviewed."""
