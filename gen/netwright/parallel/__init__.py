"""The same work on many nodes, split between processes, with its progress and its faults."""
