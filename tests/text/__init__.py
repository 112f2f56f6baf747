"""Tests of gen/netwright/text."""
