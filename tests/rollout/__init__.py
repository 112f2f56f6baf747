"""Tests of netwright.rollout: what follows from changed files, and in which order machines get them."""
