"""Tests of gen/netwright/commands."""
