"""Tests of gen/netwright/plan."""
