"""Tests of gen/netwright/targets."""
