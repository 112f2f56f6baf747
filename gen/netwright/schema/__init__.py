"""The schema of topology.yaml: documents checked against it, and its description of each key."""
