"""Tests of gen/netwright/compare."""
