"""The schema of topology.yaml: documents judged by it, and what it says of each key."""
