"""Tests of gen/netwright/production."""
