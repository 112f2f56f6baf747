"""Tests of gen/netwright/files."""
