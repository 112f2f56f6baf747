"""Tests of gen/netwright/repair."""
