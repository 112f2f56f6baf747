"""Tests of gen/netwright/topology."""
