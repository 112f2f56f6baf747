"""Tests of gen/netwright/graph."""
