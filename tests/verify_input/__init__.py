"""Tests of gen/netwright/verify_input."""
