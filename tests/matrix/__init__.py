"""Tests of gen/netwright/matrix."""
