"""Rollout of a change: what applying new files means on each machine, and in which order of machines no flow breaks."""
